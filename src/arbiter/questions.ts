// Questions to children whose answers come as messages, each with a deadline: whoever does not answer in time has none.

import type { Clock, Timer } from "../base/ports.ts";

/** More at once are not asked: their answer is that there is none. */
const OPEN_MAX = 1_024;

interface Open {
  readonly pid: number;
  readonly timer: Timer;
  readonly resolve: (answer: unknown) => void;
}

export class Questions {
  readonly #clock: Clock;
  readonly #open = new Map<number, Open>();
  #ids = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `send` is given the id that the answer of process `pid` shall carry. Undefined when none came within `timeoutMs`. */
  ask(pid: number, send: (id: number) => void, timeoutMs: number): Promise<unknown> {
    if (this.#open.size >= OPEN_MAX) return Promise.resolve(undefined);
    this.#ids += 1;
    const id = this.#ids;
    return new Promise((resolve) => {
      const timer = this.#clock.after(timeoutMs, () => this.answer(pid, id, undefined));
      this.#open.set(id, { pid, timer, resolve });
      send(id);
    });
  }

  /** An answer that nobody waits for any more, or that another process was asked for, is dropped. */
  answer(pid: number, id: number, value: unknown): void {
    const open = this.#open.get(id);
    if (open?.pid !== pid) return;
    this.#open.delete(id);
    open.timer.cancel();
    open.resolve(value);
  }
}
