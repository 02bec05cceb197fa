// Calls the dispatcher's `tick` while there is a reason to: often when requests lie ahead of a worker that may turn slow,
// seldom when some merely wait in the line, and its `look` while some run. Idle, it sets no timer at all.

import type { Dispatcher } from "../dispatch/dispatcher.ts";

const AHEAD_TICK_MS = 2;
const LINE_TICK_MS = 50;

export class Ticker {
  readonly #dispatcher: Dispatcher;
  readonly #nowMs: () => number;
  #ahead: NodeJS.Timeout | undefined;
  #line: NodeJS.Timeout | undefined;
  #limit: NodeJS.Timeout | undefined;
  #isLimitArmed = false;
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
    if (!this.#isLimitArmed && this.#dispatcher.running > 0 && this.#dispatcher.lookEveryMs > 0) {
      this.#isLimitArmed = true;
      const everyMs = this.#dispatcher.lookEveryMs;
      this.#limit = this.#limit?.refresh() ?? setTimeout(() => this.#onLimitTick(), everyMs).unref();
    }
  }

  stop(): void {
    clearTimeout(this.#ahead);
    clearTimeout(this.#line);
    clearTimeout(this.#limit);
    this.#isLimitArmed = true;
    this.#isAheadArmed = true;
    this.#isLineArmed = true;
  }

  #onAheadTick(): void {
    this.#isAheadArmed = false;
    this.#tick();
  }

  #onLimitTick(): void {
    this.#isLimitArmed = false;
    this.#dispatcher.look(this.#nowMs());
    this.want();
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
