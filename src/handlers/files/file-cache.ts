// What was found below folders, kept for the next request. Bounded in entries, bytes and descriptors; who was not asked for since
// the hand last passed goes first ("second chance": nothing is moved at a hit).

export interface Cached {
  /** Of memory. */
  readonly bytes: number;
  readonly descriptors: number;
  /** Not kept any more. What is being sent from it is not disturbed. */
  release(): void;
}

export interface CacheLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
  readonly descriptorsMax: number;
}

const CACHE_LIMITS: CacheLimits = {
  entriesMax: 4_096,
  bytesMax: 32 * 1024 * 1024,
  descriptorsMax: 128,
};

/** What an entry costs beside its content. */
const ENTRY_BYTES = 1_024;

interface Entry<T> {
  readonly value: T;
  readonly bytes: number;
  readonly descriptors: number;
  isUsed: boolean;
}

export class FileCache<T extends Cached> {
  readonly #limits: CacheLimits;
  readonly #entries = new Map<string, Entry<T>>();
  #bytes = 0;
  #descriptors = 0;

  constructor(limits: CacheLimits = CACHE_LIMITS) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.isUsed = true;
    return entry.value;
  }

  /** Takes the value over, in place of what was there. To be called again when its cost has changed. */
  set(key: string, value: T): void {
    const known = this.#entries.get(key);
    if (known !== undefined) this.#remove(key, known);
    if (known !== undefined && known.value !== value) known.value.release();
    const entry = { value, bytes: value.bytes + ENTRY_BYTES, descriptors: value.descriptors, isUsed: true };
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
    this.#descriptors += entry.descriptors;
    this.#shrink();
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#remove(key, entry);
    entry.value.release();
  }

  clear(): void {
    for (const [key, entry] of this.#entries) {
      this.#remove(key, entry);
      entry.value.release();
    }
  }

  #shrink(): void {
    const { entriesMax, bytesMax, descriptorsMax } = this.#limits;
    for (const [key, entry] of this.#entries) {
      const isFull = this.#entries.size > entriesMax || this.#bytes > bytesMax;
      if (!isFull && this.#descriptors <= descriptorsMax) return;
      this.#remove(key, entry);
      if (entry.isUsed && this.#entries.size > 0) this.#putBack(key, entry);
      else entry.value.release();
    }
  }

  /** To the end of the line, which ends in entries that have lost their chance. */
  #putBack(key: string, entry: Entry<T>): void {
    entry.isUsed = false;
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
    this.#descriptors += entry.descriptors;
  }

  #remove(key: string, entry: Entry<T>): void {
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    this.#descriptors -= entry.descriptors;
  }
}
