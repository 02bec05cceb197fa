// One line now and then about requests that got 503: the first at once, then a sum every ten seconds, of the last ones too.

import type { RefusalCause } from "../dispatch/ticket.ts";
import type { Log } from "../log/log.ts";

const QUIET_MS = 10_000;

export class ShedLog {
  readonly #log: Log;
  readonly #waiting: () => number;
  readonly #unsaid = new Map<RefusalCause, number>();
  #isQuiet = false;

  /** `waiting`: requests in line now. */
  constructor(log: Log, waiting: () => number) {
    this.#log = log;
    this.#waiting = waiting;
  }

  record(cause: RefusalCause): void {
    this.#unsaid.set(cause, (this.#unsaid.get(cause) ?? 0) + 1);
    if (!this.#isQuiet) this.say();
  }

  /** All that was not said yet: also when no more will come. */
  say(): void {
    const isAny = this.#unsaid.size > 0;
    for (const [cause, count] of this.#unsaid) {
      this.#log.warning("requests shed", { count, cause, waiting: this.#waiting() });
    }
    this.#unsaid.clear();
    if (isAny && !this.#isQuiet) setTimeout(() => this.#onQuietEnd(), QUIET_MS).unref();
    this.#isQuiet ||= isAny;
  }

  #onQuietEnd(): void {
    this.#isQuiet = false;
    this.say();
  }
}
