// The process that keeps others alive: observe → plan → act, one event at a time. It never touches a request.

import { unreachable } from "../base/assert.ts";
import { Deferred } from "../base/deferred.ts";
import type { Config } from "../config/config.ts";
import type { BootFailure, ForkserverReport, FrontReport, WorkerReport } from "../control/messages.ts";
import { Announcer } from "./announcer.ts";
import type { ArbiterEvent, ArbiterOptions, ArbiterPorts } from "./arbiter-ports.ts";
import { AwakeClock } from "./awake-clock.ts";
import type { ChildExit } from "./child.ts";
import type { ControlListener } from "./control-listener.ts";
import { Development, OLD_CODE_MS } from "./development.ts";
import { Elastic } from "./elastic.ts";
import type { ForkserverHandle } from "./forkserver-handle.ts";
import { FrontHandle } from "./front-handle.ts";
import { Fronts } from "./fronts.ts";
import { Generations, type GenerationsWorld } from "./generations.ts";
import { nextMomentMs, plan, type Wanted } from "./plan.ts";
import type { PoolWorker } from "./pool.ts";
import { Questions } from "./questions.ts";
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
import { Workers } from "./workers.ts";

/** Of what failed before there was a worker. */
const NO_PID = 0;
/** How long a child may take to answer a question. */
const ANSWER_MS = 1_000;

export class Arbiter {
  readonly #options: ArbiterOptions;
  readonly #ports: ArbiterPorts;
  readonly #clock: AwakeClock;
  readonly #announcer: Announcer;
  readonly #workers: Workers;
  readonly #fronts: Fronts;
  readonly #generations: Generations;
  readonly #questions: Questions;
  readonly #elastic: Elastic;
  /** Only with --reload. */
  readonly #development: Development | undefined;
  readonly #done = new Deferred<number>();
  readonly #queue: ArbiterEvent[] = [];
  #turn: "idle" | "taking" | "over" = "idle";
  #control: ControlListener | undefined;
  #stop: Stop = RUNNING;
  #workersWanted: number;
  #exitCode = 0;
  /** After SIGWINCH: neither fronts nor workers. */
  #isResting = false;

  constructor(options: ArbiterOptions, ports: ArbiterPorts) {
    const isCheck = options.purpose === "check";
    this.#options = options;
    this.#ports = ports;
    this.#clock = new AwakeClock(ports.clock, ports.log);
    this.#announcer = new Announcer(options, ports.log);
    this.#questions = new Questions(ports.clock);
    const { workersMin: min, workersMax: max, workersIdleMs: idleMs } = options.config;
    this.#elastic = new Elastic({ min, max: isCheck ? min : max, idleMs }, ports.clock.nowMs());
    this.#workersWanted = isCheck ? 1 : options.config.workers;
    this.#development = isCheck ? undefined : this.#openDevelopment();
    this.#fronts = new Fronts(isCheck ? 0 : options.config.fronts, (nr) => this.#makeFront(nr));
    this.#generations = new Generations(options, ports, this.#generationsWorld());
    this.#workers = new Workers({
      vigil: vigilOptions(options.config),
      log: ports.log,
      nowMs: () => this.#clock.nowMs(),
      drainEndMs: (sinceMs) => Math.min(sinceMs + this.#wanted().drainTimeoutMs, this.#stop.deadlineMs),
      forkserver: (generation) => this.#generations.configured(generation),
      frontOf: (nr) => this.#fronts.ofSeat(nr),
      killOrphan: ports.killOrphan,
      oomKills: ports.oomKills,
      sightOf: ports.sightOf,
      onBootFailure: (worker, failure) => this.#onBootFailure(worker, failure),
    });
  }

  #generationsWorld(): GenerationsWorld {
    const arbiter = this;
    return {
      announcer: this.#announcer,
      get isRunning() {
        return arbiter.#stop.level === "running";
      },
      get workersWanted() {
        return arbiter.#workersWanted;
      },
      get workers() {
        return arbiter.#workers.pool.workers;
      },
      get meeting() {
        return arbiter.#control?.meeting;
      },
      take: (event) => this.#take(event),
      onSetup: ({ config }) => this.#onSetup(config),
      onFatal: (exitCode) => this.#fatal(exitCode),
      onBroken: (failure) => this.#onBroken(NO_PID, failure),
    };
  }

  /** Resolves with the exit code when nothing is left. */
  async run(): Promise<number> {
    this.#announcer.starting();
    this.#control = await this.#ports.openControl({
      onHello: (from) => this.#take({ type: "worker-hello", from }),
      onReport: (from, report) => this.#take({ type: "worker-report", from, report }),
      onGone: (from) => this.#take({ type: "worker-gone", from }),
    });
    this.#generations.start();
    this.#ports.certificates?.watch((changed) => this.#fronts.showCertificates(changed));
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
      isDegraded: this.#generations.isDegraded,
      generation: this.#generations.proven,
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
    this.#generations.forkservers.listening?.sendDatagram(address, text);
  }

  #phase(): Phase {
    if (this.#stop.level === "leaving") return "leaving";
    if (this.#stop.level !== "running") return "stopping";
    if (this.#generations.proven === 0) return "starting";
    return this.#generations.coming === undefined ? "serving" : "reloading";
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
    const nowMs = this.#clock.nowMs();
    this.#enterStop(onStopTime(this.#stop, nowMs));
    this.#settle();
    this.#adapt(nowMs);
    if (this.#isServing()) this.#workers.look();
    this.#generations.release({ isServing: this.#isServing() });
    if (this.#stop.level === "kill" && this.#workers.pool.size === 0) this.#generations.forkservers.kill();
    this.#fronts.tend(nowMs);
    if (this.#isServing()) this.#generations.forkservers.tend(nowMs);
    if (this.#stop.level === "graceful" && this.#fronts.isEmpty) this.#workers.stopAll();
    this.#workers.lookAtLate(this.#wanted());
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
    const { config } = this.#generations.setup;
    const isReloading = this.#generations.coming !== undefined;
    const development = this.#development;
    const isBroken = development?.breakage !== undefined;
    const isAway = isBroken || (this.#isResting && this.#fronts.isEmpty);
    const seats = this.#isServing() && !isAway ? this.#workersWanted : 0;
    const backoff = this.#workers.forkNotBeforeMs;
    return {
      workers: seats,
      generation: this.#generations.wanted,
      surgeMax: isReloading ? this.#workersWanted : Math.ceil(this.#workersWanted / 4),
      bootTimeoutMs: config.bootTimeoutMs,
      drainTimeoutMs: Math.min(config.gracefulTimeoutMs, development === undefined ? Infinity : OLD_CODE_MS),
      forkNotBeforeMs: development?.forkNotBeforeMs(seats, backoff) ?? backoff,
      isExclusive: development !== undefined,
    };
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
      this.#generations.forkservers.nextMomentMs(),
      this.#stop.deadlineMs,
      this.#isAdapting ? this.#elastic.nextMomentMs(this.#workersWanted) : Number.POSITIVE_INFINITY,
    );
    this.#clock.wakeAt(momentMs, () => this.#take({ type: "time" }));
  }

  // ---- signals, stop

  #onSignal(signal: ArbiterSignal): void {
    this.#ports.log.info(`Handling signal: ${signal.slice(3).toLowerCase()}`);
    switch (signal) {
      case "SIGTERM":
      case "SIGINT":
      case "SIGQUIT":
        this.#enterStop(
          onStopSignal(this.#stop, signal, this.#generations.setup.config, this.#clock.nowMs()),
        );
        break;
      case "SIGHUP":
        this.#resume();
        this.#ports.certificates?.readAgain();
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
    if (succession?.isUnderWay === false) this.#generations.onSuccession();
    succession?.begin();
  }

  /** Terminals send this signal when their size changes: it means something in the background, or beside a new server. */
  #rest(): void {
    const isMeant = this.#options.config.isDaemon || this.#ports.succession?.isUnderWay === true;
    if (!isMeant || this.#stop.level !== "running") return;
    this.#isResting = true;
    this.#fronts.rest(frontGraceMs(this.#generations.setup.config.gracefulTimeoutMs));
  }

  #resume(): boolean {
    const wasResting = this.#isResting;
    this.#isResting = false;
    this.#fronts.resume();
    return wasResting;
  }

  #scale(workers: number): void {
    this.#workersWanted = workers;
    this.#generations.onScale(workers);
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
        this.#fronts.drain(frontGraceMs(this.#stop.deadlineMs - this.#clock.nowMs()), { quick: false });
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
    this.#enterStop(stopQuickly(this.#clock.nowMs()));
  }

  #isOver(): boolean {
    const { level, deadlineMs } = this.#stop;
    if (isTaking(level)) return false;
    if (level === "kill" && this.#clock.nowMs() >= deadlineMs) return true;
    return this.#fronts.isEmpty && this.#workers.pool.size === 0 && this.#generations.forkservers.isEmpty;
  }

  #finish(): void {
    this.#turn = "over";
    this.#clock.cancel();
    this.#workers.deaths.flush();
    this.#generations.forkservers.kill();
    this.#control?.close();
    this.#ports.certificates?.close();
    this.#announcer.ended();
    this.#done.resolve(this.#exitCode);
  }

  // ---- reload

  #beginReload(): void {
    if (this.#stop.level !== "running" || (this.#generations.proven === 0 && this.#development === undefined))
      return;
    const development = this.#development;
    const isBegun = this.#generations.begin({ replaces: development !== undefined });
    if (isBegun && development !== undefined) this.#startAnew(development);
  }

  /** As gunicorn does; an elastic number is the load's to say. */
  #onSetup({ workers }: Config): void {
    if (!this.#elastic.isElastic) this.#workersWanted = workers;
  }

  /** The first start or a reload is done. */
  #settle(): void {
    const isDone = this.#generations.settle();
    if (isDone && this.#options.purpose === "check") this.#enterStop(stopQuickly(this.#clock.nowMs()));
  }

  // ---- development

  #openDevelopment(): Development | undefined {
    const { watchFiles, log } = this.#ports;
    if (watchFiles === undefined || !this.#options.config.reload.isOn) return undefined;
    const { config, source } = this.#options;
    const extraFiles = [...config.reload.extraFiles, ...(source?.files ?? [])];
    const reload = { ...config.reload, extraFiles };
    return new Development(reload, watchFiles, (file) => this.#take({ type: "file-changed", file }), log);
  }

  /** What was not forked yet will run the changed file anyway. */
  #onFileChanged(file: string): void {
    const development = this.#development;
    if (development === undefined || this.#stop.level !== "running") return;
    development.postpone(this.#clock.nowMs());
    const isUsed = this.#workers.pool.workers.some(
      ({ generation }) => generation === this.#generations.newest,
    );
    if (!isUsed && development.breakage === undefined) return;
    this.#announcer.changed(file);
    this.#beginReload();
  }

  #startAnew(development: Development): void {
    development.startsAnew();
    this.#workers.forgive();
    this.#fronts.tellApp({ type: "app-mended" });
  }

  #onDeveloperReport(pid: number, report: WorkerReport): void {
    if (report.type === "modules") this.#development?.addModules(report.files);
    else if (report.type === "failure") this.#development?.noteReport(pid, report.report);
  }

  #onBootFailure(worker: PoolWorker, failure: BootFailure): void {
    if (this.#stop.level !== "running") return;
    this.#announcer.bootFailed(worker.nr, failure);
    if (this.#development === undefined) this.#generations.onBootFailure(worker, failure);
    else if (worker.generation === this.#generations.newest) this.#onBroken(worker.pid, failure);
  }

  /** Development: nobody serves until a file changes; clients are told why. `pid`: of whom that is known. */
  #onBroken(pid: number, failure: BootFailure): void {
    const development = this.#development;
    if (development !== undefined) this.#fronts.tellApp(development.broke(pid, failure));
  }

  #makeFront(nr: number): FrontHandle {
    const { config, frontSpec: spec, listeners } = this.#options;
    const order = {
      nr,
      generation: this.#generations.newest,
      spec,
      config,
      listeners: listeners.map((listener) => listener.inherited),
      materials: this.#ports.certificates?.materials ?? [],
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
    else this.#generations.onReport(from, report);
  }

  #onForkserverGone(from: ForkserverHandle, exit: ChildExit): void {
    this.#generations.forkservers.onGone(from, this.#clock.nowMs());
    this.#workers.onForkserverGone(from);
    this.#generations.onForkserverGone(from, exit);
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
    if (report.type === "pressure") this.#elastic.onPressure(from.nr, report, this.#clock.nowMs());
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
    this.#fronts.onGone(from, this.#clock.nowMs());
    this.#elastic.onFrontGone(from.nr);
    this.#ports.removeFolder(from.bodyFolder);
    this.#workers.onFrontGone((nr) => this.#fronts.nrOfSeat(nr) === from.nr);
    if (this.#stop.level !== "running" || this.#isResting) return;
    this.#announcer.frontGone(from, exit);
    if (!wasReady && this.#generations.proven === 0) this.#fatal(1);
  }
}
