// What a client may do for nothing: an allowance that fills again with time, and with useful work. Milliseconds are arguments.

export interface Allowance {
  /** The most that can be saved up, and what there is at the beginning. */
  readonly burst: number;
  readonly perSecond: number;
}

export class Budget {
  readonly #allowance: Allowance;
  #left: number;
  #atMs = Number.NEGATIVE_INFINITY;

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
    this.#left = allowance.burst;
  }

  /** False when it is used up. */
  spend(nowMs: number): boolean {
    if (this.#left < 1) this.#refill(nowMs);
    return this.#left-- >= 1;
  }

  /** Something was done that costs such frames. */
  earn(count: number): void {
    this.#left = Math.min(this.#allowance.burst, this.#left + count);
  }

  /** Looked at only when it is used up: that is never early, and no clock is read for each frame. */
  #refill(nowMs: number): void {
    const { burst, perSecond } = this.#allowance;
    const seconds = this.#atMs === Number.NEGATIVE_INFINITY ? 0 : (nowMs - this.#atMs) / 1_000;
    this.#atMs = nowMs;
    this.#left = Math.min(burst, Math.max(0, this.#left) + seconds * perSecond);
  }
}
