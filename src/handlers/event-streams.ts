// Responses that end only when somebody ends them: event streams, known by their wish not to be buffered. When their worker or
// this front is to go, they are cut after a grace, so that a stop or a reload never waits for one. Their clients come back by
// themselves (HTML Living Standard §9.2.3).

export interface EventStream {
  readonly workerPid: number;
  /** Tells the worker that the front stops, and breaks the client's connection. */
  cut(): void;
}

/** For those of every worker. */
const ALL = 0;

export class EventStreams {
  readonly #graceMs: number;
  readonly #open = new Set<EventStream>();
  /** By worker. Repeated, since a request may turn into a stream behind the first cut. */
  readonly #timers = new Map<number, NodeJS.Timeout>();

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  add(stream: EventStream): void {
    this.#open.add(stream);
  }

  /** Harmless when it is none. */
  delete(stream: EventStream): void {
    if (this.#open.size > 0) this.#open.delete(stream);
  }

  /** A worker drains. */
  endThoseOf(workerPid: number): void {
    if (this.#timers.has(workerPid)) return;
    const timer = setInterval(() => this.#cut(workerPid), Math.max(1, this.#graceMs));
    this.#timers.set(workerPid, timer.unref());
  }

  endAll(): void {
    this.endThoseOf(ALL);
  }

  /** The worker is gone. */
  forget(workerPid: number): void {
    clearInterval(this.#timers.get(workerPid));
    this.#timers.delete(workerPid);
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearInterval(timer);
    this.#timers.clear();
  }

  #cut(workerPid: number): void {
    for (const stream of [...this.#open]) {
      if (workerPid === ALL || stream.workerPid === workerPid) stream.cut();
    }
  }
}
