// The generations of one application's code: which one shall serve, what each runs with, and the forkserver that is the parent
// of its workers.

import type { Config } from "../config/config.ts";
import { APP_NAME } from "../config/site.ts";
import type { BootFailure, Evaluated, ForkserverReport, HookCall, Meeting } from "../control/messages.ts";
import type { AppAnnouncer } from "./announcer.ts";
import type { AppEvent, AppOrder, ArbiterPorts, ServerFacts } from "./arbiter-ports.ts";
import { afterDeath, type Backoff } from "./backoff.ts";
import type { ChildExit, SpawnChild } from "./child.ts";
import { ForkserverHandle, pythonSettings } from "./forkserver-handle.ts";
import { Forkservers } from "./forkservers.ts";
import type { OnAdmitted } from "./listener-keeper.ts";
import type { PoolWorker } from "./pool.ts";
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
import type { AdoptForkserver, Setup } from "./setup.ts";
import { NOT_AS_BEFORE, Setups, unusable } from "./setups.ts";

/** What the generations need of the rest of the arbiter. */
export interface GenerationsWorld {
  readonly announcer: AppAnnouncer;
  readonly server: ServerFacts;
  readonly ports: ArbiterPorts;
  /** No stop was asked for, and the application is still wanted. */
  readonly isRunning: boolean;
  readonly workersWanted: number;
  readonly workers: readonly PoolWorker[];
  /** Where workers say hello. */
  readonly meeting: Meeting | undefined;
  take(event: AppEvent): void;
  /** As ListenerKeeper.admit does. */
  admit(config: Config, onAdmitted: OnAdmitted): boolean;
  /** What this turn tells fronts has been done by all that answer in time. */
  whenFrontsHaveObeyed(act: () => void): void;
  /** A new configuration counts: the number of workers becomes its own. */
  onSetup(setup: Setup): void;
  /** There is no older generation to go on with. */
  onNeverServed(exitCode: number): void;
  /** Development: nobody serves until a file changes. */
  onBroken(failure: BootFailure): void;
}

/** The first try again waits already. */
const BEFORE_TRIES: Backoff = { deaths: 1, notBeforeMs: Number.POSITIVE_INFINITY };

export class Generations {
  readonly forkservers: Forkservers = new Forkservers((generation) => this.#makeForkserver(generation));
  readonly #order: AppOrder;
  readonly #world: GenerationsWorld;
  readonly #hooks: ServerHooks = new ServerHooks();
  readonly #setups: Setups;
  /** Once. */
  #adoptForkserver: AdoptForkserver | undefined;
  #reload: Reload = FIRST_START;
  /** How often it was tried in vain, while it has never served. */
  #tries: Backoff = BEFORE_TRIES;
  /** Development: the generation that failed before it had a worker. */
  #broken: number | undefined;
  #isDegraded = false;

  constructor(order: AppOrder, world: GenerationsWorld) {
    this.#order = order;
    this.#world = world;
    this.#setups = new Setups(order, world.announcer, world.ports.log);
    this.#adoptForkserver = order.adoptForkserver;
  }

  /** The last one that is known to boot; 0 before the first. */
  get proven(): number {
    return this.#reload.proven;
  }

  get coming(): number | undefined {
    return this.#reload.coming;
  }

  get newest(): number {
    return this.#reload.newest;
  }

  /** The last reload failed, or the last try to start. */
  get isDegraded(): boolean {
    return this.#isDegraded;
  }

  /** The one that the plan shall bring up; 0: none for now. */
  get wanted(): number {
    return wantedGeneration(this.#reload, (generation) => this.configured(generation) !== undefined);
  }

  /** Of the newest that may still come true. */
  get setup(): Setup {
    return this.#setups.current(this.#reload);
  }

  /** Of the one that serves; before the first, of the one that shall. */
  get served(): Setup {
    const { proven } = this.#reload;
    return this.#setups.current({ ...this.#reload, coming: proven === 0 ? this.#reload.coming : undefined });
  }

  /** Its forkserver, if it can fork. */
  configured(generation: number): ForkserverHandle | undefined {
    return this.forkservers.configured(generation);
  }

  start(): void {
    this.forkservers.add(FIRST_START.newest);
  }

  /** `replaces`: the one that served is old, whatever becomes of the new one. False: there is no new one. */
  begin(how: { readonly replaces: boolean; readonly setup?: Setup | undefined }): boolean {
    const isEvaluated = this.#order.source?.evaluate !== undefined;
    if (!isEvaluated && !this.#prepare(this.#reload.newest + 1, how.setup)) return false;
    this.#reload = how.replaces ? replace(this.#reload) : beginReload(this.#reload);
    if (!isEvaluated) this.#world.onSetup(this.setup);
    this.forkservers.add(this.#reload.newest);
    return true;
  }

  #prepare(generation: number, setup: Setup | undefined): boolean {
    if (setup !== undefined) this.#setups.set(generation, setup);
    else if (this.#setups.read(generation, undefined, this.setup) !== undefined) {
      this.#isDegraded = true;
      this.#world.announcer.reloadFailed(this.#reload.proven);
      return false;
    }
    return true;
  }

  /** True, once for each, when the generation that was coming fills every seat. */
  settle(): boolean {
    const { coming } = this.#reload;
    if (coming === undefined || !this.#world.isRunning || !this.#isServedBy(coming)) return false;
    const isFirst = this.#reload.proven === 0;
    this.#reload = succeed(this.#reload);
    this.#isDegraded = false;
    if (isFirst) this.#world.announcer.ready(this.#world.workers, this.setup.config);
    else this.#announceReload(coming);
    return true;
  }

  /** Whoever reads it finds the new code. */
  #announceReload(generation: number): void {
    this.#world.whenFrontsHaveObeyed(() => {
      if (this.#world.isRunning) this.#world.announcer.reloaded(generation);
    });
  }

  #isServedBy(generation: number): boolean {
    const isCheck = this.#world.server.purpose === "check";
    const seats = this.#world.workers
      .filter((worker) => worker.generation === generation)
      .filter((worker) => (isCheck ? worker.state === "ready" : worker.isServing))
      .map((worker) => worker.nr);
    return new Set(seats).size >= this.#world.workersWanted;
  }

  /** A forkserver that is not needed ends with its last worker; one that died is not made again. */
  release({ isServing }: { readonly isServing: boolean }): void {
    for (const generation of this.forkservers.generations) {
      const isNeededNow = isServing && this.#isNeeded(generation);
      const isParent = this.#world.workers.some((worker) => worker.generation === generation);
      const isDead = this.forkservers.get(generation) === undefined;
      if (isNeededNow || (isParent && !isDead)) continue;
      this.forkservers.release(generation, this.#lastCalls(generation));
      this.#setups.delete(generation);
    }
  }

  /** Who stops gives up a reload that has no worker yet. */
  #isNeeded(generation: number): boolean {
    const { proven } = this.#reload;
    return (
      isNeeded(this.#reload, generation) && (this.#world.isRunning || proven === 0 || generation === proven)
    );
  }

  // ---- an application that has never served

  /** It has failed, and is to be tried again. */
  get isWaiting(): boolean {
    return this.#reload.proven === 0 && this.#reload.coming === undefined;
  }

  /** It is tried again later, with what it was tried with now. */
  giveUp(nowMs: number): void {
    this.#reload = fail(this.#reload);
    this.#isDegraded = true;
    this.#tries = afterDeath(this.#tries, { bornAtMs: nowMs }, nowMs);
    this.#world.announcer.triesAgain(this.#tries.notBeforeMs - nowMs);
  }

  tryAgain(nowMs: number): void {
    if (this.isWaiting && nowMs >= this.#tries.notBeforeMs) this.begin({ replaces: false });
  }

  nextMomentMs(): number {
    const nextTryMs =
      this.isWaiting && this.#world.isRunning ? this.#tries.notBeforeMs : Number.POSITIVE_INFINITY;
    return Math.min(nextTryMs, this.forkservers.nextMomentMs());
  }

  // ---- hooks

  onScale(workers: number): void {
    if (this.configured(this.#reload.proven) !== undefined) this.#callHooks(this.#hooks.ofScale(workers));
  }

  onSuccession(): void {
    this.#callHooks(this.#hooks.ofSuccession());
  }

  /** In the forkserver of the generation that serves. */
  #callHooks(calls: readonly HookCall[]): void {
    const forkserver = this.configured(this.#reload.proven);
    for (const call of calls) {
      if (forkserver !== undefined) forkserver.callHook(call);
      else if (this.#order.source?.evaluate !== undefined) this.#world.announcer.hookNotCalled(call.name);
    }
  }

  /** The master's last word is its on_exit, and said once. */
  #lastCalls(generation: number): HookCall[] {
    const { proven, coming } = this.#reload;
    const isLast = !this.#world.isRunning && generation === (proven === 0 ? coming : proven);
    return isLast && this.#world.server.purpose === "serve" ? this.#hooks.ofEnd() : [];
  }

  // ---- what fails

  onBootFailure(worker: PoolWorker, failure: BootFailure): void {
    this.#onFailure(worker.generation, failure);
  }

  /** The application, or a hook of the start, failed in the forkserver itself. */
  #onPreloadFailure(from: ForkserverHandle, failure: BootFailure): void {
    if (!this.#world.isRunning || !isNeeded(this.#reload, from.generation)) return;
    this.#world.announcer.preloadFailed(failure);
    this.#onFailure(from.generation, failure);
  }

  onForkserverGone(from: ForkserverHandle, exit: ChildExit): void {
    const isExpected = from.generation === this.#broken || !isNeeded(this.#reload, from.generation);
    if (!this.#world.isRunning || isExpected) return;
    this.#world.announcer.forkserverGone(from, exit);
    if (this.#reload.proven === 0) this.#world.onNeverServed(1);
    else if (from.generation === this.#reload.coming && !this.#isDevelopment) this.#goBack();
  }

  get #isDevelopment(): boolean {
    return this.#order.config.reload.isOn;
  }

  #onFailure(generation: number, failure: BootFailure): void {
    if (generation !== this.#reload.coming) return;
    const isStart = generation === FIRST_START.newest;
    if (this.#isDevelopment && !isStart) this.#wait(generation, failure);
    else if (this.#reload.proven === 0) this.#world.onNeverServed(failure.exitCode);
    else this.#goBack();
  }

  #goBack(): void {
    this.#reload = fail(this.#reload);
    this.#isDegraded = true;
    this.#world.announcer.reloadFailed(this.#reload.proven);
  }

  /** Development: the code before it is gone already. Its forkserver is not tried again. */
  #wait(generation: number, failure: BootFailure): void {
    this.#broken = generation;
    this.#isDegraded = true;
    this.forkservers.release(generation);
    this.#world.onBroken(failure);
  }

  // ---- forkservers

  #makeForkserver(generation: number): ForkserverHandle {
    const { source } = this.#order;
    const { ports } = this.#world;
    const { config, forkserverSpec = this.#order.forkserverSpec } = this.setup;
    const adopt = this.#adoptForkserver;
    this.#adoptForkserver = undefined;
    const evaluate = adopt === undefined ? source?.evaluate : undefined;
    const order = { generation, spec: forkserverSpec, evaluate, bootTimeoutMs: config.bootTimeoutMs };
    const sink = {
      onForkserverReport: (from: ForkserverHandle, report: ForkserverReport) =>
        this.#world.take({ type: "forkserver-report", from, report }),
      onForkserverGone: (from: ForkserverHandle, exit: ChildExit) =>
        this.#world.take({ type: "forkserver-gone", from, exit }),
    };
    const spawn: SpawnChild = adopt === undefined ? ports.spawn : (_, childSink) => adopt(childSink);
    const handle = new ForkserverHandle(order, spawn, sink, ports);
    if (evaluate === undefined) this.#configure(handle, this.#setups.get(generation) ?? this.setup);
    return handle;
  }

  #configure(handle: ForkserverHandle, { config, cfg }: Setup): void {
    const { version, listeners, purpose } = this.#world.server;
    const { workersWanted, meeting } = this.#world;
    handle.configure({
      type: "configure",
      settings: pythonSettings(config, { workers: workersWanted, version, name: this.#title }),
      control: meeting ?? { address: "", token: "" },
      generation: handle.generation,
      cfg,
      listeners: listeners.addresses,
      arbiter: { pid: process.pid, workers: workersWanted },
      calls: purpose === "check" ? [] : this.#hooks.ofStart(handle.generation, workersWanted),
    });
  }

  /** The only application of a command line is known by its module. */
  get #title(): string {
    return this.#order.name === APP_NAME ? "" : this.#order.name;
  }

  /** What does not concern workers. */
  onReport(from: ForkserverHandle, report: ForkserverReport): void {
    if (report.type === "evaluated") this.#onEvaluated(from, report);
    else if (report.type === "boot-failed") this.#onPreloadFailure(from, report);
    else if (report.type === "configured") this.#world.announcer.configured(report);
  }

  #onEvaluated(from: ForkserverHandle, report: Evaluated): void {
    const known = this.#setups.get(from.generation);
    if (known !== undefined && report.failure === null) {
      this.#configure(from, known);
      return;
    }
    const failure =
      known === undefined ? this.#setups.read(from.generation, report, this.setup) : NOT_AS_BEFORE;
    if (failure === undefined) this.#admit(from);
    else if (from.generation === this.#reload.coming) this.#onFailure(from.generation, failure);
    else from.kill();
  }

  /** Its code is not tried before it is known that it can be reached. */
  #admit(from: ForkserverHandle): void {
    const { config } = this.#setups.get(from.generation) ?? this.setup;
    const isWaiting =
      from.generation === this.#reload.coming &&
      this.#world.admit(config, (problems) => this.#world.take({ type: "admitted", from, problems }));
    if (!isWaiting) this.#useEvaluated(from);
  }

  onAdmitted(from: ForkserverHandle, problems: readonly string[]): void {
    if (from.generation !== this.#reload.coming || !this.#world.isRunning) return;
    for (const problem of problems) this.#world.ports.log.error(problem);
    if (problems.length === 0) this.#useEvaluated(from);
    else this.#onFailure(from.generation, unusable(problems));
  }

  #useEvaluated(from: ForkserverHandle): void {
    if (from.generation === this.#reload.coming) this.#world.onSetup(this.setup);
    this.#configure(from, this.#setups.get(from.generation) ?? this.setup);
  }
}
