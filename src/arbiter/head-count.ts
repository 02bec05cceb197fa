// How many workers one application shall have: as many as its configuration says, as an operator says, or as the load says
// between two bounds. A seat's link is one front's, so an application never has fewer workers than there are fronts: a front
// without one would keep its clients waiting.

import type { Config } from "../config/config.ts";
import type { Log } from "../log/log.ts";
import { Elastic, type Pressure } from "./elastic.ts";
import type { FrontHandle } from "./front-handle.ts";
import type { PoolWorker } from "./pool.ts";

export interface HeadCountWorld {
  readonly log: Log;
  readonly fronts: number;
  nowMs(): number;
  /** During a reload numbers stay: they are what it is measured by. */
  readonly isSteady: boolean;
  readonly workers: readonly PoolWorker[];
  /** How many more workers fit into memory, judged by these. */
  room(pids: readonly number[]): number;
  onScale(workers: number): void;
}

export class HeadCount {
  readonly #world: HeadCountWorld;
  readonly #isCheck: boolean;
  #elastic: Elastic;
  #bounds: Bounds;
  #wanted: number;
  /** The number of workers at which the log has said that memory holds no more. */
  #crampedAt = 0;

  /** `isCheck`: one is enough to see whether the application starts. */
  constructor(config: Config, { isCheck }: { readonly isCheck: boolean }, world: HeadCountWorld) {
    this.#world = world;
    this.#isCheck = isCheck;
    this.#wanted = isCheck ? 1 : this.#atLeast(config.workers);
    this.#bounds = this.#boundsOf(config);
    this.#elastic = this.#newElastic();
  }

  get wanted(): number {
    return this.#wanted;
  }

  get bounds(): Pick<Config, "workersMin" | "workersMax"> {
    const { workersMin, workersMax } = this.#bounds;
    return { workersMin, workersMax };
  }

  /** As gunicorn does at a reload; an elastic number that stays within its bounds is the load's to say. */
  configure(config: Config): void {
    if (this.#isCheck) return;
    const wasElastic = this.#elastic.isElastic;
    this.#rebound(this.#boundsOf(config));
    const { workersMin, workersMax } = this.#bounds;
    const isKept = wasElastic && this.#elastic.isElastic;
    this.#wanted = isKept
      ? Math.min(workersMax, Math.max(workersMin, this.#wanted))
      : this.#atLeast(config.workers);
  }

  scale(workers: number): void {
    this.#wanted = this.#atLeast(workers);
    this.#world.onScale(this.#wanted);
  }

  onPressure(front: FrontHandle, pressure: Pressure): void {
    this.#elastic.onPressure(front.nr, pressure, this.#world.nowMs());
  }

  onFrontGone(front: FrontHandle): void {
    this.#elastic.onFrontGone(front.nr);
  }

  /** To be called in each turn of the loop. */
  adapt(nowMs: number): void {
    if (!this.#isAdapting) return;
    const { workers, log } = this.#world;
    const serving = workers.filter(({ isServing }) => isServing);
    const judged = this.#elastic.judge({
      wanted: this.#wanted,
      serving: serving.length,
      slots: serving[0]?.slots ?? 1,
      nowMs,
      room: () => this.#room(serving),
    });
    if (judged === this.#wanted) return;
    log.info("number of workers changed", { from: this.#wanted, to: judged });
    this.scale(judged);
  }

  #room(serving: readonly PoolWorker[]): number {
    const { log, room } = this.#world;
    const fitting = room(serving.map(({ pid }) => pid));
    if (fitting < 1 && this.#crampedAt !== this.#wanted) {
      log.warning("requests wait, but memory has no room for another worker", { workers: this.#wanted });
      this.#crampedAt = this.#wanted;
    }
    return fitting;
  }

  nextMomentMs(): number {
    return this.#isAdapting ? this.#elastic.nextMomentMs(this.#wanted) : Number.POSITIVE_INFINITY;
  }

  get #isAdapting(): boolean {
    return this.#elastic.isElastic && this.#world.isSteady;
  }

  #atLeast(workers: number): number {
    const { fronts, log } = this.#world;
    if (workers >= fronts) return workers;
    log.warning(`${fronts} workers instead of ${workers}: each front needs one (--fronts ${fronts})`);
    return fronts;
  }

  #boundsOf({ workersMin, workersMax, workersIdleMs }: Config): Bounds {
    const { fronts } = this.#world;
    const bounds = { workersMin: Math.max(fronts, workersMin), workersMax: Math.max(fronts, workersMax) };
    return { ...bounds, workersIdleMs };
  }

  #rebound(bounds: Bounds): void {
    if (JSON.stringify(bounds) === JSON.stringify(this.#bounds)) return;
    this.#bounds = bounds;
    this.#elastic = this.#newElastic();
  }

  #newElastic(): Elastic {
    const { workersMin: min, workersMax, workersIdleMs: idleMs } = this.#bounds;
    return new Elastic({ min, max: this.#isCheck ? min : workersMax, idleMs }, this.#world.nowMs());
  }
}

type Bounds = Pick<Config, "workersMin" | "workersMax" | "workersIdleMs">;
