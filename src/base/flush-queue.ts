// Who has something to send, written to once and later, however often something was added before.

export interface Flushable {
  flush(): void;
}

export class FlushQueue {
  readonly #later: (run: () => void) => unknown;
  #waiting: Flushable[] = [];

  /** `later` says when: it calls back at the end of the tick, of the turn of the event loop, or whenever it suits. */
  constructor(later: (run: () => void) => unknown) {
    this.#later = later;
  }

  /** `one.flush()` follows. Each once until then: the caller remembers that it asked. */
  add(one: Flushable): void {
    this.#waiting.push(one);
    if (this.#waiting.length === 1) this.#later(this.#run);
  }

  readonly #run = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) one.flush();
  };
}
