// The workers' lives: what each report means for the table, and how a planned action reaches a process. Judgement is
// plan.ts's; when to judge is arbiter.ts's.

import type {
  BootFailure,
  Dumped,
  Exited,
  FrontReport,
  StopMode,
  WorkerCommand,
  WorkerReport,
} from "../control/messages.ts";
import type { Log } from "../log/log.ts";
import { afterDeath, type Backoff, type Life, NO_BACKOFF } from "./backoff.ts";
import { bootFailureOf, isFailure } from "./boot-end.ts";
import { BootWatch, type ProcessSight } from "./boot-watch.ts";
import { Deaths, type WorkerExit } from "./deaths.ts";
import { EarlyWorkers } from "./early-workers.ts";
import type { ForkserverHandle } from "./forkserver-handle.ts";
import type { AppFront } from "./front-handle.ts";
import type { OomWatch } from "./oom-watch.ts";
import { type Action, overdueAtMs, type Wanted } from "./plan.ts";
import { type EndCause, Pool, type PoolWorker } from "./pool.ts";
import { StuckWorkers } from "./stuck-workers.ts";
import { Vigil, type VigilOptions, type Watched } from "./vigil.ts";
import type { WorkerHandle } from "./worker-handle.ts";
import { WorkerLinks } from "./worker-links.ts";

/** A worker whose control connection ended has this long to exit by itself. */
const ALONE_MAX_MS = 1_000;
/** What a worker said last may be read after its exit was reported: two connections, no order between them. */
const LAST_WORD_MS = 250;
/** Of questions that are the workers' own; others are numbered from 1 on. */
const VIGIL_ID = 0;
const LAST_STACKS_ID = 0;
/** Whoever is killed because it did not end, or not begin, leaves its stacks. A parent needs a moment for each. */
const KILLS_SHOWN: ReadonlySet<EndCause> = new Set(["boot-timeout", "drain-timeout", "control-lost"]);
const DUMPS_OPEN_MAX = 8;
const EXIT_UNKNOWN: WorkerExit = { code: null, signal: null, rssMax: 0 };

/** What the workers need of the rest of the arbiter. */
export interface WorkersWorld {
  readonly log: Log;
  readonly vigil: VigilOptions;
  readonly oom: OomWatch;
  nowMs(): number;
  /** The moment at which a worker that drains since `sinceMs` will be killed. */
  drainEndMs(sinceMs: number): number;
  /** Undefined while there is none that can fork. */
  forkserver(generation: number): ForkserverHandle | undefined;
  /** The front that has this seat's link, if it is ready and knows the application. */
  frontOf(nr: number): AppFront | undefined;
  /** Undefined where the machine cannot say. */
  readonly sightOf?: ((pid: number) => ProcessSight | undefined) | undefined;
  /** SIGKILL to a worker that has no living parent to do it. */
  killOrphan(pid: number): void;
  /** A worker ended, or was ended, before it was ready, and nobody wanted that. */
  onBootFailure(worker: PoolWorker, failure: BootFailure): void;
}

export class Workers {
  readonly pool: Pool = new Pool();
  readonly deaths: Deaths;
  readonly #links: WorkerLinks;
  readonly #stuck: StuckWorkers;
  readonly #bootWatch: BootWatch;
  readonly #vigil: Vigil;
  readonly #world: WorkersWorld;
  readonly #handles = new Map<number, WorkerHandle>();
  /** By age. A generation's forkserver may have been replaced; only the one that forked a worker can signal it. */
  readonly #parents = new Map<number, ForkserverHandle>();
  readonly #backoffs = new Map<number, Backoff>();
  /** By age: when a worker that has ended on one side only, exit or connection, is taken for ended. */
  readonly #alone = new Map<number, number>();
  readonly #exits = new Map<number, WorkerExit>();
  readonly #early: EarlyWorkers = new EarlyWorkers();
  #dumpsOpen = 0;

  constructor(world: WorkersWorld) {
    this.#world = world;
    this.deaths = new Deaths(world.log, world.oom);
    this.#vigil = new Vigil(world.vigil, Math.random);
    this.#bootWatch = new BootWatch(world.log);
    this.#links = new WorkerLinks(this.pool, (nr) => world.frontOf(nr), {
      send: (age, command) => this.#handles.get(age)?.send(command),
      stop: (worker, mode) => this.#sendStop(worker, mode),
    });
    this.#stuck = new StuckWorkers(this.pool, world, {
      askStacks: (age) => this.#handles.get(age)?.send({ type: "stacks", id: LAST_STACKS_ID, last: true }),
      dump: (age) => this.#dumpOf(age),
      signal: (age, signal) => this.#signal(age, signal),
      retire: (age, cause) => this.#retire(age, cause),
    });
  }

  /** From the next look on. */
  watchBy(options: VigilOptions): void {
    this.#vigil.configure(options);
  }

  get forkNotBeforeMs(): ReadonlyMap<number, number> {
    return new Map([...this.#backoffs].map(([nr, backoff]) => [nr, backoff.notBeforeMs]));
  }

  /** Development: what failed was other code. */
  forgive(): void {
    this.#backoffs.clear();
  }

  nextMomentMs(): number {
    return Math.min(
      this.deaths.nextMomentMs(),
      ...this.#alone.values(),
      this.#early.nextMomentMs(),
      this.#stuck.nextMomentMs(),
      this.#vigil.nextMomentMs(this.#watched()),
    );
  }

  onTime(): void {
    const nowMs = this.#world.nowMs();
    this.deaths.onTime(nowMs);
    for (const [age, atMs] of this.#alone) if (nowMs >= atMs) this.#endAlone(age);
    for (const { handle } of this.#early.takeLeftovers(nowMs)) this.#refuse(handle);
    this.#stuck.onTime(nowMs);
  }

  /** To be called in each turn of the loop. */
  look(): void {
    for (const finding of this.#vigil.look(this.#watched(), this.#world.nowMs())) {
      if (finding.type === "ask") this.#handles.get(finding.age)?.send({ type: "ping", id: VIGIL_ID });
      else if (finding.type === "old") this.#retire(finding.age, "max-age");
      else this.#stuck.onStuck(finding.age, finding.forMs);
    }
  }

  /** Who is not ready in time, but busy or stopped, is given more. To be called in each turn of the loop, before the plan. */
  lookAtLate(wanted: Wanted): void {
    const nowMs = this.#world.nowMs();
    for (const worker of this.pool.workers) {
      const isLate = worker.state === "booting" && worker.pid > 0 && overdueAtMs(worker, wanted) <= nowMs;
      if (!isLate) continue;
      const moment = { nowMs, bootTimeoutMs: wanted.bootTimeoutMs };
      const patienceEndMs = this.#bootWatch.judge(worker, this.#world.sightOf?.(worker.pid), moment);
      if (patienceEndMs !== undefined) this.pool.note(worker, { patienceEndMs });
    }
  }

  // ---- act

  act(action: Action): void {
    const worker = action.type === "fork" ? undefined : this.pool.get(action.age);
    if (action.type === "fork") this.#fork(action);
    else if (worker !== undefined && action.type === "drain") this.#drain(worker, action.cause);
    else if (worker !== undefined && action.type === "kill") this.kill(worker, action.cause);
  }

  /** Every worker is to end, those that run something when they have finished. Harmless when repeated. */
  stopAll(): void {
    for (const worker of this.pool.workers.filter((w) => w.state === "booting" || w.state === "ready")) {
      const draining = this.pool.enter(worker, "draining", this.#world.nowMs(), "stop");
      this.#sendStop(draining, draining.wasReady ? "graceful" : "quick");
    }
  }

  /** Those that were told to end shall not finish what they run. */
  hasten(): void {
    for (const worker of this.pool.workers) this.#sendStop(worker, "quick");
  }

  killAll(cause: EndCause): void {
    this.#stuck.hasten();
    for (const worker of this.pool.workers) if (worker.state !== "killed") this.kill(worker, cause);
  }

  kill(worker: PoolWorker, cause: EndCause): void {
    this.pool.enter(worker, "killed", this.#world.nowMs(), cause);
    const parent = this.#parents.get(worker.age);
    if (worker.pid > 0 && this.#isOrphan(worker)) this.#world.killOrphan(worker.pid);
    else if (worker.pid > 0 && parent !== undefined) this.#killByParent(worker, cause, parent);
    // It was asked for a fork and never answered: it is the forkserver that hangs.
    else if (cause === "boot-timeout") parent?.kill();
  }

  /** It obeys in this order. */
  #killByParent({ pid }: PoolWorker, cause: EndCause, parent: ForkserverHandle): void {
    if (KILLS_SHOWN.has(cause)) this.#dump(pid, parent);
    parent.signal(pid, "SIGKILL");
  }

  /** For the log. */
  #dump(pid: number, parent: ForkserverHandle): void {
    if (this.#dumpsOpen >= DUMPS_OPEN_MAX) return;
    this.#dumpsOpen += 1;
    parent.dump(pid, LAST_STACKS_ID);
  }

  #dumpOf(age: number): void {
    const [worker, parent] = [this.pool.get(age), this.#parents.get(age)];
    if (worker !== undefined && parent !== undefined && !this.#isOrphan(worker))
      this.#dump(worker.pid, parent);
  }

  #fork(seat: { readonly nr: number; readonly generation: number }): void {
    const forkserver = this.#world.forkserver(seat.generation);
    if (forkserver === undefined) return;
    const worker = this.pool.addFork({ nr: seat.nr, generation: seat.generation }, this.#world.nowMs());
    this.#parents.set(worker.age, forkserver);
    forkserver.fork(worker.nr, worker.age);
  }

  #drain(worker: PoolWorker, cause: EndCause): void {
    const draining = this.pool.enter(worker, "draining", this.#world.nowMs(), cause);
    this.#world.log.debug("worker draining", { nr: worker.nr, pid: worker.pid, cause });
    this.#links.drain(draining);
  }

  #sendStop(worker: PoolWorker, mode: StopMode): void {
    const leftMs = this.#world.drainEndMs(worker.sinceMs) - this.#world.nowMs();
    this.#handles.get(worker.age)?.send({ type: "stop", mode, graceMs: Math.max(1, Math.floor(leftMs)) });
  }

  /** False when there is no such worker, or it has no connection yet. */
  tell(pid: number, command: WorkerCommand): boolean {
    const handle = this.#handles.get(this.pool.byPid(pid)?.age ?? -1);
    handle?.send(command);
    return handle !== undefined;
  }

  /** Has the worker's parent show its stacks. False when there is no such worker, or it has no parent. */
  dump(pid: number, id: number): boolean {
    const worker = this.pool.byPid(pid);
    if (worker === undefined || this.#isOrphan(worker)) return false;
    this.#parents.get(worker.age)?.dump(pid, id);
    return true;
  }

  // ---- what the forkserver says

  onForked(forkserver: ForkserverHandle, nr: number, pid: number): void {
    if (this.pool.byPid(pid) !== undefined) return;
    const worker = this.pool.awaited(nr, forkserver.generation);
    if (worker === undefined) return;
    this.#world.log.info(`Booting worker with pid: ${pid}`, { nr });
    this.pool.note(worker, { pid, step: "interpreter" });
    if (worker.state === "killed") forkserver.signal(pid, "SIGKILL");
    this.#welcomeEarly(pid);
  }

  onExited({ pid, code, signal, rssMax }: Exited): void {
    const worker = this.pool.byPid(pid);
    if (worker === undefined) return;
    const exit = { code, signal, rssMax };
    const isControlGone = this.#alone.has(worker.age);
    if (isControlGone) this.#bury(worker, exit);
    else {
      this.#exits.set(worker.age, exit);
      this.#alone.set(worker.age, this.#world.nowMs() + LAST_WORD_MS);
    }
  }

  /** What a worker was doing when it was killed. */
  onDumped({ id, pid, text }: Dumped): void {
    if (id !== LAST_STACKS_ID) return;
    this.#dumpsOpen = Math.max(0, this.#dumpsOpen - 1);
    const worker = this.pool.byPid(pid);
    if (worker === undefined || text === "") return;
    const { nr, cause } = worker;
    this.#world.log.error("stacks of the worker that is killed", { nr, pid, cause, traceback: text });
  }

  /**
   * Its workers serve on, for they have their own connections, until successors with a living parent do. Those that have
   * no connection yet are refused when they come.
   */
  onForkserverGone(forkserver: ForkserverHandle): void {
    this.#dumpsOpen = 0;
    for (const worker of this.pool.workers.filter((w) => this.#parents.get(w.age) === forkserver)) {
      const isConnected = this.#handles.has(worker.age);
      if (isConnected) this.pool.note(worker, { isRetiring: true, retireCause: "forkserver lost" });
      else this.#buryOrphan(worker);
    }
  }

  // ---- what a worker says

  onHello(handle: WorkerHandle): void {
    const { pid } = handle.hello;
    const worker = this.pool.byPid(pid);
    if (worker === undefined) {
      this.#early.onHello(handle, this.#world.nowMs());
    } else if (this.#handles.has(worker.age)) {
      this.#refuse(handle);
    } else {
      this.#handles.set(worker.age, handle);
      if (worker.state === "draining") this.#sendStop(worker, "quick");
    }
  }

  onReport(handle: WorkerHandle, report: WorkerReport): void {
    const worker = this.#ownerOf(handle);
    if (worker === undefined) {
      this.#early.onReport(handle, report);
      return;
    }
    switch (report.type) {
      case "step":
        this.pool.note(worker, { step: report.step });
        break;
      case "ready":
        this.#onReady(worker, report);
        break;
      case "boot-failed":
        this.pool.note(worker, {
          bootFailure: report,
          step: report.step,
          cause: worker.cause ?? "boot-error",
        });
        break;
      case "retire":
        this.pool.note(worker, { isRetiring: true, retireCause: report.cause });
        break;
      case "stuck":
        this.#stuck.onStuck(worker.age, report.forMs);
        break;
      case "pong":
        if (this.#vigil.onAnswer(worker.age, report.rss)) this.#retire(worker.age, "max-rss");
        break;
      case "stacks":
        if (report.id === LAST_STACKS_ID) this.#stuck.onStacks(worker, report.text);
        break;
      case "hello":
      case "failure":
      case "modules":
        break;
    }
  }

  onControlGone(handle: WorkerHandle): void {
    this.#early.onGone(handle);
    const worker = this.#ownerOf(handle);
    if (worker === undefined) return;
    this.#handles.delete(worker.age);
    const exit = this.#exits.get(worker.age);
    if (exit !== undefined) this.#bury(worker, exit);
    else if (this.#isOrphan(worker)) this.#buryOrphan(worker);
    else this.#alone.set(worker.age, this.#world.nowMs() + ALONE_MAX_MS);
  }

  // ---- what a front says

  /** To be called once for each front. */
  onFrontReady(nr: number): void {
    this.#links.onFrontReady(nr);
  }

  onFrontReport(report: FrontReport): void {
    if (report.type === "worker-joined") this.#links.onJoined(report.pid);
    else if (report.type === "worker-drained") this.#links.onDrained(report.pid);
    else if (report.type === "worker-lost") this.deaths.onLost(report.pid, report);
    else if (report.type === "worker-worn") this.#onWorn(report.pid);
    else if (report.type === "worker-overdue") this.#stuck.onOverdue(report);
  }

  /** `isItsSeat`: which seats had their links there. */
  onFrontGone(isItsSeat: (nr: number) => boolean): void {
    this.#links.onFrontGone(isItsSeat);
  }

  #onReady(worker: PoolWorker, report: Extract<WorkerReport, { readonly type: "ready" }>): void {
    if (worker.state !== "booting") return;
    const ready = this.pool.enter(
      this.pool.note(worker, { slots: report.slots, interface: report.interface }),
      "ready",
      this.#world.nowMs(),
    );
    this.#links.onWorkerReady(ready);
  }

  // ---- recycling

  #watched(): Watched[] {
    return this.pool.workers
      .filter(({ state, isRetiring }) => state === "ready" && !isRetiring)
      .map(({ age, bornAtMs, interface: kind }) => ({ age, bornAtMs, isAsgi: kind === "asgi" }));
  }

  #onWorn(pid: number): void {
    const worker = this.pool.byPid(pid);
    if (worker !== undefined) this.#retire(worker.age, "max-requests");
  }

  /** It serves on until its successor does. */
  #retire(age: number, cause: string): void {
    const worker = this.pool.get(age);
    if (worker === undefined || worker.isRetiring) return;
    this.pool.note(worker, { isRetiring: true, retireCause: cause });
  }

  // ---- helpers

  #signal(age: number, signal: "SIGABRT" | "SIGKILL"): void {
    const worker = this.pool.get(age);
    if (worker === undefined || worker.pid === 0) return;
    if (this.#isOrphan(worker)) this.#world.killOrphan(worker.pid);
    else this.#parents.get(age)?.signal(worker.pid, signal);
  }

  #ownerOf(handle: WorkerHandle): PoolWorker | undefined {
    const worker = this.pool.byPid(handle.hello.pid);
    return worker !== undefined && this.#handles.get(worker.age) === handle ? worker : undefined;
  }

  #welcomeEarly(pid: number): void {
    const early = this.#early.take(pid);
    if (early === undefined) return;
    this.onHello(early.handle);
    for (const report of early.reports) this.onReport(early.handle, report);
  }

  #refuse(handle: WorkerHandle): void {
    const { pid, nr } = handle.hello;
    this.#early.take(pid);
    this.#world.log.warning("unknown worker refused", { pid, nr });
    handle.destroy();
  }

  #isOrphan(worker: PoolWorker): boolean {
    return this.#parents.get(worker.age)?.state === "gone";
  }

  #endAlone(age: number): void {
    this.#alone.delete(age);
    const worker = this.pool.get(age);
    const exit = this.#exits.get(age);
    if (worker === undefined) return;
    if (exit !== undefined) this.#bury(worker, exit);
    else if (worker.state !== "killed") this.kill(worker, "control-lost");
  }

  #buryOrphan(worker: PoolWorker): void {
    const exit = this.#exits.get(worker.age) ?? EXIT_UNKNOWN;
    this.#bury(this.pool.note(worker, { cause: worker.cause ?? "forkserver-lost" }), exit);
  }

  #bury(worker: PoolWorker, exit: WorkerExit): void {
    const nowMs = this.#world.nowMs();
    this.pool.remove(worker);
    this.#stuck.forget(worker.age);
    this.#bootWatch.forget(worker.age);
    this.#parents.delete(worker.age);
    this.#exits.delete(worker.age);
    this.#alone.delete(worker.age);
    this.#handles.get(worker.age)?.destroy();
    this.#handles.delete(worker.age);
    // A fork that never happened has nobody to bury.
    if (worker.pid > 0) this.deaths.onExit({ worker, exit, atMs: nowMs });
    if (!isFailure(worker)) return;
    this.#backoffs.set(
      worker.nr,
      afterDeath(this.#backoffs.get(worker.nr) ?? NO_BACKOFF, lifeOf(worker), nowMs),
    );
    if (!worker.wasReady && worker.cause !== "forkserver-lost") {
      this.#world.onBootFailure(worker, bootFailureOf(worker, exit, nowMs));
    }
  }
}

function lifeOf({ bornAtMs, state, sinceMs }: PoolWorker): Life {
  return { bornAtMs, servedSinceMs: state === "ready" ? sinceMs : undefined };
}
