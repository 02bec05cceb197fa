// TLS of one listener: what it shows, and how many clients may be at their handshake at a time.

import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Roll } from "../base/roll.ts";
import type { TlsConfig } from "../config/listener.ts";
import type { TlsMaterial } from "../config/tls-material.ts";
import type { Peer } from "../http/exchange.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { FrontContext } from "./context.ts";
import { TlsContexts } from "./tls-contexts.ts";
import { type HandshakeOwner, TlsHandshake } from "./tls-handshake.ts";

/** A client that has not finished after so long makes room for others, where room is short. */
const PATIENCE_MS = 1_000;

export interface TlsTerminalOptions {
  readonly settings: TlsConfig;
  readonly material: TlsMaterial;
  /** Protocols for ALPN (RFC 7301), the preferred one first. */
  readonly alpn: readonly string[];
  /** Handshakes at a time. */
  readonly handshakesMax: number;
  readonly context: FrontContext;
  onSecured(handshake: ClientConnection, secured: TLSSocket, peer: Peer, protocol: string): void;
  onFailed(handshake: ClientConnection): void;
}

export class TlsTerminal implements HandshakeOwner {
  readonly #options: TlsTerminalOptions;
  #contexts: TlsContexts;
  /** Oldest first. */
  readonly #pending = new Roll<TlsHandshake>((handshake) => handshake.pendingPlace);

  constructor(options: TlsTerminalOptions) {
    this.#options = options;
    this.#contexts = new TlsContexts(options.settings, options.material);
  }

  /** For handshakes that begin from now on. */
  replace(material: TlsMaterial): void {
    this.#contexts = new TlsContexts(this.#options.settings, material);
  }

  /** Undefined: there are too many, and the socket is closed. */
  shake(socket: Socket, peer: Peer): ClientConnection | undefined {
    if (!this.#makeRoom()) {
      socket.destroy();
      return undefined;
    }
    const { context, alpn, settings } = this.#options;
    context.counters.tlsHandshakes++;
    const handshake = new TlsHandshake({
      socket,
      peer,
      context,
      contexts: this.#contexts,
      alpn,
      clientCertificate: settings.clientCertificate,
      timeoutMs: settings.handshakeTimeoutMs,
      owner: this,
    });
    this.#pending.add(handshake);
    return handshake;
  }

  onSecured(handshake: TlsHandshake, secured: TLSSocket, peer: Peer, protocol: string): void {
    this.#pending.delete(handshake);
    this.#options.onSecured(handshake, secured, peer, protocol);
  }

  onFailed(handshake: TlsHandshake): void {
    this.#pending.delete(handshake);
    this.#options.onFailed(handshake);
  }

  /** Who is slow goes before who has just come is turned away: silent clients do not keep others out for long. */
  #makeRoom(): boolean {
    const { handshakesMax, context } = this.#options;
    if (this.#pending.size < handshakesMax) return true;
    const oldest = this.#pending.first;
    if (oldest === undefined || context.clock.nowMs() - oldest.beganAtMs < PATIENCE_MS) {
      context.counters.connectionsRefused++;
      return false;
    }
    oldest.destroy("deadline");
    this.#pending.delete(oldest);
    return true;
  }
}
