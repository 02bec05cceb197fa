// One line now and then about requests that got 503: the first at once, then a sum every ten seconds while it goes on.

import type { RefusalCause } from "../dispatch/ticket.ts";
import type { Log } from "../log/log.ts";

const QUIET_MS = 10_000;

export class ShedLog {
  readonly #log: Log;
  readonly #nowMs: () => number;
  #quietUntilMs = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(log: Log, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  record(cause: RefusalCause, waiting: number): void {
    this.#unsaid += 1;
    const nowMs = this.#nowMs();
    if (nowMs < this.#quietUntilMs) return;
    this.#log.warning("requests shed", { count: this.#unsaid, cause, waiting });
    this.#unsaid = 0;
    this.#quietUntilMs = nowMs + QUIET_MS;
  }
}
