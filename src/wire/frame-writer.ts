// Values → frames, many into one buffer: what a tick has to say to a worker leaves in one write.
// Pieces are cut from a slab, as Node does for small buffers: a taken piece is never written into again.

import { assert } from "../base/assert.ts";
import { FRAME_BYTES_MAX, FRAME_HEAD_BYTES } from "./frame.ts";

const SLAB_BYTES = 65_536;
/** A payload this long is handed over as it is: copying it would cost more than a further element of the write. */
const BORROW_BYTES_MIN = 8_192;

export class FrameWriter {
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** `#slab[#from, #at)` is written and not taken. */
  #from = 0;
  #at = 0;
  /** Pieces before that one. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;

  get pendingBytes(): number {
    return this.#pieceBytes + this.#at - this.#from;
  }

  /** A frame without payload. */
  empty(stream: number, type: number, flags: number): void {
    this.#reserve(FRAME_HEAD_BYTES);
    this.#head(stream, type, flags, 0);
  }

  /** A frame whose payload is latin-1 text, one character a byte. */
  text(stream: number, type: number, flags: number, payload: string): void {
    const length = payload.length;
    this.#reserve(FRAME_HEAD_BYTES + length);
    this.#head(stream, type, flags, length);
    this.#at += this.#slab.write(payload, this.#at, length, "latin1");
  }

  /** A frame whose payload must not change until it was written. */
  bytes(stream: number, type: number, flags: number, payload: Uint8Array): void {
    const length = payload.length;
    if (length < BORROW_BYTES_MIN) {
      this.#reserve(FRAME_HEAD_BYTES + length);
      this.#head(stream, type, flags, length);
      this.#slab.set(payload, this.#at);
      this.#at += length;
      return;
    }
    this.#reserve(FRAME_HEAD_BYTES);
    this.#head(stream, type, flags, length);
    this.#closePiece();
    this.#pieces.push(payload);
    this.#pieceBytes += length;
  }

  /** A frame whose payload is one byte. */
  byte(stream: number, type: number, flags: number, value: number): void {
    this.#reserve(FRAME_HEAD_BYTES + 1);
    this.#head(stream, type, flags, 1);
    this.#slab[this.#at++] = value;
  }

  /** A frame whose payload is a `u32`. */
  uint32(stream: number, type: number, flags: number, value: number): void {
    this.#reserve(FRAME_HEAD_BYTES + 4);
    this.#head(stream, type, flags, 4);
    writeUint32(this.#slab, this.#at, value);
    this.#at += 4;
  }

  /** What was written since the last call, in order; empty when nothing was. */
  takeOutput(): Uint8Array[] {
    this.#closePiece();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#pieceBytes = 0;
    return pieces;
  }

  #closePiece(): void {
    if (this.#at === this.#from) return;
    this.#pieces.push(this.#slab.subarray(this.#from, this.#at));
    this.#pieceBytes += this.#at - this.#from;
    this.#from = this.#at;
  }

  #reserve(length: number): void {
    if (this.#at + length <= this.#slab.length) return;
    this.#closePiece();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, length));
    this.#from = 0;
    this.#at = 0;
  }

  #head(stream: number, type: number, flags: number, length: number): void {
    assert(length <= FRAME_BYTES_MAX, "a frame's payload is within the wire's limit");
    const slab = this.#slab;
    const at = this.#at;
    writeUint32(slab, at, length);
    writeUint32(slab, at + 4, stream);
    slab[at + 8] = type;
    slab[at + 9] = flags;
    slab[at + 10] = 0;
    slab[at + 11] = 0;
    this.#at = at + FRAME_HEAD_BYTES;
  }
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
