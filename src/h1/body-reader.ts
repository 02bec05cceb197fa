// A request's body out of the input, however it is framed (RFC 9112 §6): piece by piece, or thrown away.

import type { InputBuffer } from "../base/input-buffer.ts";
import { type Fields, NO_FIELDS } from "../http/fields.ts";
import type { MessageLimits } from "../http/limits.ts";
import { ChunkedReader } from "./chunked-reader.ts";
import type { H1Fault } from "./fault.ts";

/** Instead of a piece. `too-much`: more came than was to be thrown away. */
export type BodyOutcome = "need-data" | "end" | "fault" | "too-much";

/** The body is wanted: nothing is thrown away. */
const WANTED = -1;

export class BodyReader {
  fault: H1Fault = "ERR_H1_CHUNK_SIZE";
  trailers: Fields = NO_FIELDS;
  readonly #limits: MessageLimits;
  /** Made with the first chunked body. */
  #chunked: ChunkedReader | undefined = undefined;
  #isChunked = false;
  /** Bytes still to come by Content-Length. */
  #left = 0;
  #discardLeft = WANTED;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** Before each body; `length` as in RequestHead. */
  start(length: number): void {
    this.#isChunked = length < 0;
    this.#left = Math.max(length, 0);
    this.#discardLeft = WANTED;
    this.trailers = NO_FIELDS;
    if (!this.#isChunked) return;
    this.#chunked ??= new ChunkedReader(this.#limits);
    this.#chunked.reset();
  }

  /** True when it is known that no byte of the body is still to come. */
  get isAtEnd(): boolean {
    return !this.#isChunked && this.#left === 0;
  }

  /** The next piece, never empty, or why there is none. */
  next(input: InputBuffer): Buffer | BodyOutcome {
    for (;;) {
      const piece =
        this.#chunked !== undefined && this.#isChunked
          ? this.#nextChunk(input, this.#chunked)
          : this.#nextPlain(input);
      if (typeof piece === "string" || this.#discardLeft === WANTED) return piece;
      if (piece.length > this.#discardLeft) return "too-much";
      this.#discardLeft -= piece.length;
    }
  }

  /** From now on pieces are dropped. False when it is known already that `bytesMax` will not do. */
  discard(bytesMax: number): boolean {
    this.#discardLeft = bytesMax;
    return this.#left <= bytesMax;
  }

  #nextPlain(input: InputBuffer): Buffer | BodyOutcome {
    if (this.#left === 0) return "end";
    if (input.length === 0) return "need-data";
    const length = Math.min(input.length, this.#left);
    this.#left -= length;
    return input.take(length);
  }

  #nextChunk(input: InputBuffer, chunked: ChunkedReader): Buffer | BodyOutcome {
    const { bytes } = input;
    const end = chunked.advance(bytes, input.start, input.end);
    this.fault = chunked.fault;
    if (chunked.outcome === "fault") return "fault";
    input.consumeTo(end);
    if (chunked.outcome === "data") return bytes.subarray(chunked.dataStart, end);
    if (chunked.outcome === "need-data") return "need-data";
    this.trailers = chunked.trailers;
    return "end";
  }
}
