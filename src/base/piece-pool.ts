// Memory for large pieces of bytes that pass through: taken here to be filled, and given back by who has used them up, so that
// a busy server does not allocate what it sends. Whoever forgets to give back, or has no way to know, does no harm: the memory
// is then garbage as any other. A piece may be cut into parts that are used up in their order: the last one stands for all.

const SMALLEST_BITS = 14;
const LARGEST_BITS = 20;
/** Of memory that waits to be taken again. */
const FREE_BYTES_MAX = 8 * 1024 * 1024;

export class PiecePool {
  /** By size class: powers of two. */
  readonly #free: ArrayBuffer[][] = Array.from({ length: LARGEST_BITS + 1 }, () => []);
  #freeBytes = 0;
  /** Where the piece in a taken memory ends. */
  readonly #ends = new WeakMap<ArrayBufferLike, number>();

  /** `length` bytes of unknown content, to be filled by the caller. */
  take(length: number): Buffer {
    const bits = Math.max(SMALLEST_BITS, 32 - Math.clz32(length - 1));
    if (bits > LARGEST_BITS) return Buffer.allocUnsafeSlow(length);
    const memory = this.#takeFree(bits) ?? newMemory(1 << bits);
    this.#ends.set(memory, length);
    return Buffer.from(memory, 0, length);
  }

  #takeFree(bits: number): ArrayBuffer | undefined {
    const memory = this.#free[bits]?.pop();
    if (memory !== undefined) this.#freeBytes -= memory.byteLength;
    return memory;
  }

  /** Nobody will look at `part` again. Harmless for bytes that were not taken here. */
  giveBack(part: Uint8Array): void {
    const memory = part.buffer;
    if (this.#ends.get(memory) !== part.byteOffset + part.byteLength) return;
    this.#ends.delete(memory);
    if (this.#freeBytes + memory.byteLength > FREE_BYTES_MAX) return;
    this.#freeBytes += memory.byteLength;
    // What was taken here is no shared memory.
    this.#free[31 - Math.clz32(memory.byteLength)]?.push(memory as ArrayBuffer);
  }
}

/** Not zeroed. */
function newMemory(bytes: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(bytes).buffer;
}

/** The pool of this process. */
export const pieces: PiecePool = new PiecePool();
