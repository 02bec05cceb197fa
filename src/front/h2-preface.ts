// A client that may speak HTTP/2 at once (prior knowledge, RFC 9113 §3.3) or HTTP/1.1: its first bytes tell. Milliseconds, bytes.

import type { Duplex } from "node:stream";
import { Place } from "../base/roll.ts";
import { PREFACE } from "../h2/frames.ts";
import type { AbortCause } from "../http/exchange.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import { listenTo, type SocketSink } from "./client-socket.ts";
import type { FrontContext } from "./context.ts";
import { Deadline, type DeadlineOwner } from "./deadlines.ts";

export interface PrefaceOptions {
  readonly context: FrontContext;
  readonly socket: Duplex;
  readonly owner: ConnectionOwner;
  /** Makes the connection that the client gets, by what it speaks. */
  speak(version: "h2" | "h1"): ClientConnection;
}

export class H2Preface implements ClientConnection, DeadlineOwner, SocketSink {
  /** Nothing was asked for yet. */
  readonly place: Place<ClientConnection> = new Place();
  readonly isIdle = true;
  readonly #options: PrefaceOptions;
  readonly #deadline: Deadline;
  readonly #stopListening: () => void;
  #received: Buffer = Buffer.alloc(0);

  constructor(options: PrefaceOptions) {
    this.#options = options;
    const { context, socket } = options;
    this.#deadline = new Deadline(context.deadlines, this);
    this.#deadline.armAt(context.clock.nowMs() + context.config.headTimeoutMs);
    this.#stopListening = listenTo(socket, this);
  }

  inFlight(): undefined {
    return undefined;
  }

  drain(): void {
    if (this.#received.length === 0) this.destroy();
  }

  destroy(_cause?: AbortCause): void {
    this.#options.socket.destroy();
  }

  onDeadline(): void {
    this.destroy();
  }

  onData(lent: Buffer): void {
    this.#received = Buffer.concat([this.#received, lent]);
    const start = this.#received.toString("latin1", 0, PREFACE.length);
    if (!PREFACE.startsWith(start)) this.#handOn("h1");
    else if (start.length === PREFACE.length) this.#handOn("h2");
  }

  onError(error: Error): void {
    this.#options.context.log.debug("client socket failed", { message: error.message, phase: "preface" });
  }

  onEnd(): void {
    this.destroy();
  }

  onClose(): void {
    this.#deadline.release();
    this.#options.owner.onConnectionClosed(this);
  }

  #handOn(version: "h2" | "h1"): void {
    const { context, socket, owner, speak } = this.#options;
    this.#stopListening();
    this.#deadline.release();
    const successor = speak(version);
    owner.onConnectionReplaced(this, successor);
    // As if they came now; they count when they are read.
    socket.emit("data", this.#received);
    if (context.isDraining) successor.drain(0);
  }
}
