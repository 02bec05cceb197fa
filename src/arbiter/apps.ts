// The applications of a server: each is kept alive by itself (app-keeper.ts); here is what is said of, and done to, all of them.
// One that does not start takes no other down: it is tried again while the others serve.

import type { Application } from "../config/site.ts";
import type { Log } from "../log/log.ts";
import { AppKeeper } from "./app-keeper.ts";
import type { AppWorld } from "./app-world.ts";
import type { AppOrder, ArbiterEvent, ArbiterOptions } from "./arbiter-ports.ts";
import type { ForkserverHandle } from "./forkserver-handle.ts";
import type { FrontHandle } from "./front-handle.ts";
import { namedLog } from "./named-log.ts";
import { OomWatch } from "./oom-watch.ts";
import type { Phase } from "./view.ts";

/** What the applications together need of the arbiter. */
export interface AppsWorld
  extends Pick<
    AppWorld,
    "ports" | "clock" | "fronts" | "isRunning" | "isServing" | "isAway" | "stopDeadlineMs"
  > {
  take(event: ArbiterEvent): void;
  /** None of them starts. */
  onFatal(exitCode: number): void;
}

export class Apps {
  readonly #options: ArbiterOptions;
  readonly #world: AppsWorld;
  readonly #oom: OomWatch;
  readonly #keepers = new Map<string, AppKeeper>();
  #haveServed = false;

  constructor(options: ArbiterOptions, world: AppsWorld) {
    this.#options = options;
    this.#world = world;
    this.#oom = new OomWatch(world.ports.oomKills);
    for (const order of options.apps) this.#keepers.set(order.name, this.#keep(order));
  }

  #keep(order: AppOrder): AppKeeper {
    const world = this.#world;
    const keeper: AppKeeper = new AppKeeper(order, {
      server: this.#options,
      ports: world.ports,
      log: this.#logOf(order.name),
      clock: world.clock,
      fronts: world.fronts,
      oom: this.#oom,
      get isRunning() {
        return world.isRunning;
      },
      get isServing() {
        return world.isServing;
      },
      get isAway() {
        return world.isAway;
      },
      get stopDeadlineMs() {
        return world.stopDeadlineMs;
      },
      take: (event) => world.take({ type: "app", app: keeper, event }),
      onNeverServed: (exitCode) => this.#onNeverServed(keeper, exitCode),
    });
    return keeper;
  }

  /** An only application needs no name. */
  #logOf(name: string): Log {
    const { log } = this.#world.ports;
    return this.#options.apps.length === 1 ? log : namedLog(log, { app: name });
  }

  get all(): readonly AppKeeper[] {
    return [...this.#keepers.values()];
  }

  get(name: string): AppKeeper | undefined {
    return this.#keepers.get(name);
  }

  /** As fronts are told of them. */
  get applications(): readonly Application[] {
    return this.all.map(({ name, setup }) => ({ name, config: setup.config }));
  }

  async open(): Promise<void> {
    for (const keeper of this.all) await keeper.open();
  }

  get phase(): Extract<Phase, "starting" | "serving" | "reloading"> {
    const isUnsettled = this.all.some((keeper) => keeper.isUnsettled);
    if (!this.#haveServed) return "starting";
    return isUnsettled ? "reloading" : "serving";
  }

  /** At least one has, at the end of the first start. */
  get haveServed(): boolean {
    return this.#haveServed;
  }

  get areDegraded(): boolean {
    return this.all.some(({ generations }) => generations.isDegraded);
  }

  get areGone(): boolean {
    return this.all.every(({ isGone }) => isGone);
  }

  get isDevelopment(): boolean {
    return this.all.some(({ isDevelopment }) => isDevelopment);
  }

  /** The longest that any of them may take. */
  get gracefulTimeoutMs(): number {
    return Math.max(...this.all.map(({ setup }) => setup.config.gracefulTimeoutMs));
  }

  /** Any forkserver that reads what it is told. */
  get listening(): ForkserverHandle | undefined {
    return this.all
      .map(({ generations }) => generations.forkservers.listening)
      .find((one) => one !== undefined);
  }

  /** One alone is the server: there is nothing to go on with. */
  #onNeverServed(keeper: AppKeeper, exitCode: number): void {
    const others = this.all.filter((other) => other !== keeper && other.phase !== "failing");
    const isHopeless = !this.#haveServed && others.length === 0;
    if (isHopeless || this.#options.purpose === "check") this.#world.onFatal(exitCode);
    else keeper.giveUp(this.#world.clock.nowMs());
  }

  // ---- a turn of the loop

  onTime(): void {
    for (const { workers } of this.all) workers.onTime();
  }

  /** True, once for each, when the first start or a reload of all is done. */
  settle(): boolean {
    const settled = this.all.filter((keeper) => keeper.settle());
    const isDone = !this.all.some((keeper) => keeper.isUnsettled);
    if (isDone && this.all.some(({ generations }) => generations.proven > 0)) this.#haveServed = true;
    return settled.length > 0 && isDone;
  }

  prepare(nowMs: number): void {
    for (const keeper of this.all) keeper.prepare(nowMs);
  }

  act(nowMs: number): void {
    for (const keeper of this.all) keeper.act(nowMs);
  }

  nextMomentMs(judgedAtMs: number): number {
    return Math.min(...this.all.map((keeper) => keeper.nextMomentMs(judgedAtMs)));
  }

  // ---- orders

  reload(): void {
    for (const keeper of this.all) keeper.reload();
  }

  /** `one each`: after a rest. */
  scaleBy(change: 1 | -1 | "one each"): void {
    for (const keeper of this.all) {
      keeper.scale(change === "one each" ? 1 : Math.max(1, keeper.workersWanted + change));
    }
  }

  onSuccession(): void {
    for (const { generations } of this.all) generations.onSuccession();
  }

  closeDevelopment(): void {
    for (const keeper of this.all) keeper.closeDevelopment();
  }

  /** Those that run something when they have finished. Harmless when repeated. */
  stopWorkers(): void {
    for (const { workers } of this.all) workers.stopAll();
  }

  hastenWorkers(): void {
    for (const { workers } of this.all) workers.hasten();
  }

  killWorkers(): void {
    for (const { workers } of this.all) workers.killAll("stop");
  }

  /** Of those that have no workers left to reap. */
  killForkservers(): void {
    for (const { workers, generations } of this.all)
      if (workers.pool.size === 0) generations.forkservers.kill();
  }

  close(): void {
    for (const keeper of this.all) keeper.close();
  }

  // ---- fronts

  onFrontReady(front: FrontHandle): void {
    for (const keeper of this.all) keeper.onFrontReady(front);
  }

  onFrontGone(front: FrontHandle): void {
    for (const keeper of this.all) keeper.onFrontGone(front);
  }

  onListening(): void {
    for (const keeper of this.all) keeper.onListening();
  }
}
