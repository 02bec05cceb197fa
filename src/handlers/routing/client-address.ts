// Which clients a route is for, by their addresses after the trust rules: what proxies that nobody trusts say counts for nothing.

import type { RoutePolicy } from "../../config/route.ts";
import { AddressSet } from "../../http/address-set.ts";
import type { Exchange } from "../../http/exchange.ts";
import type { Trust } from "../trust.ts";

export type AddressOf = (exchange: Exchange) => string;

export class AddressGuard {
  readonly #trust: Trust;
  readonly #allow: AddressSet | undefined;
  readonly #deny: AddressSet;

  /** Undefined where everybody may come. */
  static of({ allow, deny }: Pick<RoutePolicy, "allow" | "deny">, trust: Trust): AddressGuard | undefined {
    return allow.length + deny.length === 0 ? undefined : new AddressGuard(trust, allow, deny);
  }

  constructor(trust: Trust, allow: readonly string[], deny: readonly string[]) {
    this.#trust = trust;
    this.#allow = allow.length === 0 ? undefined : new AddressSet(allow);
    this.#deny = new AddressSet(deny);
  }

  admits(exchange: Exchange): boolean {
    const address = clientAddress(exchange, this.#trust);
    return !this.#deny.has(address) && this.#allow?.has(address) !== false;
  }
}

/** Of the client, as trusted proxies tell; `unix` where a Unix socket's peer speaks for itself. */
export function clientAddress({ head, peer }: Exchange, trust: Trust): string {
  const { client } = trust.judge(head, peer);
  if (client !== undefined) return client.host;
  return peer.isUnix ? "unix" : peer.remoteAddress;
}
