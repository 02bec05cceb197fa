// Workers that do not come forward: a request runs for too long, or an event loop does not turn. What else they run is given
// time, then their stacks go to the log, then they are ended.

import type { FrontReport } from "../control/messages.ts";
import type { Log } from "../log/log.ts";
import { Aborts } from "./aborts.ts";
import { REQUESTS_SHOWN_MAX, showRequest } from "./deaths.ts";
import type { AppFront } from "./front-handle.ts";
import type { Pool, PoolWorker, StuckCause } from "./pool.ts";

/** A worker with a stuck thread may finish what its other threads run. */
const OTHERS_WAIT_MS = 10_000;

/** What is done to a worker, by its age. */
export interface StuckActions {
  askStacks(age: number): void;
  dump(age: number): void;
  signal(age: number, signal: "SIGABRT" | "SIGKILL"): void;
  /** It serves on until its successor does. */
  retire(age: number, cause: StuckCause): void;
}

export interface StuckWorld {
  readonly log: Log;
  nowMs(): number;
  frontOf(nr: number): AppFront | undefined;
}

export class StuckWorkers {
  readonly #pool: Pool;
  readonly #world: StuckWorld;
  readonly #actions: StuckActions;
  readonly #aborts: Aborts;
  /** By age: workers with overdue requests that are given time to finish others. */
  readonly #condemned = new Map<number, number>();

  constructor(pool: Pool, world: StuckWorld, actions: StuckActions) {
    this.#pool = pool;
    this.#world = world;
    this.#actions = actions;
    this.#aborts = new Aborts(actions);
  }

  onOverdue({ pid, requests, others }: Extract<FrontReport, { readonly type: "worker-overdue" }>): void {
    const worker = this.#pool.byPid(pid);
    if (worker === undefined || worker.state === "killed") return;
    const isFirst = !this.#condemned.has(worker.age);
    if (isFirst) {
      this.#actions.retire(worker.age, "request-timeout");
      this.#condemned.set(worker.age, this.#world.nowMs() + OTHERS_WAIT_MS);
      const shown = requests.slice(0, REQUESTS_SHOWN_MAX).map(showRequest);
      this.#world.log.critical(`WORKER TIMEOUT (pid:${pid})`, { nr: worker.nr, requests: shown, others });
    }
    if (others === 0) this.#abort(worker.age, "request-timeout");
  }

  onStuck(age: number, forMs: number): void {
    const worker = this.#pool.get(age);
    if (worker === undefined || worker.state === "killed" || !worker.wasReady) return;
    this.#world.log.critical(`WORKER TIMEOUT (pid:${worker.pid})`, {
      nr: worker.nr,
      seconds: Math.round(forMs / 100) / 10,
    });
    this.#world.frontOf(worker.nr)?.expireWorker(worker.pid);
    this.#abort(age, "loop-stuck");
  }

  onStacks({ age, nr, pid }: PoolWorker, text: string): void {
    if (!this.#aborts.onStacks(age, this.#world.nowMs())) return;
    this.#world.log.error("stacks of the stuck worker", { nr, pid, traceback: text });
  }

  onTime(nowMs: number): void {
    this.#aborts.onTime(nowMs);
    for (const [age, atMs] of this.#condemned) if (nowMs >= atMs) this.#abort(age, "request-timeout");
  }

  nextMomentMs(): number {
    return Math.min(this.#aborts.nextMomentMs(), ...this.#condemned.values());
  }

  /** Nobody is given more time. */
  hasten(): void {
    this.#aborts.hasten();
  }

  forget(age: number): void {
    this.#aborts.forget(age);
    this.#condemned.delete(age);
  }

  #abort(age: number, cause: StuckCause): void {
    this.#condemned.delete(age);
    const worker = this.#pool.get(age);
    if (worker === undefined || worker.state === "killed") return;
    this.#pool.enter(worker, "killed", this.#world.nowMs(), cause);
    this.#aborts.begin(age, this.#world.nowMs());
  }
}
