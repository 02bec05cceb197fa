// The open WebSockets of the app: their limits, and their end when the worker that serves them is replaced.

/** Between two closes, on average: clients come back at once, and should not come all together. Milliseconds. */
const RESTART_STEP_MS = 2;

export interface OpenWebSocket {
  readonly workerPid: number;
  /** The client is told to come back, at a random moment within so many milliseconds. */
  restart(withinMs: number): void;
}

export interface WebSocketLimits {
  /** Messages of a client that may wait for the app. */
  readonly queueMax: number;
  /** Bytes that may wait for a client before its worker gets no more credit. */
  readonly unsentBytesMax: number;
  /** The longest that clients are given until they are told to come back. */
  readonly restartMsMax: number;
}

export class WebSockets {
  limits: WebSocketLimits;
  readonly #open = new Set<OpenWebSocket>();
  /** Workers that are to be replaced. */
  readonly #leaving = new Set<number>();

  constructor(limits: WebSocketLimits) {
    this.limits = limits;
  }

  get queueMax(): number {
    return this.limits.queueMax;
  }

  get unsentBytesMax(): number {
    return this.limits.unsentBytesMax;
  }

  get open(): number {
    return this.#open.size;
  }

  add(one: OpenWebSocket): void {
    this.#open.add(one);
    if (this.#leaving.has(one.workerPid)) one.restart(0);
  }

  delete(one: OpenWebSocket): void {
    this.#open.delete(one);
  }

  /** A worker drains. */
  restartThoseOf(workerPid: number): void {
    this.#leaving.add(workerPid);
    const leaving = [...this.#open].filter((one) => one.workerPid === workerPid);
    const withinMs = Math.min(this.limits.restartMsMax, leaving.length * RESTART_STEP_MS);
    for (const one of leaving) one.restart(withinMs);
  }

  /** The worker is gone. */
  forget(workerPid: number): void {
    this.#leaving.delete(workerPid);
  }
}
