// One child that shall live: made when it is missing and due, and after each death a little later. It only knows when;
// how is the maker's business.

import { afterDeath, type Backoff, NO_BACKOFF } from "./backoff.ts";

export class Kept<Handle> {
  readonly #make: () => Handle;
  #handle: Handle | undefined;
  #backoff: Backoff = NO_BACKOFF;
  #bornAtMs = 0;
  #state: "kept" | "resting" | "released" = "kept";

  constructor(make: () => Handle) {
    this.#make = make;
  }

  get handle(): Handle | undefined {
    return this.#handle;
  }

  get isReleased(): boolean {
    return this.#state === "released";
  }

  /** Makes the child if it is missing and due. */
  tend(nowMs: number): void {
    if (this.#handle !== undefined || this.#state !== "kept" || nowMs < this.#backoff.notBeforeMs) return;
    this.#bornAtMs = nowMs;
    this.#handle = this.#make();
  }

  onGone(nowMs: number): void {
    this.#handle = undefined;
    this.#backoff = afterDeath(this.#backoff, { bornAtMs: this.#bornAtMs }, nowMs);
  }

  /** It may die now; no other is made until `resume`. */
  rest(): void {
    if (this.#state === "kept") this.#state = "resting";
  }

  resume(): void {
    if (this.#state === "resting") this.#state = "kept";
  }

  /** It may die now; no other is made. */
  release(): void {
    this.#state = "released";
  }

  nextMomentMs(): number {
    const isWaiting = this.#handle === undefined && this.#state === "kept";
    return isWaiting ? this.#backoff.notBeforeMs : Number.POSITIVE_INFINITY;
  }
}
