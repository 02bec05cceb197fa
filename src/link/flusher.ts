// Gathers what one turn of the event loop has to say: every socket that was written to is flushed once, when all sockets that
// were readable in this turn have been read. setImmediate runs exactly there (behind the poll phase); a microtask or
// process.nextTick would run after each single socket's read and so send one small write per request.

export interface Flushable {
  flush(): void;
}

export class Flusher {
  #dirty: Flushable[] = [];
  readonly #flushAll = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const one of dirty) one.flush();
  };

  /** Each object once per turn: the caller remembers that it asked. */
  add(one: Flushable): void {
    if (this.#dirty.length === 0) setImmediate(this.#flushAll);
    this.#dirty.push(one);
  }
}
