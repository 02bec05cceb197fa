// How a stuck worker is ended: its stacks are asked for, then SIGABRT (gunicorn's signal, which a configuration file's hook may
// hear), then SIGKILL. A worker that cannot answer, because C code holds its interpreter, has its stacks shown by its parent before.

/**
 *     asked ──stacks, or no answer in time──► aborting ──still there──► killed
 */
type Stage = "asked" | "aborting";

const STACKS_WAIT_MS = 1_000;
const ABORT_WAIT_MS = 2_000;

/** What it takes to end a worker, by its age. */
export interface AbortOrders {
  askStacks(age: number): void;
  /** It does not answer: by force, before any signal that follows. */
  dump(age: number): void;
  signal(age: number, signal: "SIGABRT" | "SIGKILL"): void;
}

export class Aborts {
  readonly #orders: AbortOrders;
  readonly #running = new Map<number, { readonly stage: Stage; readonly untilMs: number }>();

  constructor(orders: AbortOrders) {
    this.#orders = orders;
  }

  begin(age: number, nowMs: number): void {
    if (this.#running.has(age)) return;
    this.#running.set(age, { stage: "asked", untilMs: nowMs + STACKS_WAIT_MS });
    this.#orders.askStacks(age);
  }

  /** True: they were asked for here. */
  onStacks(age: number, nowMs: number): boolean {
    const isAsked = this.#running.get(age)?.stage === "asked";
    if (isAsked) this.#abort(age, nowMs);
    return isAsked;
  }

  onTime(nowMs: number): void {
    for (const [age, { stage, untilMs }] of this.#running) {
      if (nowMs < untilMs) continue;
      if (stage === "asked") {
        this.#orders.dump(age);
        this.#abort(age, nowMs);
      } else this.#kill(age);
    }
  }

  /** Nobody may wait any more. */
  hasten(): void {
    for (const age of this.#running.keys()) this.#kill(age);
  }

  /** The worker is gone. */
  forget(age: number): void {
    this.#running.delete(age);
  }

  nextMomentMs(): number {
    return Math.min(...[...this.#running.values()].map(({ untilMs }) => untilMs), Number.POSITIVE_INFINITY);
  }

  #abort(age: number, nowMs: number): void {
    this.#running.set(age, { stage: "aborting", untilMs: nowMs + ABORT_WAIT_MS });
    this.#orders.signal(age, "SIGABRT");
  }

  #kill(age: number): void {
    this.#running.delete(age);
    this.#orders.signal(age, "SIGKILL");
  }
}
