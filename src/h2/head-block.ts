// Collects a header block from HEADERS and its CONTINUATION frames (RFC 9113 §4.3, §6.10), within limits. Bytes.

import type { H2Fault } from "./fault.ts";
import type { FrameHead } from "./frame-reader.ts";
import { END_HEADERS, END_STREAM, HEADERS, PADDED, WITH_PRIORITY } from "./frames.ts";

/** No honest block needs more. */
const CONTINUATIONS_MAX = 64;
const PRIORITY_BYTES = 5;

export class HeadBlock {
  /** 0: none is being collected. */
  streamId = 0;
  isEndOfStream = false;
  /** The client made the stream depend on itself (RFC 7540 §5.3.1). */
  dependsOnItself = false;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #continuations = 0;
  readonly #bytesMax: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isOpen(): boolean {
    return this.streamId !== 0;
  }

  /** The whole block, lent as `payload` is; undefined when more is to come; or what is wrong. */
  add(head: FrameHead, payload: Buffer): Buffer | H2Fault | undefined {
    const fragment = head.type === HEADERS ? this.#begin(head, payload) : payload;
    if (fragment === undefined) return "ERR_H2_FRAME";
    const isEnd = (head.flags & END_HEADERS) !== 0;
    if (isEnd && this.#pieces.length === 0) return this.#finish(fragment);
    this.#bytes += fragment.length;
    if (head.type !== HEADERS) this.#continuations++;
    if (this.#bytes > this.#bytesMax || this.#continuations > CONTINUATIONS_MAX) return "ERR_H2_FLOOD";
    this.#pieces.push(Buffer.from(fragment));
    return isEnd ? this.#finish(Buffer.concat(this.#pieces)) : undefined;
  }

  #finish(block: Buffer): Buffer {
    this.#pieces = [];
    this.#bytes = 0;
    this.#continuations = 0;
    this.streamId = 0;
    return block;
  }

  /** The fragment without padding and priority; undefined when the padding is longer than the frame (RFC 9113 §6.2). */
  #begin({ flags, streamId }: FrameHead, payload: Buffer): Buffer | undefined {
    this.streamId = streamId;
    this.isEndOfStream = (flags & END_STREAM) !== 0;
    const isPadded = (flags & PADDED) !== 0;
    const from = (isPadded ? 1 : 0) + ((flags & WITH_PRIORITY) === 0 ? 0 : PRIORITY_BYTES);
    const to = payload.length - (isPadded ? (payload[0] ?? 0) : 0);
    if (from > to) return undefined;
    const dependency = from >= PRIORITY_BYTES ? payload.readUInt32BE(from - PRIORITY_BYTES) & 0x7fff_ffff : 0;
    this.dependsOnItself = dependency === streamId;
    return payload.subarray(from, to);
  }
}
