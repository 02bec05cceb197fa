// What is looked up on disk at the moment. Requests for the same path wait for one look; a disk that does not answer holds nobody
// for ever. Milliseconds.

import type { Clock } from "../../base/ports.ts";
import type { AbortCause, Exchange, ExchangeEvents } from "../../http/exchange.ts";

const LOOK_MS_MAX = 30_000;

export type Look<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

/** A request that waits; its client may leave meanwhile. */
class Waiter<T> implements ExchangeEvents {
  readonly exchange: Exchange;
  readonly #done: (exchange: Exchange, look: Look<T>) => void;
  #isWaiting = true;

  constructor(exchange: Exchange, done: (exchange: Exchange, look: Look<T>) => void) {
    this.exchange = exchange;
    this.#done = done;
    exchange.events = this;
  }

  tell(look: Look<T>): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.exchange.events = undefined;
    this.#done(this.exchange, look);
  }

  onAbort(_cause: AbortCause): void {
    this.#isWaiting = false;
  }

  onDrain(): void {
    // nothing was sent yet
  }
}

export class Lookups<T> {
  readonly #clock: Clock;
  readonly #waiters = new Map<string, Waiter<T>[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `look` is called unless a look for `key` is under way. */
  wait(
    exchange: Exchange,
    key: string,
    look: () => Promise<T>,
    done: (exchange: Exchange, look: Look<T>) => void,
  ): void {
    const waiter = new Waiter(exchange, done);
    const waiting = this.#waiters.get(key);
    if (waiting !== undefined) waiting.push(waiter);
    else this.#begin(key, look, waiter);
  }

  #begin(key: string, look: () => Promise<T>, first: Waiter<T>): void {
    const waiters = [first];
    this.#waiters.set(key, waiters);
    const tell = (result: Look<T>): void => {
      timer.cancel();
      if (this.#waiters.get(key) === waiters) this.#waiters.delete(key);
      for (const waiter of waiters) waiter.tell(result);
    };
    const timer = this.#clock.after(LOOK_MS_MAX, () =>
      tell({ ok: false, reason: "the disk does not answer" }),
    );
    look().then(
      (value) => tell({ ok: true, value }),
      (error: unknown) => tell({ ok: false, reason: error instanceof Error ? error.message : String(error) }),
    );
  }
}
