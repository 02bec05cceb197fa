// All deadlines of a front's connections on one coarse wheel: one timer for any number of them, O(1) to arm and disarm.
// A deadline never fires early; it fires at most two ticks late. Milliseconds.
//
// Arming later, the common case (each request renews its connection's keep-alive), only writes a number: the deadline stays
// in its old slot of the wheel and moves when that slot is looked at.

import type { Clock, Timer } from "../base/ports.ts";

const TICK_MS = 250;
/** A power of two; deadlines beyond 256 ticks (64 s) go round more than once. */
const SLOTS = 256;

export interface DeadlineOwner {
  /** `deadline` was reached. It is disarmed now; it may be armed again. */
  onDeadline(deadline: Deadline): void;
}

/** One moment that its owner waits for. Made once for each purpose of a connection and armed again and again. */
export class Deadline {
  readonly #wheel: Deadlines;
  readonly owner: DeadlineOwner;
  /** 0: not armed. For the wheel. */
  atMs = 0;
  /** For the wheel: tick of the slot it stands in, -1 when in none, and its neighbours there. */
  tick = -1;
  next: Deadline | undefined = undefined;
  previous: Deadline | undefined = undefined;

  constructor(wheel: Deadlines, owner: DeadlineOwner) {
    this.#wheel = wheel;
    this.owner = owner;
  }

  get isArmed(): boolean {
    return this.atMs !== 0;
  }

  /** Replaces the moment that was set before. */
  armAt(atMs: number): void {
    this.atMs = atMs;
    this.#wheel.place(this);
  }

  disarm(): void {
    this.atMs = 0;
  }

  /** Disarms, and lets the wheel forget the owner at once. */
  release(): void {
    this.atMs = 0;
    this.#wheel.forget(this);
  }
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #slots: (Deadline | undefined)[] = new Array<Deadline | undefined>(SLOTS).fill(undefined);
  #count = 0;
  #lastTick: number;
  #timer: Timer | undefined = undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lastTick = this.#tickOf(clock.nowMs());
  }

  /** Puts an armed deadline where it is looked at in time. */
  place(deadline: Deadline): void {
    const due = Math.ceil(deadline.atMs / TICK_MS);
    if (deadline.tick !== -1) {
      if (deadline.tick <= due) return;
      this.forget(deadline);
    }
    if (this.#count === 0) this.#start();
    this.#link(deadline, due);
  }

  forget(deadline: Deadline): void {
    if (deadline.tick === -1) return;
    const { next, previous } = deadline;
    if (previous === undefined) this.#slots[deadline.tick & (SLOTS - 1)] = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    deadline.next = undefined;
    deadline.previous = undefined;
    deadline.tick = -1;
    this.#count--;
  }

  #link(deadline: Deadline, due: number): void {
    const tick = Math.max(this.#lastTick + 1, Math.min(due, this.#lastTick + SLOTS - 1));
    const first = this.#slots[tick & (SLOTS - 1)];
    deadline.tick = tick;
    deadline.next = first;
    if (first !== undefined) first.previous = deadline;
    this.#slots[tick & (SLOTS - 1)] = deadline;
    this.#count++;
  }

  #start(): void {
    this.#lastTick = this.#tickOf(this.#clock.nowMs());
    this.#timer ??= this.#clock.after(TICK_MS, this.#onTimer);
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    const nowMs = this.#clock.nowMs();
    // After a long pause of the process every slot is looked at once; no slot needs a second look.
    const from = Math.max(this.#lastTick, this.#tickOf(nowMs) - SLOTS);
    for (let tick = from + 1; tick <= this.#tickOf(nowMs); tick++) {
      this.#lastTick = tick;
      this.#turn(tick, nowMs);
    }
    if (this.#count > 0) this.#timer ??= this.#clock.after(TICK_MS, this.#onTimer);
  };

  #turn(tick: number, nowMs: number): void {
    const slot = tick & (SLOTS - 1);
    for (let deadline = this.#slots[slot]; deadline !== undefined; deadline = this.#slots[slot]) {
      this.forget(deadline);
      if (deadline.atMs === 0) continue;
      if (deadline.atMs > nowMs) {
        this.#link(deadline, Math.ceil(deadline.atMs / TICK_MS));
        continue;
      }
      deadline.atMs = 0;
      deadline.owner.onDeadline(deadline);
    }
  }

  #tickOf(ms: number): number {
    return Math.floor(ms / TICK_MS);
  }
}
