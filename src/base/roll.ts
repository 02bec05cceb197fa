// A Set, in order of entry, for what comes and goes all the time, as connections with one request each. A Set of the language
// would keep dead ones alive, as a Map does (base/id-map.ts). Here each member carries its own place, which is cleared as it leaves.

import { assert } from "./assert.ts";

/** Where a member stands. Made once by the member, for one kind of roll. */
export class Place<T extends object> {
  /** For the roll. */
  roll: Roll<T> | undefined = undefined;
  next: T | undefined = undefined;
  previous: T | undefined = undefined;
}

export class Roll<T extends object> {
  readonly #placeOf: (member: T) => Place<T>;
  #first: T | undefined = undefined;
  #last: T | undefined = undefined;
  #size = 0;

  constructor(placeOf: (member: T) => Place<T>) {
    this.#placeOf = placeOf;
  }

  get size(): number {
    return this.#size;
  }

  /** The oldest. */
  get first(): T | undefined {
    return this.#first;
  }

  after(member: T): T | undefined {
    return this.#placeOf(member).next;
  }

  add(member: T): void {
    const place = this.#placeOf(member);
    assert(place.roll === undefined, "a member stands in one roll, once");
    place.roll = this;
    place.previous = this.#last;
    if (this.#last === undefined) this.#first = member;
    else this.#placeOf(this.#last).next = member;
    this.#last = member;
    this.#size++;
  }

  /** False: it was not there. */
  delete(member: T): boolean {
    const place = this.#placeOf(member);
    if (place.roll !== this) return false;
    const { next, previous } = place;
    if (previous === undefined) this.#first = next;
    else this.#placeOf(previous).next = next;
    if (next === undefined) this.#last = previous;
    else this.#placeOf(next).previous = previous;
    place.roll = undefined;
    place.next = undefined;
    place.previous = undefined;
    this.#size--;
    return true;
  }

  /** As it is now: what is done with the members may change it. */
  toArray(): T[] {
    const members: T[] = [];
    for (let one = this.#first; one !== undefined; one = this.#placeOf(one).next) members.push(one);
    return members;
  }
}
