// Bytes → frames. A frame that lies whole inside what was received is shown in place; only one that is cut by the end of a
// read is put together in a buffer of its own size, which the wire's limit bounds. Of bytes that are only lent, every payload
// is copied, small ones side by side in a slab.

import { assert } from "../base/assert.ts";
import { pieces } from "../base/piece-pool.ts";
import {
  FRAME_BYTES_MAX,
  FRAME_HEAD_BYTES,
  type Frame,
  type FrameError,
  NEVER,
  ON_STREAM,
  type ReceiveRules,
  STREAM_MAX,
} from "./frame.ts";

export const NEED_DATA = "need-data" as const;

const NOTHING: Buffer = Buffer.alloc(0);
const SLAB_BYTES = 65_536;
/** A longer payload gets memory of its own: it may be kept for long, and must not keep a slab. */
const SLAB_PAYLOAD_MAX = 8_192;

export class FrameReader {
  readonly #rules: ReceiveRules;
  #received: Buffer = NOTHING;
  #at = 0;
  /** The received bytes belong to somebody else once `next` has said NEED_DATA. */
  #isLent = false;
  #slab: Buffer = NOTHING;
  #slabUsed = 0;
  /** A head cut by the end of a read. */
  readonly #head = Buffer.alloc(FRAME_HEAD_BYTES);
  #headFilled = 0;
  /** A payload cut by the end of a read. */
  #payload: Buffer | undefined;
  #payloadFilled = 0;
  #error: FrameError | undefined;
  readonly #frame = { stream: 0, type: 0, flags: 0, bytes: NOTHING, from: 0, to: 0 };

  constructor(rules: ReceiveRules) {
    this.#rules = rules;
  }

  /**
   * Stores the bytes without copy: they belong to the reader and to who keeps slices, or are lent until `next` says NEED_DATA.
   * Ask `next` until then before.
   */
  receive(bytes: Buffer, isLent = false): void {
    if (this.#error !== undefined) return;
    assert(this.#at === this.#received.length, "all frames were taken before more bytes came");
    this.#received = bytes;
    this.#isLent = isLent;
    this.#at = 0;
  }

  /** True when the stream may end here: no frame is half received. */
  get isBetweenFrames(): boolean {
    return this.#headFilled === 0 && this.#payload === undefined && this.#at === this.#received.length;
  }

  next(): Frame | FrameError | typeof NEED_DATA {
    if (this.#error !== undefined) return this.#error;
    if (this.#headFilled > 0) return this.#continueCutFrame();
    const received = this.#received;
    const from = this.#at + FRAME_HEAD_BYTES;
    if (from > received.length) return this.#keepHead();
    const length = readUint32(received, this.#at);
    const problem = this.#readHead(received, this.#at, length);
    if (problem !== undefined) return problem;
    const to = from + length;
    if (to > received.length) return this.#keepCutFrame(from, length);
    this.#at = to;
    return this.#isLent ? this.#showCopy(received, from, to) : this.#show(received, from, to);
  }

  #showCopy(received: Buffer, from: number, to: number): Frame {
    const length = to - from;
    if (length > SLAB_PAYLOAD_MAX) {
      const own = pieces.take(length);
      received.copy(own, 0, from, to);
      return this.#show(own, 0, length);
    }
    if (this.#slabUsed + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#slabUsed = 0;
    }
    const at = this.#slabUsed;
    this.#slabUsed += received.copy(this.#slab, at, from, to);
    return this.#show(this.#slab, at, at + length);
  }

  #show(bytes: Buffer, from: number, to: number): Frame {
    const frame = this.#frame;
    frame.bytes = bytes;
    frame.from = from;
    frame.to = to;
    return frame;
  }

  #readHead(bytes: Buffer, at: number, length: number): FrameError | undefined {
    const frame = this.#frame;
    frame.stream = readUint32(bytes, at + 4);
    frame.type = bytes[at + 8] as number; // the caller knows that the head is whole
    frame.flags = bytes[at + 9] as number;
    const { streams, bytes: sizes } = this.#rules;
    const rule = streams[frame.type] as number; // both tables have a place for every byte
    const size = sizes[frame.type] as number;
    if (length > FRAME_BYTES_MAX) return this.#fail("ERR_WIRE_LENGTH", `a frame of ${length} bytes`);
    if (rule === NEVER) return this.#fail("ERR_WIRE_TYPE", `a frame of type ${frame.type}`);
    if ((rule === ON_STREAM) !== frame.stream > 0 || frame.stream > STREAM_MAX) {
      return this.#fail("ERR_WIRE_STREAM", `a frame of type ${frame.type} on stream ${frame.stream}`);
    }
    if (size >= 0 && size !== length) {
      return this.#fail("ERR_WIRE_PAYLOAD", `a frame of type ${frame.type} with ${length} bytes`);
    }
    return undefined;
  }

  #fail(code: FrameError["code"], message: string): FrameError {
    this.#error = { type: "error", code, message };
    this.#received = NOTHING;
    this.#at = 0;
    return this.#error;
  }

  /** Less than a head is left: keep it, so that the received buffer can go. */
  #keepHead(): typeof NEED_DATA {
    this.#headFilled = this.#received.copy(this.#head, 0, this.#at);
    return this.#allConsumed();
  }

  #keepCutFrame(from: number, length: number): typeof NEED_DATA {
    this.#received.copy(this.#head, 0, this.#at, from);
    this.#headFilled = FRAME_HEAD_BYTES;
    this.#payload = memoryFor(length);
    this.#payloadFilled = this.#received.copy(this.#payload, 0, from);
    return this.#allConsumed();
  }

  #continueCutFrame(): Frame | FrameError | typeof NEED_DATA {
    const payload = this.#payload ?? this.#completeHead();
    if (payload === NEED_DATA || !(payload instanceof Uint8Array)) return payload;
    const taken = this.#received.copy(payload, this.#payloadFilled, this.#at);
    this.#payloadFilled += taken;
    this.#at += taken;
    if (this.#payloadFilled < payload.length) return this.#allConsumed();
    this.#payload = undefined;
    this.#headFilled = 0;
    return this.#show(payload, 0, payload.length);
  }

  /** Fills the cut head; gives the buffer for its payload when the head is whole. */
  #completeHead(): Buffer | FrameError | typeof NEED_DATA {
    const taken = this.#received.copy(this.#head, this.#headFilled, this.#at);
    this.#headFilled += taken;
    this.#at += taken;
    if (this.#headFilled < FRAME_HEAD_BYTES) return this.#allConsumed();
    const length = readUint32(this.#head, 0);
    const problem = this.#readHead(this.#head, 0, length);
    if (problem !== undefined) return problem;
    this.#payloadFilled = 0;
    this.#payload = memoryFor(length);
    return this.#payload;
  }

  #allConsumed(): typeof NEED_DATA {
    this.#received = NOTHING;
    this.#at = 0;
    return NEED_DATA;
  }
}

function memoryFor(length: number): Buffer {
  return length > SLAB_PAYLOAD_MAX ? pieces.take(length) : Buffer.allocUnsafe(length);
}

export function isFrameError(value: Frame | FrameError): value is FrameError {
  return value.type === "error";
}

/** Little-endian; plain index reads, which V8 turns into loads, unlike a call of readUInt32LE with its checks. */
export function readUint32(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
  return (low | ((bytes[at + 3] as number) << 24)) >>> 0; // callers check the length first
}

export function readUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}
