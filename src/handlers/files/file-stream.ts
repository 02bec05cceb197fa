// Parts of an open file on their way to a client, read as the client takes them. One read is under way at most; it fills the
// time in which the kernel sends what was read before. Bytes.

import { read } from "node:fs";
import { Fifo } from "../../base/fifo.ts";
import { pieces } from "../../base/piece-pool.ts";
import type { AbortCause, Exchange, ExchangeEvents, ResponseSink } from "../../http/exchange.ts";
import type { BodyPart } from "./byte-ranges.ts";
import type { SharedFile } from "./shared-file.ts";

const PIECE_BYTES = 262_144;
/** A file is read ahead while less than this waits for the client. */
const AHEAD_BYTES = 262_144;

/**
 *   ready ──read──► reading ──► ready … ──► over
 *                      └── client left ──► over (when the read is back)
 */
type State = "ready" | "reading" | "over";

export class FileStream implements ExchangeEvents {
  readonly #file: SharedFile;
  readonly #response: ResponseSink;
  readonly #onShort: () => void;
  readonly #parts = new Fifo<BodyPart>();
  #offset = 0;
  #left = 0;
  /** Given to the client's side and not known to have left it. */
  #waitingBytes = 0;
  #state: State = "ready";
  #hasClient = true;

  /** The response must have been started. `onShort`: the file ended before what was promised of it. */
  constructor(exchange: Exchange, file: SharedFile, onShort: () => void) {
    this.#file = file;
    this.#response = exchange.response;
    this.#onShort = onShort;
    file.use();
    exchange.events = this;
  }

  send(parts: readonly BodyPart[]): void {
    for (const part of parts) this.#parts.push(part);
    this.#pump();
  }

  onDrain(bytes: number): void {
    this.#waitingBytes = Math.max(0, this.#waitingBytes - bytes);
    this.#pump();
  }

  onAbort(_cause: AbortCause): void {
    this.#hasClient = false;
    if (this.#state === "ready") this.#finish();
  }

  #pump(): void {
    while (this.#state === "ready" && this.#waitingBytes < AHEAD_BYTES) {
      if (this.#left > 0) this.#read();
      else if (!this.#nextPart()) return;
    }
  }

  /** False when there is none, and the response has ended. */
  #nextPart(): boolean {
    const part = this.#parts.shift();
    if (part === undefined) {
      this.#finish();
      this.#response.end();
      return false;
    }
    if (Buffer.isBuffer(part)) {
      this.#give(part);
      return true;
    }
    this.#offset = part.offset;
    this.#left = part.length;
    return true;
  }

  #read(): void {
    this.#state = "reading";
    const piece = pieces.take(Math.min(PIECE_BYTES, this.#left));
    read(this.#file.fd, piece, 0, piece.length, this.#offset, (error, count) =>
      this.#onRead(error, piece, count),
    );
  }

  #onRead(error: Error | null, piece: Buffer, count: number): void {
    if (!this.#hasClient) {
      this.#finish();
      return;
    }
    this.#state = "ready";
    if (error !== null || count === 0) {
      this.#finish();
      this.#onShort();
      this.#response.abort("app-aborted", 500, error?.message ?? "the file became shorter");
      return;
    }
    this.#offset += count;
    this.#left -= count;
    this.#give(count === piece.length ? piece : piece.subarray(0, count));
    if (this.#state === "ready" && this.#left === 0 && this.#parts.peek() === undefined) this.#nextPart();
    else this.#pump();
  }

  #give(bytes: Buffer): void {
    this.#waitingBytes += bytes.length;
    this.#response.write(bytes);
  }

  #finish(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#file.release();
  }
}
