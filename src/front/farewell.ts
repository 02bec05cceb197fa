// The end of a connection without a reset: our side is closed once everything is sent, and what the client still sends is read
// and thrown away, so that a client in the middle of an upload can read the answer (RFC 9112 §9.6). Bytes.

import type { Duplex } from "node:stream";
import type { Output } from "./output.ts";

const DISCARDED_BYTES_MAX = 64 * 1024 * 1024;

export class Farewell {
  readonly #socket: Duplex;
  readonly #output: Output;
  #isEnded = false;
  #discardedBytes = 0;

  constructor(socket: Duplex, output: Output) {
    this.#socket = socket;
    this.#output = output;
  }

  /** Closes our side as soon as nothing waits. To be called until then, whenever something was sent. */
  endWhenSent(): void {
    if (this.#isEnded || this.#output.queuedBytes > 0) return;
    this.#isEnded = true;
    this.#socket.end();
  }

  /** False when the client has sent more than one can wait for. */
  discard(bytes: number): boolean {
    this.#discardedBytes += bytes;
    return this.#discardedBytes <= DISCARDED_BYTES_MAX;
  }
}
