// Keeps one application alive: its generations, forkservers and workers, how many there shall be, and what development knows of
// its code. When to judge, and what the server as a whole is doing, is arbiter.ts's to say.

import { unreachable } from "../base/assert.ts";
import type { AppReport, BootFailure, ForkserverReport } from "../control/messages.ts";
import { AppAnnouncer } from "./announcer.ts";
import type { AppWorld } from "./app-world.ts";
import type { AppEvent, AppOrder } from "./arbiter-ports.ts";
import type { ChildExit } from "./child.ts";
import type { ControlListener } from "./control-listener.ts";
import { type AppBroken, Development, OLD_CODE_MS } from "./development.ts";
import type { ForkserverHandle } from "./forkserver-handle.ts";
import type { FrontHandle } from "./front-handle.ts";
import { Generations, type GenerationsWorld } from "./generations.ts";
import { HeadCount, type HeadCountWorld } from "./head-count.ts";
import { nextMomentMs, plan, type Wanted } from "./plan.ts";
import type { PoolWorker } from "./pool.ts";
import type { Setup } from "./setup.ts";
import type { AppPhase, AppView } from "./view.ts";
import { vigilOptions } from "./vigil.ts";
import { Workers } from "./workers.ts";

/** Of what failed before there was a worker. */
const NO_PID = 0;

/** Until one of its workers serves, fronts answer at once. */
const DOES_NOT_START: AppBroken = {
  type: "app-broken",
  message: "the application does not start",
  hint: "",
  traceback: "",
  report: "",
};

export class AppKeeper {
  readonly name: string;
  readonly workers: Workers;
  readonly generations: Generations;
  readonly #world: AppWorld;
  readonly #announcer: AppAnnouncer;
  readonly #count: HeadCount;
  /** Only with --reload. */
  readonly #development: Development | undefined;
  #control: ControlListener | undefined;
  #hasFailed = false;
  #isRemoved = false;

  constructor(order: AppOrder, world: AppWorld) {
    const { config } = order;
    const isCheck = world.server.purpose === "check";
    this.name = order.name;
    this.#world = world;
    this.#announcer = new AppAnnouncer(world.server, world.log);
    this.#count = new HeadCount(config, { isCheck }, this.#headCountWorld());
    this.#development = isCheck ? undefined : this.#openDevelopment(order);
    this.generations = new Generations(order, this.#generationsWorld());
    this.workers = new Workers({
      vigil: vigilOptions(config),
      log: world.log,
      oom: world.oom,
      nowMs: () => world.clock.nowMs(),
      drainEndMs: (sinceMs) => Math.min(sinceMs + this.#wanted().drainTimeoutMs, world.stopDeadlineMs),
      forkserver: (generation) => this.generations.configured(generation),
      frontOf: (nr) => world.fronts.ofSeat(nr)?.of(this.name),
      killOrphan: world.ports.killOrphan,
      sightOf: world.ports.sightOf,
      onBootFailure: (worker, failure) => this.#onBootFailure(worker, failure),
    });
  }

  #headCountWorld(): HeadCountWorld {
    const keeper = this;
    const { log, clock, ports, fronts } = this.#world;
    return {
      log,
      fronts: fronts.count,
      nowMs: () => clock.nowMs(),
      get isSteady() {
        return keeper.#isWanted && keeper.phase === "serving";
      },
      get workers() {
        return keeper.workers.pool.workers;
      },
      room: (pids) => ports.roomForWorkers?.(pids) ?? Number.POSITIVE_INFINITY,
      onScale: (workers) => this.generations.onScale(workers),
    };
  }

  #generationsWorld(): GenerationsWorld {
    const keeper = this;
    const { server, ports, log } = this.#world;
    return {
      announcer: this.#announcer,
      server,
      ports: { ...ports, log },
      get isRunning() {
        return keeper.#isWanted;
      },
      get workersWanted() {
        return keeper.#count.wanted;
      },
      get workers() {
        return keeper.workers.pool.workers;
      },
      get meeting() {
        return keeper.#control?.meeting;
      },
      take: (event) => this.#world.take(event),
      whenFrontsHaveObeyed: (act) => this.#world.whenFrontsHaveObeyed(act),
      admit: (wanted, onAdmitted) => this.#world.admit(wanted, onAdmitted),
      onSetup: ({ config }) => this.#count.configure(config),
      onNeverServed: (exitCode) => this.#onNeverServed(exitCode),
      onBroken: (failure) => this.#development?.broke(NO_PID, failure),
    };
  }

  async open(): Promise<void> {
    this.#control = await this.#world.ports.openControl({
      onHello: (from) => this.#world.take({ type: "worker-hello", from }),
      onReport: (from, report) => this.#world.take({ type: "worker-report", from, report }),
      onGone: (from) => this.#world.take({ type: "worker-gone", from }),
    });
    this.generations.start();
  }

  get phase(): AppPhase {
    if (this.#isRemoved) return "removed";
    const { proven, coming } = this.generations;
    if (proven === 0) return this.#hasFailed ? "failing" : "starting";
    return coming === undefined ? "serving" : "reloading";
  }

  /** A new generation is being brought up that is not one try of many. */
  get isUnsettled(): boolean {
    return this.phase === "starting" || this.phase === "reloading";
  }

  get isDevelopment(): boolean {
    return this.#development !== undefined;
  }

  /** What it runs with, or will if all goes well. */
  get setup(): Setup {
    return this.generations.setup;
  }

  /** What it serves with now. */
  get served(): Setup {
    return this.generations.served;
  }

  get workersWanted(): number {
    return this.#count.wanted;
  }

  /** Nothing is left of it. */
  get isGone(): boolean {
    return this.workers.pool.size === 0 && this.generations.forkservers.isEmpty;
  }

  view(): AppView {
    return {
      name: this.name,
      target: this.setup.config.app,
      phase: this.phase,
      isDegraded: this.generations.isDegraded,
      generation: this.generations.proven,
      workersWanted: this.#count.wanted,
      ...this.#count.bounds,
      workers: this.workers.pool.workers,
      exits: this.workers.deaths.counts,
    };
  }

  // ---- a turn of the loop: observe, then act

  observe(event: AppEvent): void {
    switch (event.type) {
      case "file-changed":
        this.#onFileChanged(event.file);
        break;
      case "admitted":
        this.generations.onAdmitted(event.from, event.problems);
        break;
      case "forkserver-report":
        this.#onForkserverReport(event.from, event.report);
        break;
      case "forkserver-gone":
        this.#onForkserverGone(event.from, event.exit);
        break;
      case "worker-hello":
        this.workers.onHello(event.from);
        break;
      case "worker-report":
        this.#development?.onReport(event.from.hello.pid, event.report);
        this.workers.onReport(event.from, event.report);
        break;
      case "worker-gone":
        this.workers.onControlGone(event.from);
        break;
      default:
        unreachable(event);
    }
  }

  /** True, once for each, when the first start or a reload is done. */
  settle(): boolean {
    const isSettled = this.generations.settle();
    if (isSettled) this.workers.watchBy(vigilOptions(this.served.config));
    return isSettled;
  }

  /** Before the fronts are looked at. */
  prepare(nowMs: number): void {
    if (this.#isWanted) this.generations.tryAgain(nowMs);
    this.#count.adapt(nowMs);
    const isServing = this.#world.isServing && !this.#isRemoved;
    if (isServing) this.workers.look();
    this.generations.release({ isServing });
  }

  act(nowMs: number): void {
    if (this.#world.isServing) this.generations.forkservers.tend(nowMs);
    this.workers.lookAtLate(this.#wanted());
    for (const action of plan(this.workers.pool.workers, this.#wanted(), nowMs)) this.workers.act(action);
  }

  /** `judgedAtMs`: the plan's present. A moment that came since then has not been acted upon: it is due at once. */
  nextMomentMs(judgedAtMs: number): number {
    return Math.min(
      nextMomentMs(this.workers.pool.workers, this.#wanted(), judgedAtMs) ?? Number.POSITIVE_INFINITY,
      this.workers.nextMomentMs(),
      this.generations.nextMomentMs(),
      this.#count.nextMomentMs(),
    );
  }

  get #isWanted(): boolean {
    return this.#world.isRunning && !this.#isRemoved;
  }

  #wanted(): Wanted {
    const { config } = this.setup;
    const development = this.#development;
    const seats = this.#hasSeats ? this.#count.wanted : 0;
    const backoff = this.workers.forkNotBeforeMs;
    return {
      workers: seats,
      generation: this.generations.wanted,
      surgeMax: this.#surgeMax,
      bootTimeoutMs: config.bootTimeoutMs,
      drainTimeoutMs: Math.min(config.gracefulTimeoutMs, development === undefined ? Infinity : OLD_CODE_MS),
      forkNotBeforeMs: development?.forkNotBeforeMs(seats, backoff) ?? backoff,
      isExclusive: development !== undefined,
    };
  }

  /** Who stops replaces nobody that still serves. */
  get #surgeMax(): number {
    if (!this.#isWanted) return 0;
    const isReloading = this.generations.coming !== undefined;
    return isReloading ? this.#count.wanted : Math.ceil(this.#count.wanted / 4);
  }

  get #hasSeats(): boolean {
    const isBroken = this.#development?.breakage !== undefined;
    const isIdle = this.#isRemoved || this.generations.isWaiting;
    return this.#world.isServing && !this.#world.isAway && !isBroken && !isIdle;
  }

  // ---- orders

  scale(workers: number): void {
    this.#count.scale(workers);
  }

  /** New code, with `setup` or with what is read again. */
  reload(setup?: Setup): void {
    if (!this.#isWanted) return;
    const development = this.#development;
    const isBegun = this.generations.begin({ replaces: development !== undefined, setup });
    if (!isBegun || development === undefined) return;
    development.startsAnew();
    this.workers.forgive();
  }

  /** A generation that has never served is tried again later. */
  giveUp(nowMs: number): void {
    this.#hasFailed = true;
    this.generations.giveUp(nowMs);
    this.#world.fronts.tellApp(this.name, DOES_NOT_START);
  }

  /** It is served no more: its workers finish what they run, and nothing comes after them. */
  remove(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    this.#announcer.removed();
    this.closeDevelopment();
  }

  closeDevelopment(): void {
    this.#development?.close();
  }

  close(): void {
    this.workers.deaths.flush();
    this.generations.forkservers.kill();
    this.#control?.close();
  }

  #onNeverServed(exitCode: number): void {
    if (this.#isWanted) this.#world.onNeverServed(exitCode);
  }

  // ---- children

  #onForkserverReport(from: ForkserverHandle, report: ForkserverReport): void {
    if (report.type === "forked") this.workers.onForked(from, report.nr, report.pid);
    else if (report.type === "exited") this.workers.onExited(report);
    else if (report.type === "dumped") this.workers.onDumped(report);
    else this.generations.onReport(from, report);
  }

  #onForkserverGone(from: ForkserverHandle, exit: ChildExit): void {
    this.generations.forkservers.onGone(from, this.#world.clock.nowMs());
    this.workers.onForkserverGone(from);
    this.generations.onForkserverGone(from, exit);
  }

  /** The front has just said where this application's workers attach. */
  onFrontReady(front: FrontHandle): void {
    const breakage = this.phase === "failing" ? DOES_NOT_START : this.#development?.breakage;
    if (breakage !== undefined) front.tellApp(this.name, breakage);
    this.workers.onFrontReady(front.nr);
  }

  onFrontReport(front: FrontHandle, report: AppReport): void {
    if (report.type === "pressure") this.#count.onPressure(front, report);
    else this.workers.onFrontReport(report);
  }

  onFrontGone(front: FrontHandle): void {
    this.#count.onFrontGone(front);
    this.workers.onFrontGone((nr) => this.#world.fronts.nrOfSeat(nr) === front.nr);
  }

  /** The fronts listen. */
  onListening(): void {
    this.#announcer.using(this.setup.config);
  }

  // ---- development

  #openDevelopment({ config, source }: AppOrder): Development | undefined {
    const { log, fronts, ports, siteFiles } = this.#world;
    if (ports.watchFiles === undefined || !config.reload.isOn) return undefined;
    const extraFiles = [...config.reload.extraFiles, ...siteFiles, ...(source?.files ?? [])];
    return new Development({ ...config.reload, extraFiles }, ports.watchFiles, {
      log,
      onChange: (file) => this.#world.take({ type: "file-changed", file }),
      tell: (state) => fronts.tellApp(this.name, state),
    });
  }

  /** What was not forked yet will run the changed file anyway. */
  #onFileChanged(file: string): void {
    const development = this.#development;
    if (development === undefined || !this.#isWanted) return;
    development.postpone(this.#world.clock.nowMs());
    const { newest } = this.generations;
    const isUsed = this.workers.pool.workers.some(({ generation }) => generation === newest);
    if (!isUsed && development.breakage === undefined && !this.generations.isWaiting) return;
    this.#announcer.changed(file);
    if (this.#world.siteFiles.includes(file)) this.#world.reloadSite();
    else this.reload();
  }

  #onBootFailure(worker: PoolWorker, failure: BootFailure): void {
    if (!this.#isWanted) return;
    this.#announcer.bootFailed(worker.nr, failure);
    if (this.#development === undefined) this.generations.onBootFailure(worker, failure);
    else if (worker.generation === this.generations.newest) this.#development.broke(worker.pid, failure);
  }
}
