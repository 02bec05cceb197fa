// Connections that have something to send, written to once at the end of the tick, however often they were written to in it.

export interface Flushable {
  flush(): void;
}

export class FlushQueue {
  #waiting: Flushable[] = [];

  /** `connection.flush()` is called when the running code has returned. The caller asks once until then. */
  add(connection: Flushable): void {
    this.#waiting.push(connection);
    if (this.#waiting.length === 1) process.nextTick(this.#run);
  }

  readonly #run = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const connection of waiting) connection.flush();
  };
}
