// A first-in-first-out line without the O(n) of Array.shift: a ring that doubles when full.

import { assert } from "./assert.ts";

const CAPACITY_MIN = 16;

export class Fifo<T> {
  #ring: (T | undefined)[] = new Array<T | undefined>(CAPACITY_MIN).fill(undefined);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = item;
    this.#length++;
  }

  /** Puts `item` before all others. */
  unshift(item: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = item;
    this.#length++;
  }

  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#ring[this.#head];
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined; // the ring must not keep alive what was taken
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length--;
    return item;
  }

  /** Removes the first occurrence of `item`; O(n), for what leaves early. */
  remove(item: T): boolean {
    const mask = this.#ring.length - 1;
    for (let i = 0; i < this.#length; i++) {
      if (this.#ring[(this.#head + i) & mask] !== item) continue;
      for (let j = i; j < this.#length - 1; j++) {
        this.#ring[(this.#head + j) & mask] = this.#ring[(this.#head + j + 1) & mask];
      }
      this.#ring[(this.#head + this.#length - 1) & mask] = undefined;
      this.#length--;
      return true;
    }
    return false;
  }

  clear(): void {
    this.#ring = new Array<T | undefined>(CAPACITY_MIN).fill(undefined);
    this.#head = 0;
    this.#length = 0;
  }

  #grow(): void {
    const length = this.#ring.length;
    assert(this.#length === length, "a fifo grows only when it is full");
    const ring = new Array<T | undefined>(length * 2).fill(undefined);
    for (let i = 0; i < length; i++) ring[i] = this.#ring[(this.#head + i) & (length - 1)];
    this.#ring = ring;
    this.#head = 0;
  }
}
