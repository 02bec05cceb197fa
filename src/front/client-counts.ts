// How many connections each client has, where that is limited (--connections-per-client): so that one client alone cannot fill the
// house. Proxies that are trusted come for many, and so does whoever connects to a Unix socket or sends a PROXY header.

import type { Socket } from "node:net";
import type { Clock } from "../base/ports.ts";
import { AddressSet } from "../http/address-set.ts";
import { clientOf } from "../http/client-of.ts";
import type { Log } from "../log/log.ts";
import { plainAddress } from "./peer.ts";

export interface ClientCountsOptions {
  readonly most: number;
  readonly trusted: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** It is told of once in this time. */
const LINE_MS = 60_000;

export class ClientCounts {
  readonly #options: ClientCountsOptions;
  readonly #trusted: AddressSet;
  readonly #counts = new Map<string, number>();
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ClientCountsOptions) {
    this.#options = options;
    this.#trusted = new AddressSet(options.trusted);
  }

  /** False when the client has as many as it may. Else the socket counts until it is closed. */
  admit(socket: Socket): boolean {
    const address = plainAddress(socket.remoteAddress ?? "");
    if (address === "" || this.#trusted.has(address)) return true;
    const client = clientOf(address);
    const count = this.#counts.get(client) ?? 0;
    if (count >= this.#options.most) {
      this.#say(address);
      return false;
    }
    this.#counts.set(client, count + 1);
    socket.once("close", () => this.#leave(client));
    return true;
  }

  #leave(client: string): void {
    const count = (this.#counts.get(client) ?? 0) - 1;
    if (count > 0) this.#counts.set(client, count);
    else this.#counts.delete(client);
  }

  #say(client: string): void {
    const { clock, log, most } = this.#options;
    if (clock.nowMs() < this.#saidAtMs + LINE_MS) return;
    this.#saidAtMs = clock.nowMs();
    log.warning("a client has as many connections as it may; further ones get 503", { client, most });
  }
}
