// A Map from ids to items, for what comes and goes with every request. A Map of the language makes itself a new table again and
// again while entries come and go, and each old table names the next one, for the sake of iterators. Once one of them is in the
// old generation, dead as it may be, it keeps all that follow alive until the next full collection, and with them what they
// held (docs/decisions/0008-memory-of-the-tree.md).
//
// Open addressing with linear probing: no tables but when it grows. Ids are integers from 1 to 2^31 - 1.

const SLOTS_MIN = 8;
/** 2^32 divided by the golden ratio: neighbouring ids land far from each other. */
const GOLDEN = 0x9e3779b1;
const FREE = 0;

export class IdMap<T extends object> {
  #ids: Int32Array = new Int32Array(SLOTS_MIN);
  #items: (T | undefined)[] = new Array<T | undefined>(SLOTS_MIN).fill(undefined);
  /** 32 less the number of bits that a slot's index has. */
  #shift = 32 - Math.log2(SLOTS_MIN);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  get(id: number): T | undefined {
    return this.#items[this.#slotOf(id)];
  }

  set(id: number, item: T): void {
    const slot = this.#slotOf(id);
    this.#items[slot] = item;
    if (this.#ids[slot] === id) return;
    this.#ids[slot] = id;
    this.#size++;
    if (this.#size * 2 > this.#ids.length) this.#grow();
  }

  /** False: it was not there. */
  delete(id: number): boolean {
    const slot = this.#slotOf(id);
    if (this.#items[slot] === undefined) return false;
    this.#size--;
    this.#fillGap(slot);
    return true;
  }

  /** In no order, as they are now: what is done with them may change the map. */
  values(): T[] {
    return this.#items.filter((item) => item !== undefined);
  }

  some(test: (item: T) => boolean): boolean {
    return this.#size > 0 && this.#items.some((item) => item !== undefined && test(item));
  }

  clear(): void {
    this.#ids.fill(FREE);
    this.#items.fill(undefined);
    this.#size = 0;
  }

  /** Where it is, or where it would be. */
  #slotOf(id: number): number {
    const ids = this.#ids;
    let slot = this.#homeOf(id);
    for (let found = ids[slot]; found !== id && found !== FREE; found = ids[slot]) {
      slot = (slot + 1) & (ids.length - 1);
    }
    return slot;
  }

  #homeOf(id: number): number {
    return Math.imul(id, GOLDEN) >>> this.#shift;
  }

  /** What stands behind the gap and belongs before it moves up, so that a search may end at the first free slot. */
  #fillGap(from: number): void {
    const ids = this.#ids;
    const mask = ids.length - 1;
    let gap = from;
    for (let slot = (gap + 1) & mask; ; slot = (slot + 1) & mask) {
      const id = ids[slot] ?? FREE;
      if (id === FREE) break;
      if (((slot - this.#homeOf(id)) & mask) < ((slot - gap) & mask)) continue;
      ids[gap] = id;
      this.#items[gap] = this.#items[slot];
      gap = slot;
    }
    ids[gap] = FREE;
    this.#items[gap] = undefined;
  }

  #grow(): void {
    const ids = this.#ids;
    const items = this.#items;
    this.#ids = new Int32Array(ids.length * 2);
    this.#items = new Array<T | undefined>(ids.length * 2).fill(undefined);
    this.#shift--;
    ids.forEach((id, from) => {
      if (id === FREE) return;
      const slot = this.#slotOf(id);
      this.#ids[slot] = id;
      this.#items[slot] = items[from];
    });
  }
}
