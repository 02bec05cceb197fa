// The WebSockets on one HTTP/2 connection: each is a connection of its own on its stream, and lives and dies with this one.

import type { AbortCause } from "../http/exchange.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import { ClientWriter } from "./client-writer.ts";
import type { H2Carrier, H2Shell } from "./h2-carrier.ts";
import { H2Tunnel } from "./h2-tunnel.ts";
import type { InFlight } from "./in-flight.ts";
import type { Passage } from "./ws-offer.ts";

export interface TunnelShell extends H2Shell {
  /** The exchange is over: its stream is a WebSocket's. */
  upgraded(carrier: H2Carrier): void;
}

const NOBODY = { onSent: () => {}, onRoom: () => {}, onStalled: () => {}, onMemoryShort: () => {} };

export class H2Tunnels implements ConnectionOwner {
  readonly #shell: TunnelShell;
  readonly #open = new Set<ClientConnection>();

  constructor(shell: TunnelShell) {
    this.#shell = shell;
  }

  /** The stream, on which a response of 200 was given, belongs to another protocol from now on. */
  pass(carrier: H2Carrier, received: Buffer): Passage {
    const { stream } = carrier;
    this.#shell.upgraded(carrier);
    const tunnel = new H2Tunnel(this.#shell, stream);
    stream.isTunnel = true;
    stream.sink = tunnel;
    if (stream.isRemoteEnded) tunnel.onBodyEnd();
    const writer = new ClientWriter(this.#shell.context, tunnel.duplex, NOBODY, { isCounted: false });
    return { socket: tunnel.duplex, writer, owner: this, received };
  }

  add(connection: ClientConnection): void {
    this.#open.add(connection);
  }

  inFlight(nowMs: number): InFlight[] {
    return [...this.#open].flatMap((connection) => connection.inFlight(nowMs) ?? []);
  }

  drain(withinMs: number): void {
    for (const connection of this.#open) connection.drain(withinMs);
  }

  destroy(cause: AbortCause): void {
    for (const connection of [...this.#open]) connection.destroy(cause);
  }

  onConnectionClosed(connection: ClientConnection): void {
    this.#open.delete(connection);
  }

  onConnectionReplaced(connection: ClientConnection, successor: ClientConnection): void {
    this.#open.delete(connection);
    this.#open.add(successor);
  }
}
