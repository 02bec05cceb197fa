// Whether a WebSocket's client is still there. Pings go out at a fixed interval; any byte that comes after one is an answer, since
// a pong may stand behind a long message. No clock and no timer: times are arguments, milliseconds.

export interface KeepAliveOptions {
  /** 0: no pings. */
  readonly intervalMs: number;
  /** 0: no answer is waited for. */
  readonly timeoutMs: number;
}

export class KeepAlive {
  readonly #options: KeepAliveOptions;
  /** 0: never. */
  #pingAtMs: number;
  /** Until when something must have come; 0: nothing is waited for. */
  #answerAtMs = 0;

  constructor(options: KeepAliveOptions, nowMs: number) {
    this.#options = options;
    this.#pingAtMs = options.intervalMs === 0 ? 0 : nowMs + options.intervalMs;
  }

  /** When to look again; 0 for never. */
  get atMs(): number {
    if (this.#answerAtMs === 0) return this.#pingAtMs;
    return Math.min(this.#answerAtMs, this.#pingAtMs);
  }

  /** Something came from the client, or nothing can come because it is not read. */
  excuse(): void {
    this.#answerAtMs = 0;
  }

  judge(nowMs: number): "ping" | "dead" | "wait" {
    const { intervalMs, timeoutMs } = this.#options;
    if (this.#answerAtMs !== 0 && nowMs >= this.#answerAtMs) return "dead";
    if (this.#pingAtMs === 0 || nowMs < this.#pingAtMs) return "wait";
    this.#pingAtMs = nowMs + intervalMs;
    // A ping while an answer is awaited gives the client no more time.
    if (timeoutMs > 0 && this.#answerAtMs === 0) this.#answerAtMs = nowMs + timeoutMs;
    return "ping";
  }
}
