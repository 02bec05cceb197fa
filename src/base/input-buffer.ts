// Bytes received and not used up. One chunk is kept as it came; only when more arrives behind a rest are both copied together.
// Bytes that were handed out are never written again: the store only grows at its end, or is replaced.

const EMPTY: Buffer = Buffer.alloc(0);
const STORE_BYTES_MIN = 1024;

export class InputBuffer {
  bytes: Buffer = EMPTY;
  start = 0;
  end = 0;
  /** True when `bytes` was allocated here, so that the room behind `end` is free. */
  #isStore = false;

  get length(): number {
    return this.end - this.start;
  }

  append(more: Buffer): void {
    if (this.start === this.end) this.#replace(more, more.length);
    else if (this.#isStore && this.bytes.length - this.end >= more.length) this.#copyBehind(more);
    else this.#grow(more);
  }

  /** Everything before `index` is used up. */
  consumeTo(index: number): void {
    this.start = index;
    // An idle connection holds no memory.
    if (index === this.end) this.clear();
  }

  /** The next `length` bytes, used up with that; no copy. */
  take(length: number): Buffer {
    const { bytes, start } = this;
    this.consumeTo(start + length);
    return start === 0 && length === bytes.length ? bytes : bytes.subarray(start, start + length);
  }

  takeAll(): Buffer {
    return this.take(this.length);
  }

  /** What is left moves into memory of its own: who gave the bytes takes them back. */
  own(): void {
    if (this.start === this.end || this.#isStore) return;
    this.#grow(EMPTY);
  }

  clear(): void {
    this.#replace(EMPTY, 0);
  }

  #replace(bytes: Buffer, length: number): void {
    this.bytes = bytes;
    this.start = 0;
    this.end = length;
    this.#isStore = false;
  }

  #copyBehind(more: Buffer): void {
    more.copy(this.bytes, this.end);
    this.end += more.length;
  }

  /** Doubles, so that a client that sends byte by byte costs no more than twice the copying. */
  #grow(more: Buffer): void {
    const kept = this.length;
    const store = Buffer.allocUnsafe(Math.max(STORE_BYTES_MIN, 2 * (kept + more.length)));
    this.bytes.copy(store, 0, this.start, this.end);
    this.#replace(store, kept);
    this.#isStore = true;
    this.#copyBehind(more);
  }
}
