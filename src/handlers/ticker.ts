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
  /** What `#limit` waits, and in how many milliseconds it is due at the latest: never, while it is not armed. */
  #limitMs = 0;
  #limitDueMs = Number.POSITIVE_INFINITY;
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
    const everyMs = this.#dispatcher.lookEveryMs;
    if (everyMs < this.#limitDueMs && everyMs > 0 && this.#dispatcher.running > 0) this.#armLimit(everyMs);
  }

  /** A timer cannot be told of another length: the seldom request with a shorter limit gets a new one. */
  #armLimit(everyMs: number): void {
    this.#limitDueMs = everyMs;
    if (this.#limit !== undefined && everyMs === this.#limitMs) {
      this.#limit.refresh();
      return;
    }
    clearTimeout(this.#limit);
    this.#limitMs = everyMs;
    this.#limit = setTimeout(() => this.#onLimitTick(), everyMs).unref();
  }

  stop(): void {
    clearTimeout(this.#ahead);
    clearTimeout(this.#line);
    clearTimeout(this.#limit);
    this.#limitDueMs = 0;
    this.#isAheadArmed = true;
    this.#isLineArmed = true;
  }

  #onAheadTick(): void {
    this.#isAheadArmed = false;
    this.#tick();
  }

  #onLimitTick(): void {
    this.#limitDueMs = Number.POSITIVE_INFINITY;
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
