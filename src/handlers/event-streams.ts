// Responses that end only when somebody ends them: event streams, known by their wish not to be buffered. When their worker or
// this front is to go, they go on for a grace; shortly before its end the app is told, so that it can say a last word, and then
// they are cut: a stop or a reload never waits for one. Their clients come back by themselves (HTML Living Standard §9.2.3).

export interface EventStream {
  readonly workerPid: number;
  /** Tells the app that the end is near. */
  notify(): void;
  /** Tells the worker that the front stops, and breaks the client's connection. */
  cut(): void;
}

/** For those of every worker. */
const ALL = 0;
/** From the notice to the cut; of a short grace, half of it. */
const NOTICE_MS_MAX = 1_000;

export class EventStreams {
  #graceMs: number;
  readonly #open = new Set<EventStream>();
  /** By worker. Repeated, since a request may turn into a stream behind the first notice. */
  readonly #timers = new Map<number, NodeJS.Timeout>();

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** For those that are told from now on. */
  set graceMs(graceMs: number) {
    this.#graceMs = graceMs;
  }

  get #noticeMs(): number {
    return Math.min(NOTICE_MS_MAX, this.#graceMs / 2);
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
    if (!this.#timers.has(workerPid)) this.#noticeLater(workerPid);
  }

  endAll(): void {
    this.endThoseOf(ALL);
  }

  /** The worker is gone. */
  forget(workerPid: number): void {
    clearTimeout(this.#timers.get(workerPid));
    this.#timers.delete(workerPid);
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #noticeLater(workerPid: number): void {
    this.#after(workerPid, this.#graceMs - this.#noticeMs, () => {
      const leaving = this.#those(workerPid);
      for (const stream of leaving) stream.notify();
      this.#after(workerPid, this.#noticeMs, () => {
        for (const stream of leaving) if (this.#open.has(stream)) stream.cut();
        this.#noticeLater(workerPid);
      });
    });
  }

  #after(workerPid: number, ms: number, action: () => void): void {
    this.#timers.set(workerPid, setTimeout(action, Math.max(1, ms)).unref());
  }

  #those(workerPid: number): EventStream[] {
    return [...this.#open].filter((stream) => workerPid === ALL || stream.workerPid === workerPid);
  }
}
