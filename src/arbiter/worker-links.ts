// The workers' links to the fronts: who is told to attach where, and what it means that a front has a link, has drained it, or is
// gone. The transitions of PoolWorker.link are all here.
//
//   none ──told to attach──► coming ──the front has it──► there ──drained, or the front is gone──► none

import type { StopMode, WorkerCommand } from "../control/messages.ts";
import type { AppFront } from "./front-handle.ts";
import type { Pool, PoolWorker } from "./pool.ts";

/** What is said to a worker. */
export interface LinkActions {
  send(age: number, command: WorkerCommand): void;
  stop(worker: PoolWorker, mode: StopMode): void;
}

/** The front that has this seat's link, if it is ready and knows the application. */
export type FrontOf = (nr: number) => AppFront | undefined;

export class WorkerLinks {
  readonly #pool: Pool;
  readonly #frontOf: FrontOf;
  readonly #actions: LinkActions;

  constructor(pool: Pool, frontOf: FrontOf, actions: LinkActions) {
    this.#pool = pool;
    this.#frontOf = frontOf;
    this.#actions = actions;
  }

  onWorkerReady(worker: PoolWorker): void {
    const front = this.#frontOf(worker.nr);
    if (front !== undefined) this.#attach(worker, front);
  }

  /** Of workers that were ready before it. */
  onFrontReady(nr: number): void {
    for (const worker of this.#pool.workers.filter(({ state }) => state === "ready")) {
      const front = this.#frontOf(worker.nr);
      if (front?.nr === nr) this.#attach(worker, front);
    }
  }

  #attach(worker: PoolWorker, front: AppFront): void {
    this.#pool.note(worker, { link: "coming" });
    this.#actions.send(worker.age, { type: "attach", ...front.meeting });
  }

  /** The worker has begun to drain: it stops when its front has nothing more of it. */
  drain(worker: PoolWorker): void {
    const front = worker.link === "none" ? undefined : this.#frontOf(worker.nr);
    if (front === undefined) this.#actions.stop(worker, worker.wasReady ? "graceful" : "quick");
    else if (worker.link === "there") front.drainWorker(worker.pid);
    // Else the front does not know it yet, or gives it requests already: `onJoined` goes on.
  }

  onJoined(pid: number): void {
    const worker = this.#pool.byPid(pid);
    if (worker === undefined) return;
    this.#pool.note(worker, { link: "there" });
    if (worker.state === "draining") this.#frontOf(worker.nr)?.drainWorker(pid);
  }

  onDrained(pid: number): void {
    const worker = this.#pool.byPid(pid);
    if (worker === undefined) return;
    this.#pool.note(worker, { link: "none" });
    if (worker.state === "draining") this.#actions.stop(worker, "graceful");
  }

  /** `isItsSeat`: which seats had their links there. */
  onFrontGone(isItsSeat: (nr: number) => boolean): void {
    for (const worker of this.#pool.workers.filter((w) => w.link !== "none" && isItsSeat(w.nr))) {
      this.#pool.note(worker, { link: "none" });
      if (worker.state === "draining") this.#actions.stop(worker, "graceful");
      else this.#actions.send(worker.age, { type: "detach" });
    }
  }
}
