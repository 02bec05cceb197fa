// The table of workers, from the moment a fork is asked for to the report of an exit. It holds facts and checks the
// transitions; what follows from them is plan.ts's business.

import { assert } from "../base/assert.ts";
import type { BootFailure } from "../control/messages.ts";
import type { DrainCause, KillCause, Worker, WorkerState } from "./plan.ts";

/**
 * Why the arbiter ended a worker, or what it knows of an end that it did not want. The first cause stays, but for a worker that
 * does not end when it is asked to: then it is that, and what was asked is remembered beside it.
 */
export type EndCause =
  | DrainCause
  | KillCause
  | "stop"
  | "boot-error"
  | "forkserver-lost"
  | "control-lost"
  | StuckCause;
/** It was ended because it did not come forward. */
export type StuckCause = "request-timeout" | "loop-stuck";

/**
 * `coming`: it was told where to attach, and may have requests before the front's word of it is here. `there`: the front has its
 * link, and may still hold requests of it.
 */
export type LinkState = "none" | "coming" | "there";

export interface PoolWorker extends Worker {
  /** 0 until the forkserver has reported the fork. */
  readonly pid: number;
  readonly bornAtMs: number;
  readonly wasReady: boolean;
  readonly link: LinkState;
  /** The last step of the boot that it reported. */
  readonly step: string;
  readonly slots: number;
  /** "wsgi" or "asgi"; "" before it is ready. */
  readonly interface: string;
  readonly cause: EndCause | undefined;
  readonly retireCause: string | undefined;
  readonly bootFailure: BootFailure | undefined;
}

const LATER: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  booting: ["ready", "draining", "killed"],
  ready: ["draining", "killed"],
  draining: ["killed"],
  killed: [],
};

export class Pool {
  readonly #workers = new Map<number, PoolWorker>();
  #forks = 0;

  get size(): number {
    return this.#workers.size;
  }

  get workers(): readonly PoolWorker[] {
    return [...this.#workers.values()];
  }

  get(age: number): PoolWorker | undefined {
    return this.#workers.get(age);
  }

  byPid(pid: number): PoolWorker | undefined {
    return this.workers.find((worker) => worker.pid === pid);
  }

  /** A fork that was asked for and has not been reported. A generation has at most one for each seat. */
  awaited(nr: number, generation: number): PoolWorker | undefined {
    return this.workers.find((w) => w.pid === 0 && w.nr === nr && w.generation === generation);
  }

  addFork(seat: { readonly nr: number; readonly generation: number }, nowMs: number): PoolWorker {
    this.#forks += 1;
    const worker: PoolWorker = {
      ...seat,
      age: this.#forks,
      pid: 0,
      state: "booting",
      sinceMs: nowMs,
      bornAtMs: nowMs,
      wasReady: false,
      link: "none",
      isServing: false,
      isRetiring: false,
      step: "fork",
      slots: 0,
      interface: "",
      cause: undefined,
      retireCause: undefined,
      bootFailure: undefined,
    };
    this.#workers.set(worker.age, worker);
    return worker;
  }

  /** Moves a worker on. */
  enter(worker: PoolWorker, state: WorkerState, nowMs: number, cause?: EndCause): PoolWorker {
    assert(LATER[worker.state].includes(state), `a worker goes from ${worker.state} to ${state}`);
    const wasReady = worker.wasReady || state === "ready";
    const isUnheeded = worker.state === "draining" && cause !== undefined && cause !== worker.cause;
    const causes = isUnheeded
      ? { cause, retireCause: worker.retireCause ?? worker.cause }
      : { cause: worker.cause ?? cause };
    return this.note(worker, { state, sinceMs: nowMs, wasReady, ...causes });
  }

  note(
    worker: PoolWorker,
    facts: Partial<Omit<PoolWorker, "age" | "nr" | "generation" | "isServing">>,
  ): PoolWorker {
    const current = this.#workers.get(worker.age);
    assert(current !== undefined, "a worker that is noted is in the pool");
    const changed = { ...current, ...facts };
    const noted = { ...changed, isServing: changed.link === "there" && changed.state === "ready" };
    this.#workers.set(noted.age, noted);
    return noted;
  }

  remove(worker: PoolWorker): void {
    this.#workers.delete(worker.age);
  }
}
