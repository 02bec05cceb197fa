// The process that keeps others alive: observe → plan → act, one event at a time. It never touches a request.

import { unreachable } from "../base/assert.ts";
import { Deferred } from "../base/deferred.ts";
import type { Clock, Timer } from "../base/ports.ts";
import type { Config } from "../config/config.ts";
import type {
  BootFailure,
  Evaluated,
  ForkserverReport,
  FrontReport,
  HookCall,
  WorkerReport,
} from "../control/messages.ts";
import type { Log } from "../log/log.ts";
import { Announcer } from "./announcer.ts";
import type { ChildExit, ChildSpec, SpawnChild } from "./child.ts";
import type { ControlListener } from "./control-listener.ts";
import { Development, OLD_CODE_MS } from "./development.ts";
import { Elastic } from "./elastic.ts";
import { ForkserverHandle, pythonSettings } from "./forkserver-handle.ts";
import { Forkservers } from "./forkservers.ts";
import { FrontHandle } from "./front-handle.ts";
import { Fronts } from "./fronts.ts";
import type { Listener } from "./listeners.ts";
import { nextMomentMs, plan, type Wanted } from "./plan.ts";
import type { PoolWorker } from "./pool.ts";
import { Questions } from "./questions.ts";
import {
  beginReload,
  FIRST_START,
  fail,
  isNeeded,
  type Reload,
  replace,
  succeed,
  wantedGeneration,
} from "./reload.ts";
import { ServerHooks } from "./server-hooks.ts";
import { type AdoptForkserver, changedButFixed, type Setup, type SetupSource } from "./setup.ts";
import type { ArbiterSignal } from "./signals.ts";
import {
  frontGraceMs,
  isTaking,
  onStopSignal,
  onStopTime,
  RUNNING,
  type Stop,
  type StopLevel,
  stopQuickly,
} from "./stop.ts";
import type { ArbiterView, Phase } from "./view.ts";
import { vigilOptions } from "./vigil.ts";
import type { Watch } from "./watcher.ts";
import type { WorkerHandle, WorkerSink } from "./worker-handle.ts";
import { Workers } from "./workers.ts";

/** A timer so much too late means that this process was stopped, or the machine asleep: nobody else is overdue. */
const ASLEEP_MIN_MS = 1_000;

export interface ArbiterOptions {
  readonly config: Config;
  readonly cfg: Setup["cfg"];
  /** Where a reload finds its settings; without one they stay. */
  readonly source?: SetupSource | undefined;
  /** Gives the first forkserver, where it had to run before the listeners were opened. */
  readonly adoptForkserver?: AdoptForkserver | undefined;
  readonly version: string;
  /** `check` boots one worker without listeners and fronts, and ends. */
  readonly purpose: "serve" | "check";
  readonly listeners: readonly Listener[];
  readonly forkserverSpec: ChildSpec;
  readonly frontSpec: Omit<ChildSpec, "fds">;
}

export interface ArbiterPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly spawn: SpawnChild;
  openControl(sink: WorkerSink): Promise<ControlListener>;
  /** SIGKILL to a worker whose forkserver is dead and whose control connection is open. */
  killOrphan(pid: number): void;
  /** A name that nobody can guess. The folder is made by who needs it. */
  nameBodyFolder(): string;
  removeFolder(path: string): void;
  reopenLogs(): void;
  /** How many processes of this control group the kernel has killed for memory. */
  readonly oomKills?: () => number | undefined;
  /** A new server on the same sockets (SIGUSR2). */
  readonly succession?: { begin(): void; readonly isUnderWay: boolean };
  /** Only asked with --reload. */
  readonly watchFiles?: Watch;
  /** Told after each turn of the loop. */
  watch?(view: ArbiterView): void;
  /** Whether memory holds one more worker like these. */
  hasRoom?(pids: readonly number[]): boolean;
}

/** How long a child may take to answer a question. */
const ANSWER_MS = 1_000;

type ArbiterEvent =
  | { readonly type: "start" }
  | { readonly type: "time" }
  | { readonly type: "signal"; readonly signal: ArbiterSignal }
  | { readonly type: "file-changed"; readonly file: string }
  | { readonly type: "scale"; readonly workers: number }
  | { readonly type: "forkserver-report"; readonly from: ForkserverHandle; readonly report: ForkserverReport }
  | { readonly type: "forkserver-gone"; readonly from: ForkserverHandle; readonly exit: ChildExit }
  | { readonly type: "front-report"; readonly from: FrontHandle; readonly report: FrontReport }
  | { readonly type: "front-gone"; readonly from: FrontHandle; readonly exit: ChildExit }
  | { readonly type: "worker-hello"; readonly from: WorkerHandle }
  | { readonly type: "worker-report"; readonly from: WorkerHandle; readonly report: WorkerReport }
  | { readonly type: "worker-gone"; readonly from: WorkerHandle };

export class Arbiter {
  readonly #options: ArbiterOptions;
  readonly #ports: ArbiterPorts;
  readonly #announcer: Announcer;
  readonly #workers: Workers;
  readonly #fronts: Fronts;
  readonly #forkservers: Forkservers;
  readonly #questions: Questions;
  readonly #elastic: Elastic;
  readonly #hooks: ServerHooks = new ServerHooks();
  /** Only with --reload. */
  readonly #development: Development | undefined;
  readonly #done = new Deferred<number>();
  readonly #queue: ArbiterEvent[] = [];
  #turn: "idle" | "taking" | "over" = "idle";
  #control: ControlListener | undefined;
  #reload: Reload = FIRST_START;
  #isDegraded = false;
  #stop: Stop = RUNNING;
  /** By generation. */
  readonly #setups = new Map<number, Setup>();
  /** Once. */
  #adoptForkserver: AdoptForkserver | undefined;
  #workersWanted: number;
  #exitCode = 0;
  /** After SIGWINCH: neither fronts nor workers. */
  #isResting = false;
  #timer: Timer | undefined;
  #asleepMs = 0;

  constructor(options: ArbiterOptions, ports: ArbiterPorts) {
    const isCheck = options.purpose === "check";
    this.#options = options;
    this.#ports = ports;
    this.#announcer = new Announcer(options, ports.log);
    this.#questions = new Questions(ports.clock);
    const { workersMin: min, workersMax: max, workersIdleMs: idleMs } = options.config;
    this.#elastic = new Elastic({ min, max: isCheck ? min : max, idleMs }, ports.clock.nowMs());
    this.#workersWanted = isCheck ? 1 : options.config.workers;
    this.#development = isCheck ? undefined : this.#openDevelopment();
    this.#setups.set(FIRST_START.newest, options);
    this.#adoptForkserver = options.adoptForkserver;
    this.#fronts = new Fronts(isCheck ? 0 : options.config.fronts, (nr) => this.#makeFront(nr));
    this.#forkservers = new Forkservers((generation) => this.#makeForkserver(generation));
    this.#workers = new Workers({
      vigil: vigilOptions(options.config),
      log: ports.log,
      nowMs: () => this.#nowMs(),
      drainEndMs: (sinceMs) => Math.min(sinceMs + this.#wanted().drainTimeoutMs, this.#stop.deadlineMs),
      forkserver: (generation) => this.#forkservers.configured(generation),
      frontOf: (nr) => this.#fronts.ofSeat(nr),
      killOrphan: ports.killOrphan,
      oomKills: ports.oomKills,
      onBootFailure: (worker, failure) => this.#onBootFailure(worker, failure),
    });
  }

  /** Resolves with the exit code when nothing is left. */
  async run(): Promise<number> {
    this.#announcer.starting();
    this.#control = await this.#ports.openControl({
      onHello: (from) => this.#take({ type: "worker-hello", from }),
      onReport: (from, report) => this.#take({ type: "worker-report", from, report }),
      onGone: (from) => this.#take({ type: "worker-gone", from }),
    });
    this.#forkservers.add(FIRST_START.newest);
    this.#take({ type: "start" });
    return this.#done.promise;
  }

  signal(signal: ArbiterSignal): void {
    this.#take({ type: "signal", signal });
  }

  /** Between the bounds of this server, or as many as are wanted where it has none. */
  scale(workers: number): void {
    this.#take({ type: "scale", workers });
  }

  view(): ArbiterView {
    return {
      phase: this.#phase(),
      isDegraded: this.#isDegraded,
      generation: this.#reload.proven,
      workersWanted: this.#workersWanted,
      workers: this.#workers.pool.workers,
      fronts: this.#fronts.all.map(({ nr, pid, state }) => ({ nr, pid, state })),
    };
  }

  /** Each front's answer, undefined for those that gave none in time. */
  askFronts(type: "status" | "requests", timeoutMs: number = ANSWER_MS): Promise<unknown[]> {
    return Promise.all(
      this.#fronts.all.map((front) => this.#questions.ask(front.pid, (id) => front.ask(type, id), timeoutMs)),
    );
  }

  /** The worker's answer; undefined when there is no such worker or it gave none in time. */
  askWorker(pid: number, type: "ping" | "stacks"): Promise<unknown> {
    return this.#questions.ask(
      pid,
      (id) => {
        if (!this.#workers.tell(pid, { type, id })) this.#questions.answer(pid, id, undefined);
      },
      ANSWER_MS,
    );
  }

  /** Says something to a Unix datagram socket. It is lost while no forkserver listens. */
  sendDatagram(address: string, text: string): void {
    this.#forkservers.listening?.sendDatagram(address, text);
  }

  #phase(): Phase {
    if (this.#stop.level === "leaving") return "leaving";
    if (this.#stop.level !== "running") return "stopping";
    if (this.#reload.proven === 0) return "starting";
    return this.#reload.coming === undefined ? "serving" : "reloading";
  }

  // ---- the loop

  #take(event: ArbiterEvent): void {
    this.#queue.push(event);
    if (this.#turn !== "idle") return;
    this.#turn = "taking";
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      this.#observe(next);
      if (this.#queue.length === 0) this.#act();
    }
    if (this.#isOver()) this.#finish();
    else this.#turn = "idle";
  }

  #observe(event: ArbiterEvent): void {
    switch (event.type) {
      case "start":
        break;
      case "time":
        this.#workers.onTime();
        break;
      case "signal":
        this.#onSignal(event.signal);
        break;
      case "file-changed":
        this.#onFileChanged(event.file);
        break;
      case "scale":
        this.#scale(event.workers);
        break;
      case "forkserver-report":
        this.#onForkserverReport(event.from, event.report);
        break;
      case "forkserver-gone":
        this.#onForkserverGone(event.from, event.exit);
        break;
      case "front-report":
        this.#onFrontReport(event.from, event.report);
        break;
      case "front-gone":
        this.#onFrontGone(event.from, event.exit);
        break;
      case "worker-hello":
        this.#workers.onHello(event.from);
        break;
      case "worker-report":
        this.#onAnswer(event.from.hello.pid, event.report);
        this.#onDeveloperReport(event.from.hello.pid, event.report);
        this.#workers.onReport(event.from, event.report);
        break;
      case "worker-gone":
        this.#workers.onControlGone(event.from);
        break;
      default:
        unreachable(event);
    }
  }

  #act(): void {
    const nowMs = this.#nowMs();
    this.#enterStop(onStopTime(this.#stop, nowMs));
    this.#settleReload();
    this.#adapt(nowMs);
    if (this.#isServing()) this.#workers.look();
    this.#releaseForkservers();
    this.#fronts.tend(nowMs);
    if (this.#isServing()) this.#forkservers.tend(nowMs);
    if (this.#stop.level === "graceful" && this.#fronts.isEmpty) this.#workers.stopAll();
    for (const action of plan(this.#workers.pool.workers, this.#wanted(), nowMs)) this.#workers.act(action);
    this.#schedule(nowMs);
    this.#ports.watch?.(this.view());
  }

  /** During a reload numbers stay: they are what it is measured by. */
  get #isAdapting(): boolean {
    return this.#phase() === "serving" && this.#elastic.isElastic;
  }

  #adapt(nowMs: number): void {
    if (!this.#isAdapting) return;
    const wanted = this.#workersWanted;
    const serving = this.#workers.pool.workers.filter(({ isServing }) => isServing);
    const judged = this.#elastic.judge({
      wanted,
      serving: serving.length,
      slots: serving[0]?.slots ?? 1,
      nowMs,
      hasRoom: () => this.#ports.hasRoom?.(serving.map(({ pid }) => pid)) ?? true,
    });
    if (judged === wanted) return;
    this.#ports.log.info("number of workers changed", { from: wanted, to: judged });
    this.#scale(judged);
  }

  #wanted(): Wanted {
    const { config } = this.#setup;
    const isReloading = this.#reload.coming !== undefined;
    const development = this.#development;
    const isBroken = development?.breakage !== undefined;
    const isAway = isBroken || (this.#isResting && this.#fronts.isEmpty);
    const seats = this.#isServing() && !isAway ? this.#workersWanted : 0;
    const backoff = this.#workers.forkNotBeforeMs;
    return {
      workers: seats,
      generation: wantedGeneration(
        this.#reload,
        (generation) => this.#forkservers.configured(generation) !== undefined,
      ),
      surgeMax: isReloading ? this.#workersWanted : Math.ceil(this.#workersWanted / 4),
      bootTimeoutMs: config.bootTimeoutMs,
      drainTimeoutMs: Math.min(config.gracefulTimeoutMs, development === undefined ? Infinity : OLD_CODE_MS),
      forkNotBeforeMs: development?.forkNotBeforeMs(seats, backoff) ?? backoff,
      isExclusive: development !== undefined,
    };
  }

  /** The newest that may still come true. */
  get #setup(): Setup {
    const { coming, proven } = this.#reload;
    return this.#setups.get(coming ?? proven) ?? this.#setups.get(proven) ?? this.#options;
  }

  /** While fronts finish requests, the workers that they need are kept. */
  #isServing(): boolean {
    return isTaking(this.#stop.level) || (this.#stop.level === "graceful" && !this.#fronts.isEmpty);
  }

  /** `judgedAtMs`: the plan's present. A moment that came since then has not been acted upon: it is due at once. */
  #schedule(judgedAtMs: number): void {
    const momentMs = Math.min(
      nextMomentMs(this.#workers.pool.workers, this.#wanted(), judgedAtMs) ?? Number.POSITIVE_INFINITY,
      this.#workers.nextMomentMs(),
      this.#fronts.nextMomentMs(),
      this.#forkservers.nextMomentMs(),
      this.#stop.deadlineMs,
      this.#isAdapting ? this.#elastic.nextMomentMs(this.#workersWanted) : Number.POSITIVE_INFINITY,
    );
    this.#timer?.cancel();
    if (!Number.isFinite(momentMs)) return;
    const delayMs = Math.max(0, momentMs - this.#nowMs());
    this.#timer = this.#ports.clock.after(delayMs, () => this.#onTimer(momentMs));
  }

  #onTimer(dueMs: number): void {
    const lateMs = this.#nowMs() - dueMs;
    if (lateMs > ASLEEP_MIN_MS) {
      this.#asleepMs += lateMs;
      this.#ports.log.warning("the arbiter did not run for a while", { seconds: Math.round(lateMs / 1_000) });
    }
    this.#take({ type: "time" });
  }

  /** Time in which this process could run: while it was stopped, no deadline came closer. */
  #nowMs(): number {
    return this.#ports.clock.nowMs() - this.#asleepMs;
  }

  // ---- signals, stop

  #onSignal(signal: ArbiterSignal): void {
    this.#ports.log.info(`Handling signal: ${signal.slice(3).toLowerCase()}`);
    switch (signal) {
      case "SIGTERM":
      case "SIGINT":
      case "SIGQUIT":
        this.#enterStop(onStopSignal(this.#stop, signal, this.#setup.config, this.#nowMs()));
        break;
      case "SIGHUP":
        this.#resume();
        this.#beginReload();
        break;
      case "SIGTTIN":
        this.#scale(this.#resume() ? 1 : this.#workersWanted + 1);
        break;
      case "SIGTTOU":
        this.#scale(Math.max(1, this.#workersWanted - 1));
        break;
      case "SIGUSR1":
        this.#ports.reopenLogs();
        this.#fronts.reopenLogs();
        break;
      case "SIGUSR2":
        if (this.#stop.level === "running") this.#beginSuccession();
        break;
      case "SIGWINCH":
        this.#rest();
        break;
      default:
        unreachable(signal);
    }
  }

  #beginSuccession(): void {
    const { succession } = this.#ports;
    if (succession?.isUnderWay === false) this.#callHooks(this.#hooks.ofSuccession());
    succession?.begin();
  }

  /** In the forkserver of the generation that serves. */
  #callHooks(calls: readonly HookCall[]): void {
    const forkserver = this.#forkservers.configured(this.#reload.proven);
    for (const call of calls) {
      if (forkserver !== undefined) forkserver.callHook(call);
      else if (this.#options.source?.evaluate !== undefined)
        this.#ports.log.warning("hook not called: the forkserver is not ready", { hook: call.name });
    }
  }

  /** Terminals send this signal when their size changes: it means something in the background, or beside a new server. */
  #rest(): void {
    const isMeant = this.#options.config.isDaemon || this.#ports.succession?.isUnderWay === true;
    if (!isMeant || this.#stop.level !== "running") return;
    this.#isResting = true;
    this.#fronts.rest(frontGraceMs(this.#setup.config.gracefulTimeoutMs));
  }

  #resume(): boolean {
    const wasResting = this.#isResting;
    this.#isResting = false;
    this.#fronts.resume();
    return wasResting;
  }

  #scale(workers: number): void {
    this.#workersWanted = workers;
    if (this.#forkservers.configured(this.#reload.proven) !== undefined)
      this.#callHooks(this.#hooks.ofScale(workers));
  }

  #enterStop(stop: Stop): void {
    if (stop.level === this.#stop.level) return;
    const wasTaking = isTaking(this.#stop.level);
    this.#stop = stop;
    this.#development?.close();
    this.#announcer.stopping(stop.level);
    // Closed first: a client that comes now is refused, or finds the next server.
    if (wasTaking && !isTaking(stop.level)) for (const listener of this.#options.listeners) listener.close();
    this.#orderStop(stop.level);
  }

  #orderStop(level: StopLevel): void {
    switch (level) {
      case "running":
        break;
      case "leaving":
        this.#fronts.leave();
        break;
      case "graceful":
        this.#fronts.drain(frontGraceMs(this.#stop.deadlineMs - this.#nowMs()), { quick: false });
        break;
      case "quick":
        this.#fronts.drain(0, { quick: true });
        this.#workers.stopAll();
        this.#workers.hasten();
        break;
      case "kill":
        this.#fronts.kill();
        this.#workers.killAll("stop");
        break;
      default:
        unreachable(level);
    }
  }

  #fatal(exitCode: number): void {
    if (this.#stop.level !== "running") return;
    this.#exitCode = this.#options.purpose === "check" ? 1 : exitCode;
    this.#enterStop(stopQuickly(this.#nowMs()));
  }

  #isOver(): boolean {
    const { level, deadlineMs } = this.#stop;
    if (isTaking(level)) return false;
    if (level === "kill" && this.#nowMs() >= deadlineMs) return true;
    return this.#fronts.isEmpty && this.#workers.pool.size === 0 && this.#forkservers.isEmpty;
  }

  #finish(): void {
    this.#turn = "over";
    this.#timer?.cancel();
    this.#workers.deaths.flush();
    this.#forkservers.kill();
    this.#control?.close();
    this.#announcer.ended();
    this.#done.resolve(this.#exitCode);
  }

  // ---- reload

  #beginReload(): void {
    if (this.#stop.level !== "running" || (this.#reload.proven === 0 && this.#development === undefined))
      return;
    const { source } = this.#options;
    const isRead = source?.evaluate !== undefined || this.#readSetup(this.#reload.newest + 1, undefined);
    if (!isRead) {
      this.#isDegraded = true;
      this.#announcer.reloadFailed(this.#reload.proven);
      return;
    }
    this.#reload = this.#development === undefined ? beginReload(this.#reload) : this.#replaceCode();
    if (source?.evaluate === undefined) this.#resetWorkers();
    this.#forkservers.add(this.#reload.newest);
  }

  // ---- development

  #openDevelopment(): Development | undefined {
    const { watchFiles, log } = this.#ports;
    if (watchFiles === undefined || !this.#options.config.reload.isOn) return undefined;
    const { reload } = this.#options.config;
    return new Development(reload, watchFiles, (file) => this.#take({ type: "file-changed", file }), log);
  }

  /** What was not forked yet will run the changed file anyway. */
  #onFileChanged(file: string): void {
    const development = this.#development;
    if (development === undefined || this.#stop.level !== "running") return;
    development.postpone(this.#nowMs());
    const isUsed = this.#workers.pool.workers.some(({ generation }) => generation === this.#reload.newest);
    if (!isUsed && development.breakage === undefined) return;
    this.#announcer.changed(file);
    this.#beginReload();
  }

  #replaceCode(): Reload {
    this.#development?.startsAnew();
    this.#workers.forgive();
    this.#fronts.tellApp({ type: "app-mended" });
    return replace(this.#reload);
  }

  #onDeveloperReport(pid: number, report: WorkerReport): void {
    if (report.type === "modules") this.#development?.addModules(report.files);
    else if (report.type === "failure") this.#development?.noteReport(pid, report.report);
  }

  /** As gunicorn does; an elastic number is the load's to say. */
  #resetWorkers(): void {
    if (!this.#elastic.isElastic) this.#workersWanted = this.#setup.config.workers;
  }

  /** False, and said why, when the configuration cannot be used. */
  #readSetup(generation: number, evaluated: Evaluated | undefined): boolean {
    const { source, config } = this.#options;
    const reading = source?.read(evaluated) ?? { ok: true, setup: this.#setup, warnings: [] };
    if (!reading.ok) {
      for (const problem of reading.problems) this.#ports.log.error(problem);
      return false;
    }
    for (const warning of reading.warnings) this.#ports.log.warning(warning);
    const names = changedButFixed(config, reading.setup.config);
    if (names.length > 0) this.#announcer.needsRestart(names);
    this.#setups.set(generation, reading.setup);
    return true;
  }

  #settleReload(): void {
    const { coming } = this.#reload;
    if (coming === undefined || this.#stop.level !== "running" || !this.#isServedBy(coming)) return;
    const isFirst = this.#reload.proven === 0;
    this.#reload = succeed(this.#reload);
    this.#isDegraded = false;
    if (isFirst) this.#announcer.ready(this.#workers.pool.workers);
    else this.#announcer.reloaded(coming);
    if (this.#options.purpose === "check") this.#enterStop(stopQuickly(this.#nowMs()));
  }

  #isServedBy(generation: number): boolean {
    const isCheck = this.#options.purpose === "check";
    const seats = this.#workers.pool.workers
      .filter((worker) => worker.generation === generation)
      .filter((worker) => (isCheck ? worker.state === "ready" : worker.isServing))
      .map((worker) => worker.nr);
    return new Set(seats).size >= this.#workersWanted;
  }

  /** A forkserver that is not needed ends with its last worker; one that died is not made again. */
  #releaseForkservers(): void {
    const { workers } = this.#workers.pool;
    for (const generation of this.#forkservers.generations) {
      const isNeededNow = this.#isServing() && isNeeded(this.#reload, generation);
      const isParent = workers.some((worker) => worker.generation === generation);
      const isDead = this.#forkservers.get(generation) === undefined;
      if (isNeededNow || (isParent && !isDead)) continue;
      this.#forkservers.release(generation, this.#lastCalls(generation));
      this.#setups.delete(generation);
    }
    if (this.#stop.level === "kill" && workers.length === 0) this.#forkservers.kill();
  }

  /** The master's last word is its on_exit, and said once. */
  #lastCalls(generation: number): HookCall[] {
    const { proven, coming } = this.#reload;
    const isLast = this.#stop.level !== "running" && generation === (proven === 0 ? coming : proven);
    return isLast && this.#options.purpose === "serve" ? this.#hooks.ofEnd() : [];
  }

  #onBootFailure(worker: PoolWorker, failure: BootFailure): void {
    if (this.#stop.level !== "running") return;
    this.#announcer.bootFailed(worker.nr, failure);
    if (this.#development !== undefined) this.#onBroken(worker, failure, this.#development);
    else if (this.#reload.proven === 0) this.#fatal(failure.exitCode);
    else if (worker.generation === this.#reload.coming) this.#failReload();
  }

  #onBroken(worker: PoolWorker, failure: BootFailure, development: Development): void {
    if (worker.generation === this.#reload.newest)
      this.#fronts.tellApp(development.broke(worker.pid, failure));
  }

  #failReload(): void {
    this.#reload = fail(this.#reload);
    this.#isDegraded = true;
    this.#announcer.reloadFailed(this.#reload.proven);
  }

  // ---- forkservers and fronts

  #makeForkserver(generation: number): ForkserverHandle {
    const { forkserverSpec: spec, source } = this.#options;
    const adopt = this.#adoptForkserver;
    this.#adoptForkserver = undefined;
    const evaluate = adopt === undefined ? source?.evaluate : undefined;
    const order = { generation, spec, evaluate, bootTimeoutMs: this.#setup.config.bootTimeoutMs };
    const sink = {
      onForkserverReport: (from: ForkserverHandle, report: ForkserverReport) =>
        this.#take({ type: "forkserver-report", from, report }),
      onForkserverGone: (from: ForkserverHandle, exit: ChildExit) =>
        this.#take({ type: "forkserver-gone", from, exit }),
    };
    const spawn: SpawnChild = adopt === undefined ? this.#ports.spawn : (_, childSink) => adopt(childSink);
    const handle = new ForkserverHandle(order, spawn, sink, this.#ports);
    if (evaluate === undefined) this.#configure(handle, this.#setup);
    return handle;
  }

  #configure(handle: ForkserverHandle, { config, cfg }: Setup): void {
    const { version, listeners, purpose } = this.#options;
    handle.configure({
      type: "configure",
      settings: pythonSettings(config, this.#workersWanted, version),
      control: this.#control?.meeting ?? { address: "", token: "" },
      generation: handle.generation,
      cfg,
      listeners: listeners.map((listener) => listener.inherited.address),
      arbiter: { pid: process.pid, workers: this.#workersWanted },
      calls: purpose === "check" ? [] : this.#hooks.ofStart(handle.generation, this.#workersWanted),
    });
  }

  #onEvaluated(from: ForkserverHandle, report: Evaluated): void {
    const known = this.#setups.get(from.generation);
    if (known !== undefined && report.failure === null) {
      this.#configure(from, known);
      return;
    }
    if (known === undefined && this.#readSetup(from.generation, report)) {
      if (from.generation === this.#reload.coming) this.#resetWorkers();
      this.#configure(from, this.#setups.get(from.generation) ?? this.#setup);
    } else if (from.generation === this.#reload.coming) this.#failReload();
    else from.kill();
  }

  #makeFront(nr: number): FrontHandle {
    const { config, frontSpec: spec, listeners } = this.#options;
    const order = {
      nr,
      generation: this.#reload.newest,
      spec,
      config,
      listeners: listeners.map((listener) => listener.inherited),
      bodyFolder: this.#ports.nameBodyFolder(),
    };
    const sink = {
      onFrontReport: (from: FrontHandle, report: FrontReport) =>
        this.#take({ type: "front-report", from, report }),
      onFrontGone: (from: FrontHandle, exit: ChildExit) => this.#take({ type: "front-gone", from, exit }),
    };
    return new FrontHandle(order, this.#ports.spawn, sink, this.#ports.log);
  }

  #onForkserverReport(from: ForkserverHandle, report: ForkserverReport): void {
    if (report.type === "forked") this.#workers.onForked(from, report.nr, report.pid);
    else if (report.type === "exited") this.#workers.onExited(report);
    else if (report.type === "evaluated") this.#onEvaluated(from, report);
    else if (report.type === "boot-failed") this.#onPreloadFailure(from, report);
    else this.#ports.log.debug("forkserver configured", { pid: report.pid, python: report.python });
  }

  /** The application, or a hook of the start, failed in the forkserver itself. */
  #onPreloadFailure(from: ForkserverHandle, failure: BootFailure): void {
    if (this.#stop.level !== "running" || !isNeeded(this.#reload, from.generation)) return;
    this.#announcer.preloadFailed(failure);
    if (this.#reload.proven === 0) this.#fatal(failure.exitCode);
    else if (from.generation === this.#reload.coming) this.#failReload();
  }

  #onForkserverGone(from: ForkserverHandle, exit: ChildExit): void {
    this.#forkservers.onGone(from, this.#nowMs());
    this.#workers.onForkserverGone(from);
    if (this.#stop.level !== "running" || !isNeeded(this.#reload, from.generation)) return;
    this.#announcer.forkserverGone(from, exit);
    if (this.#reload.proven === 0) this.#fatal(1);
    else if (this.#reload.coming === from.generation) this.#failReload();
  }

  #onFrontReport(from: FrontHandle, report: FrontReport): void {
    this.#workers.onFrontReport(report);
    this.#onFrontAside(from, report);
    if (report.type !== "ready") return;
    if (this.#stop.level === "leaving") from.leave();
    if (this.#development?.breakage !== undefined) from.tellApp(this.#development.breakage);
    this.#workers.onFrontReady(from);
    if (this.#fronts.areReady) this.#announcer.listening();
  }

  /** What does not concern workers' lives. */
  #onFrontAside(from: FrontHandle, report: FrontReport): void {
    const { target } = this.#options.config.statsd;
    if (report.type === "pressure") this.#elastic.onPressure(from.nr, report, this.#nowMs());
    else if (report.type === "metrics" && target.kind === "unix") this.sendDatagram(target.path, report.text);
    else if (report.type === "requests" || report.type === "status") {
      this.#questions.answer(from.pid, report.id, report);
    }
  }

  #onAnswer(pid: number, report: WorkerReport): void {
    if (report.type === "pong" || report.type === "stacks") this.#questions.answer(pid, report.id, report);
  }

  #onFrontGone(from: FrontHandle, exit: ChildExit): void {
    const wasReady = from.meeting !== undefined;
    this.#fronts.onGone(from, this.#nowMs());
    this.#elastic.onFrontGone(from.nr);
    this.#ports.removeFolder(from.bodyFolder);
    this.#workers.onFrontGone((nr) => this.#fronts.nrOfSeat(nr) === from.nr);
    if (this.#stop.level !== "running" || this.#isResting) return;
    this.#announcer.frontGone(from, exit);
    if (!wasReady && this.#reload.proven === 0) this.#fatal(1);
  }
}
