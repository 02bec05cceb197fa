// Calls the dispatcher's `tick` while there is a reason to: often when requests lie ahead of a worker that may turn slow,
// seldom when some merely wait in the line. Idle, it sets no timer at all.

import type { Dispatcher } from "../dispatch/dispatcher.ts";

const AHEAD_TICK_MS = 2;
const LINE_TICK_MS = 50;

export class Ticker {
  readonly #dispatcher: Dispatcher;
  readonly #nowMs: () => number;
  #ahead: NodeJS.Timeout | undefined;
  #line: NodeJS.Timeout | undefined;
  #isAheadArmed = false;
  #isLineArmed = false;

  constructor(dispatcher: Dispatcher, nowMs: () => number) {
    this.#dispatcher = dispatcher;
    this.#nowMs = nowMs;
  }

  want(): void {
    if (!this.#isAheadArmed && this.#dispatcher.hasAhead) {
      this.#isAheadArmed = true;
      this.#ahead = this.#ahead?.refresh() ?? setTimeout(() => this.#onAheadTick(), AHEAD_TICK_MS).unref();
    }
    if (!this.#isLineArmed && this.#dispatcher.waiting > 0) {
      this.#isLineArmed = true;
      this.#line = this.#line?.refresh() ?? setTimeout(() => this.#onLineTick(), LINE_TICK_MS).unref();
    }
  }

  stop(): void {
    clearTimeout(this.#ahead);
    clearTimeout(this.#line);
    this.#isAheadArmed = true;
    this.#isLineArmed = true;
  }

  #onAheadTick(): void {
    this.#isAheadArmed = false;
    this.#tick();
  }

  #onLineTick(): void {
    this.#isLineArmed = false;
    this.#tick();
  }

  #tick(): void {
    this.#dispatcher.tick(this.#nowMs());
    this.want();
  }
}
