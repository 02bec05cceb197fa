// The arbiter's time: that in which it could run. While it was stopped, or the machine asleep, no deadline came closer.

import type { Clock, Timer } from "../base/ports.ts";
import type { Log } from "../log/log.ts";

/** A timer so much too late means that this process did not run: nobody else is overdue. */
const ASLEEP_MIN_MS = 1_000;

export class AwakeClock {
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: Timer | undefined;
  #asleepMs = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  nowMs(): number {
    return this.#clock.nowMs() - this.#asleepMs;
  }

  /** Instead of what was asked for before. A moment that is not finite never comes. */
  wakeAt(momentMs: number, onTime: () => void): void {
    this.cancel();
    if (!Number.isFinite(momentMs)) return;
    const delayMs = Math.max(0, momentMs - this.nowMs());
    this.#timer = this.#clock.after(delayMs, () => {
      this.#noteDelay(momentMs);
      onTime();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
  }

  #noteDelay(dueMs: number): void {
    const lateMs = this.nowMs() - dueMs;
    if (lateMs <= ASLEEP_MIN_MS) return;
    this.#asleepMs += lateMs;
    this.#log.warning("the arbiter did not run for a while", { seconds: Math.round(lateMs / 1_000) });
  }
}
