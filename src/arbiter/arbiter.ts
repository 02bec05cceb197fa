// The process that keeps others alive: observe → plan → act, one event at a time. It never touches a request. What concerns one
// application is app-keeper.ts's; here is what they share: the loop, signals, stops, and the fronts.

import { unreachable } from "../base/assert.ts";
import { Deferred } from "../base/deferred.ts";
import type { FrontReport, WorkerReport } from "../control/messages.ts";
import { Announcer } from "./announcer.ts";
import { Apps } from "./apps.ts";
import type { AppEvent, ArbiterEvent, ArbiterOptions, ArbiterPorts } from "./arbiter-ports.ts";
import { AwakeClock } from "./awake-clock.ts";
import type { ChildExit } from "./child.ts";
import { FrontHandle, type FrontQuestion } from "./front-handle.ts";
import { Fronts, frontsFor } from "./fronts.ts";
import { gatherMetrics } from "./gathered-metrics.ts";
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

/** How long a child may take to answer a question. */
const ANSWER_MS = 1_000;
/** How long a forkserver may take to have a worker's stacks shown. */
const DUMP_MS = 2_000;

export class Arbiter {
  readonly #options: ArbiterOptions;
  readonly #ports: ArbiterPorts;
  readonly #clock: AwakeClock;
  readonly #announcer: Announcer;
  readonly #fronts: Fronts;
  readonly #apps: Apps;
  readonly #questions: Questions;
  readonly #startedAtUnixMs: number;
  readonly #done = new Deferred<number>();
  readonly #queue: ArbiterEvent[] = [];
  #turn: "idle" | "taking" | "over" = "idle";
  #stop: Stop = RUNNING;
  #exitCode = 0;
  /** SIGHUP came, maybe before the first start was done: what starts may have been read before it changed. */
  #isReloadDue = false;
  /** After SIGWINCH: neither fronts nor workers. */
  #isResting = false;

  constructor(options: ArbiterOptions, ports: ArbiterPorts) {
    const isCheck = options.purpose === "check";
    this.#options = options;
    this.#ports = ports;
    this.#clock = new AwakeClock(ports.clock, ports.log);
    this.#startedAtUnixMs = ports.clock.unixMs();
    this.#announcer = new Announcer(options, ports.log);
    this.#questions = new Questions(ports.clock);
    const fronts = isCheck ? 0 : frontsFor(options.config.fronts, options.apps);
    this.#fronts = new Fronts(fronts, (nr) => this.#makeFront(nr));
    this.#apps = this.#openApps();
  }

  #openApps(): Apps {
    const arbiter = this;
    return new Apps(this.#options, {
      ports: this.#ports,
      clock: this.#clock,
      fronts: this.#fronts,
      announcer: this.#announcer,
      get isRunning() {
        return arbiter.#stop.level === "running";
      },
      get isServing() {
        return arbiter.#isServing();
      },
      get isAway() {
        return arbiter.#isResting && arbiter.#fronts.isEmpty;
      },
      get stopDeadlineMs() {
        return arbiter.#stop.deadlineMs;
      },
      take: (event) => this.#take(event),
      whenFrontsHaveObeyed: (act) => this.#whenFrontsHaveObeyed(act),
      onFatal: (exitCode) => this.#fatal(exitCode),
    });
  }

  /** Resolves with the exit code when nothing is left. */
  async run(): Promise<number> {
    this.#announcer.starting();
    this.#announcer.fronts({ count: this.#fronts.count, wanted: this.#options.config.fronts });
    await this.#apps.open();
    this.#ports.certificates?.watch((changed) => this.#fronts.showCertificates(changed));
    this.#take({ type: "start" });
    return this.#done.promise;
  }

  signal(signal: ArbiterSignal): void {
    this.#take({ type: "signal", signal });
  }

  /** Between the bounds of the application, or as many as are wanted where it has none. False: there is no such one. */
  scale(app: string, workers: number): boolean {
    const keeper = this.#apps.get(app);
    if (keeper !== undefined) this.#take({ type: "scale", app: keeper, workers });
    return keeper !== undefined;
  }

  /** New code for one application. False: there is no such one. */
  reload(app: string): boolean {
    const keeper = this.#apps.get(app);
    if (keeper !== undefined) this.#take({ type: "reload", app: keeper });
    return keeper !== undefined;
  }

  view(): ArbiterView {
    return {
      phase: this.#phase(),
      isDegraded: this.#apps.areDegraded,
      apps: this.#apps.present.map((app) => app.view()),
      fronts: this.#fronts.all.map(({ nr, pid, state }) => ({ nr, pid, state })),
    };
  }

  /** Each front's answer, undefined for those that gave none in time. */
  askFronts(type: FrontQuestion, timeoutMs: number = ANSWER_MS): Promise<unknown[]> {
    return Promise.all(
      this.#fronts.all.map((front) => this.#questions.ask(front.pid, (id) => front.ask(type, id), timeoutMs)),
    );
  }

  /** Commands are obeyed in their order: whoever answers a question has done what it was told before. */
  #whenFrontsHaveObeyed(act: () => void): void {
    queueMicrotask(() => void this.askFronts("status").then(act));
  }

  /** For Prometheus. */
  metricsText(): Promise<string> {
    const { version } = this.#options;
    return gatherMetrics({ arbiter: this, version, startedAtUnixMs: this.#startedAtUnixMs });
  }

  /** The worker's answer; undefined when there is no such worker or it gave none in time. */
  askWorker(pid: number, type: "ping" | "stacks"): Promise<unknown> {
    return this.#questions.ask(
      pid,
      (id) => {
        const isTold = this.#apps.all.some(({ workers }) => workers.tell(pid, { type, id }));
        if (!isTold) this.#questions.answer(pid, id, undefined);
      },
      ANSWER_MS,
    );
  }

  /** The stacks of a worker that does not answer, by a signal; undefined as above. */
  dumpWorker(pid: number): Promise<unknown> {
    return this.#questions.ask(
      pid,
      (id) => {
        const isTold = this.#apps.all.some(({ workers }) => workers.dump(pid, id));
        if (!isTold) this.#questions.answer(pid, id, undefined);
      },
      DUMP_MS,
    );
  }

  /** Says something to a Unix datagram socket. It is lost while no forkserver listens. */
  sendDatagram(address: string, text: string): void {
    this.#apps.listening?.sendDatagram(address, text);
  }

  #phase(): Phase {
    if (this.#stop.level === "leaving") return "leaving";
    if (this.#stop.level !== "running") return "stopping";
    return this.#apps.phase;
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
        this.#apps.onTime();
        break;
      case "signal":
        this.#onSignal(event.signal);
        break;
      case "reload":
        if (this.#isReloadable) event.app.reload();
        break;
      case "site-admitted":
        this.#apps.onAdmitted(event.site, event.problems);
        break;
      case "late-listeners":
        this.#apps.onLateListeners(event.problems);
        break;
      case "scale":
        event.app.scale(event.workers);
        break;
      case "app":
        this.#onAnswer(event.event);
        event.app.observe(event.event);
        break;
      case "front-report":
        this.#onFrontReport(event.from, event.report);
        break;
      case "front-gone":
        this.#onFrontGone(event.from, event.exit);
        break;
      default:
        unreachable(event);
    }
  }

  #act(): void {
    const nowMs = this.#clock.nowMs();
    this.#enterStop(onStopTime(this.#stop, nowMs));
    const isSettled = this.#apps.settle();
    if (isSettled && this.#options.purpose === "check") this.#enterStop(stopQuickly(nowMs));
    this.#reloadIfDue();
    this.#apps.prepare(nowMs);
    if (this.#stop.level === "kill") this.#apps.killForkservers();
    this.#fronts.tend(nowMs);
    if (this.#stop.level === "graceful" && this.#fronts.isEmpty) this.#apps.stopWorkers();
    this.#apps.act(nowMs);
    this.#schedule(nowMs);
    this.#ports.watch?.(this.view());
  }

  /** While fronts finish requests, the workers that they need are kept. */
  #isServing(): boolean {
    return isTaking(this.#stop.level) || (this.#stop.level === "graceful" && !this.#fronts.isEmpty);
  }

  #schedule(judgedAtMs: number): void {
    const momentMs = Math.min(
      this.#apps.nextMomentMs(judgedAtMs),
      this.#fronts.nextMomentMs(),
      this.#stop.deadlineMs,
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
        this.#enterStop(onStopSignal(this.#stop, signal, this.#stopLimits, this.#clock.nowMs()));
        break;
      case "SIGHUP":
        this.#resume();
        this.#ports.certificates?.readAgain();
        this.#isReloadDue = this.#stop.level === "running";
        this.#reloadIfDue();
        break;
      case "SIGTTIN":
        this.#apps.scaleBy(this.#resume() ? "one each" : 1);
        break;
      case "SIGTTOU":
        this.#apps.scaleBy(-1);
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

  #reloadIfDue(): void {
    if (!this.#isReloadDue || !this.#isReloadable) return;
    this.#isReloadDue = false;
    this.#apps.reload();
  }

  /** While the first start is not done there is nothing to replace. */
  get #isReloadable(): boolean {
    return this.#stop.level === "running" && (this.#apps.phase !== "starting" || this.#apps.isDevelopment);
  }

  get #stopLimits(): { readonly gracefulTimeoutMs: number; readonly drainDelayMs: number } {
    const { drainDelayMs } = this.#apps.config;
    return { gracefulTimeoutMs: this.#apps.gracefulTimeoutMs, drainDelayMs };
  }

  #beginSuccession(): void {
    const { succession } = this.#ports;
    if (succession?.isUnderWay === false) this.#apps.onSuccession();
    succession?.begin();
  }

  /** Terminals send this signal when their size changes: it means something in the background, or beside a new server. */
  #rest(): void {
    const isMeant = this.#options.config.isDaemon || this.#ports.succession?.isUnderWay === true;
    if (!isMeant || this.#stop.level !== "running") return;
    this.#isResting = true;
    this.#fronts.rest(frontGraceMs(this.#apps.gracefulTimeoutMs));
  }

  #resume(): boolean {
    const wasResting = this.#isResting;
    this.#isResting = false;
    this.#fronts.resume();
    return wasResting;
  }

  #enterStop(stop: Stop): void {
    if (stop.level === this.#stop.level) return;
    const wasTaking = isTaking(this.#stop.level);
    const isOverdue = this.#clock.nowMs() >= this.#stop.deadlineMs;
    this.#stop = stop;
    this.#apps.closeDevelopment();
    this.#announcer.stopping(stop.level);
    // Closed first: a client that comes now is refused, or finds the next server.
    if (wasTaking && !isTaking(stop.level)) this.#options.listeners.close();
    this.#orderStop(stop.level, isOverdue);
  }

  /** `isOverdue`: not because somebody is in a hurry. */
  #orderStop(level: StopLevel, isOverdue: boolean): void {
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
        this.#apps.stopWorkers();
        this.#apps.hastenWorkers();
        break;
      case "kill":
        this.#fronts.kill();
        this.#apps.killWorkers(isOverdue ? "drain-timeout" : "stop");
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
    return this.#fronts.isEmpty && this.#apps.areGone;
  }

  #finish(): void {
    this.#turn = "over";
    this.#clock.cancel();
    this.#apps.close();
    this.#ports.certificates?.close();
    this.#announcer.ended();
    this.#done.resolve(this.#exitCode);
  }

  // ---- fronts

  #makeFront(nr: number): FrontHandle {
    const { frontSpec: spec, listeners } = this.#options;
    const order = {
      nr,
      spec,
      site: this.#apps.frontSite,
      listeners: listeners.current,
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

  #onFrontReport(from: FrontHandle, report: FrontReport): void {
    switch (report.type) {
      case "ready":
        this.#onFrontReady(from);
        break;
      case "reconfigured":
        this.#apps.onFrontReady(from);
        if (this.#fronts.areCurrent) this.#apps.onFrontsCurrent();
        break;
      case "drained":
        break;
      case "requests":
      case "status":
      case "figures":
        this.#questions.answer(from.pid, report.id, report);
        break;
      case "exposition-wanted":
        this.#showMetrics(from, report.id);
        break;
      case "metrics":
        this.#sendMetrics(report.text);
        break;
      default:
        this.#apps.onFrontReport(from, report);
    }
  }

  #onFrontReady(from: FrontHandle): void {
    if (this.#stop.level === "leaving") from.leave();
    this.#apps.onFrontReady(from);
    if (this.#fronts.areCurrent) this.#apps.onFrontsCurrent();
    if (this.#fronts.areReady) this.#apps.onListening();
  }

  #showMetrics(to: FrontHandle, id: number): void {
    this.metricsText()
      .then((text) => to.showMetrics(id, text))
      // Of very many applications they may be longer than a message can be: the front says that there are none.
      .catch((error: unknown) => this.#ports.log.error("metrics cannot be shown", { cause: String(error) }));
  }

  #sendMetrics(text: string): void {
    const { target } = this.#apps.config.statsd;
    if (target.kind === "unix") this.sendDatagram(target.path, text);
  }

  #onAnswer(event: AppEvent): void {
    if (event.type === "forkserver-report" && event.report.type === "dumped")
      this.#questions.answer(event.report.pid, event.report.id, event.report);
    if (event.type !== "worker-report") return;
    const report: WorkerReport = event.report;
    if (report.type === "pong" || report.type === "stacks")
      this.#questions.answer(event.from.hello.pid, report.id, report);
  }

  #onFrontGone(from: FrontHandle, exit: ChildExit): void {
    this.#fronts.onGone(from, this.#clock.nowMs());
    this.#ports.removeFolder(from.bodyFolder);
    this.#apps.onFrontGone(from);
    if (this.#stop.level !== "running" || this.#isResting) return;
    const isByKernel = exit.signal === "SIGKILL" && this.#apps.oom.takeKill(this.#clock.nowMs());
    this.#announcer.frontGone(from, exit, { isByKernel });
    if (!from.wasReady && !this.#apps.haveServed) this.#fatal(1);
  }
}
