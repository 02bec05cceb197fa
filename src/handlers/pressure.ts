// How hard the workers are asked for, told to the arbiter so that it can add and remove some (--workers N..N). It looks four
// times a second while there are requests, and sets no timer while there are none.

import type { Clock, Timer } from "../base/ports.ts";
import type { Exchange, Handler } from "../http/exchange.ts";

const LOOK_MS = 250;
/** How often it tells while nothing waits. */
const CALM_REPORT_MS = 5_000;

export interface Pressure {
  /** How long the first of the line has waited; 0 when nobody waits. */
  readonly waitingMs: number;
  readonly queued: number;
  /** The most requests that were seen running since the last report. */
  readonly busy: number;
}

export interface PressureOptions {
  readonly clock: Clock;
  /** What is so now; `busy` is what runs. */
  look(): Pressure;
  report(pressure: Pressure): void;
  readonly next: Handler;
}

export class PressureHandler implements Handler {
  readonly #options: PressureOptions;
  #timer: Timer | undefined = undefined;
  #busyMax = 0;
  #reportedAtMs: number;

  constructor(options: PressureOptions) {
    this.#options = options;
    this.#reportedAtMs = options.clock.nowMs();
  }

  handle(exchange: Exchange): void {
    this.#timer ??= this.#options.clock.after(LOOK_MS, () => this.#look());
    this.#options.next.handle(exchange);
  }

  #look(): void {
    const { clock, report } = this.#options;
    const seen = this.#options.look();
    this.#busyMax = Math.max(this.#busyMax, seen.busy);
    const isDue = seen.queued > 0 || clock.nowMs() - this.#reportedAtMs >= CALM_REPORT_MS;
    if (isDue) {
      report({ waitingMs: seen.waitingMs, queued: seen.queued, busy: this.#busyMax });
      this.#reportedAtMs = clock.nowMs();
      this.#busyMax = seen.busy;
    }
    const isQuiet = seen.queued === 0 && seen.busy === 0;
    this.#timer = isQuiet ? undefined : clock.after(LOOK_MS, () => this.#look());
  }
}
