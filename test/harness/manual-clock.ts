// A clock that stands still until a test moves it.

import type { Clock, Timer } from "../../src/base/ports.ts";

const UNIX_MS_AT_START = 1_795_248_000_000;

export class ManualClock implements Clock {
  #nowMs = 1_000;
  readonly #timers = new Map<symbol, { readonly atMs: number; readonly callBack: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  unixMs(): number {
    return UNIX_MS_AT_START + this.#nowMs;
  }

  get timers(): number {
    return this.#timers.size;
  }

  after(delayMs: number, callBack: () => void): Timer {
    const key = Symbol("timer");
    this.#timers.set(key, { atMs: this.#nowMs + delayMs, callBack });
    return { cancel: () => this.#timers.delete(key) };
  }

  /** Lets `ms` pass, and calls back what became due, in order. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let due = this.#nextDue(untilMs); due !== undefined; due = this.#nextDue(untilMs)) {
      const timer = this.#timers.get(due);
      this.#timers.delete(due);
      if (timer === undefined) continue;
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      timer.callBack();
    }
    this.#nowMs = untilMs;
  }

  #nextDue(untilMs: number): symbol | undefined {
    let found: symbol | undefined;
    let atMs = untilMs;
    for (const [key, timer] of this.#timers) {
      if (timer.atMs > atMs || (timer.atMs === atMs && found !== undefined)) continue;
      atMs = timer.atMs;
      found = key;
    }
    return found;
  }
}
