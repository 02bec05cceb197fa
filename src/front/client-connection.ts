// A client's connection as the front sees it, whatever is spoken on it.

import type { Place } from "../base/roll.ts";
import type { AbortCause } from "../http/exchange.ts";
import type { InFlight } from "./in-flight.ts";

export interface ClientConnection {
  /** Among the front's connections. */
  readonly place: Place<ClientConnection>;
  /** Waits for a further request and has received nothing of it: to close it costs the client a handshake. */
  readonly isIdle: boolean;
  /** What it is busy with, if anything; several things on HTTP/2. */
  inFlight(nowMs: number): InFlight | readonly InFlight[] | undefined;
  /** Finish what runs, begin nothing new. What would not end by itself is asked to, within so many milliseconds. */
  drain(withinMs: number): void;
  destroy(cause: AbortCause): void;
}

export interface ConnectionOwner {
  /** The socket is closed; said once. */
  onConnectionClosed(connection: ClientConnection): void;
  /** The client's socket is `successor`'s from now on. */
  onConnectionReplaced(connection: ClientConnection, successor: ClientConnection): void;
}
