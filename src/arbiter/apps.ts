// The applications of a server: each is kept alive by itself (app-keeper.ts); here is what is said of, and done to, all of them.
// One that does not start takes no other down: it is tried again while the others serve.

import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/config.ts";
import { APP_NAME } from "../config/site.ts";
import type { AppReport, FrontSite } from "../control/messages.ts";
import type { Log } from "../log/log.ts";
import type { Announcer } from "./announcer.ts";
import { AppKeeper } from "./app-keeper.ts";
import type { AppWorld } from "./app-world.ts";
import type { AppOrder, ArbiterEvent, ArbiterOptions, UsableSite } from "./arbiter-ports.ts";
import type { ForkserverHandle } from "./forkserver-handle.ts";
import type { FrontHandle } from "./front-handle.ts";
import { frontSite, siteProblem } from "./front-site.ts";
import { namedLog } from "./named-log.ts";
import { OomWatch } from "./oom-watch.ts";
import { APPLIED_BY_SITES, changedButFixed } from "./setup.ts";
import type { Phase } from "./view.ts";

/** What the applications together need of the arbiter. */
export interface AppsWorld
  extends Pick<
    AppWorld,
    | "ports"
    | "clock"
    | "fronts"
    | "whenFrontsHaveObeyed"
    | "isRunning"
    | "isServing"
    | "isAway"
    | "stopDeadlineMs"
  > {
  readonly announcer: Announcer;
  take(event: ArbiterEvent): void;
  /** None of them starts. */
  onFatal(exitCode: number): void;
}

/** A reload that is not done: what it makes of the server, once every application that it begins has started or failed. */
interface ComingSite {
  /** Undefined: that of the only application. */
  readonly config: Config | undefined;
  /** Not in it any more. They serve until it is done. */
  readonly leaving: readonly AppKeeper[];
  /** Not there before. */
  readonly added: readonly AppKeeper[];
  hasStarted: boolean;
}

export class Apps {
  readonly #options: ArbiterOptions;
  readonly #world: AppsWorld;
  readonly oom: OomWatch;
  #keepers: readonly AppKeeper[];
  #haveServed = false;
  /** The server's, as the fronts have it. */
  #config: Config;
  #told: FrontSite;
  #coming: ComingSite | undefined;
  /** The last reload found a site that cannot be used. */
  #isUnusable = false;

  constructor(options: ArbiterOptions, world: AppsWorld) {
    this.#options = options;
    this.#world = world;
    this.oom = new OomWatch(world.ports.oomKills);
    this.#config = options.config;
    this.#keepers = options.apps.map((order) => this.#keep(order));
    this.#told = this.#site();
  }

  #keep(order: AppOrder): AppKeeper {
    const world = this.#world;
    const keeper: AppKeeper = new AppKeeper(order, {
      server: this.#options,
      siteFiles: this.#options.site?.files ?? [],
      ports: world.ports,
      log: this.#logOf(order.name),
      clock: world.clock,
      fronts: world.fronts,
      oom: this.oom,
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
      whenFrontsHaveObeyed: (act) => world.whenFrontsHaveObeyed(act),
      admit: (config, onAdmitted) => this.#options.listeners.admit(config, onAdmitted),
      reloadSite: () => this.reload(),
      onNeverServed: (exitCode) => this.#onNeverServed(keeper, exitCode),
    });
    return keeper;
  }

  /** That of a command line is the only one, and needs no name. */
  #logOf(name: string): Log {
    const { log } = this.#world.ports;
    return name === APP_NAME ? log : namedLog(log, { app: name });
  }

  /** Also those that are on their way out. */
  get all(): readonly AppKeeper[] {
    return this.#keepers;
  }

  /** Those that are served. */
  get present(): readonly AppKeeper[] {
    return this.#keepers.filter(({ phase }) => phase !== "removed");
  }

  get(name: string): AppKeeper | undefined {
    return this.present.find((keeper) => keeper.name === name);
  }

  /** What fronts serve now. */
  get frontSite(): FrontSite {
    return this.#told;
  }

  /** The server's own settings. */
  get config(): Config {
    return this.#config;
  }

  async open(): Promise<void> {
    for (const keeper of this.all) await keeper.open();
  }

  get phase(): Extract<Phase, "starting" | "serving" | "reloading"> {
    const isUnsettled = this.all.some((keeper) => keeper.isUnsettled);
    if (!this.#haveServed) return "starting";
    return isUnsettled ? "reloading" : "serving";
  }

  /** At least one has, at the end of the first start; a server without applications, when its fronts have. */
  get haveServed(): boolean {
    return this.#haveServed;
  }

  get areDegraded(): boolean {
    return this.#isUnusable || this.present.some(({ generations }) => generations.isDegraded);
  }

  get areGone(): boolean {
    return this.all.every(({ isGone }) => isGone);
  }

  get isDevelopment(): boolean {
    return this.all.some(({ isDevelopment }) => isDevelopment);
  }

  /** The longest that any of them may take. */
  get gracefulTimeoutMs(): number {
    const all = this.all.map(({ setup }) => setup.config);
    const timeouts = (all.length === 0 ? [this.#config] : all).map((config) => config.gracefulTimeoutMs);
    return Math.max(...timeouts);
  }

  /** Any forkserver that reads what it is told. */
  get listening(): ForkserverHandle | undefined {
    return this.all
      .map(({ generations }) => generations.forkservers.listening)
      .find((one) => one !== undefined);
  }

  /** One alone is the server: there is nothing to go on with. */
  #onNeverServed(keeper: AppKeeper, exitCode: number): void {
    const others = this.present.filter((other) => other !== keeper && other.phase !== "failing");
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
    const settled = this.present.filter((keeper) => keeper.settle());
    if (settled.length > 0 && this.#coming !== undefined) this.#coming.hasStarted = true;
    if (this.present.some((keeper) => keeper.isUnsettled)) return false;
    const isFirst = this.#learnWhetherServed();
    this.#complete(settled.length > 0);
    if (settled.length > 0) this.#tellFronts();
    return settled.length > 0 || isFirst;
  }

  /** True when it has just come so far. */
  #learnWhetherServed(): boolean {
    const { present } = this;
    const isServing =
      present.length === 0
        ? this.#world.fronts.areReady
        : present.some(({ generations }) => generations.proven > 0);
    const isFirst = isServing && !this.#haveServed;
    if (!isFirst) return false;
    this.#haveServed = true;
    if (present.length === 0) this.#world.announcer.readyWithoutApps();
    return true;
  }

  /** Where nothing of it has started, the reload changes nothing. */
  #complete(hasSettled: boolean): void {
    const coming = this.#coming;
    this.#coming = undefined;
    if (coming === undefined) {
      if (hasSettled) this.#useConfig(undefined);
      return;
    }
    if (coming.hasStarted) this.#useConfig(coming.config);
    else this.#options.listeners.discard();
    for (const keeper of coming.hasStarted ? coming.leaving : coming.added) keeper.remove();
    this.#tellFronts();
  }

  /** A server without a site's file has one application, whose settings are its own. */
  #useConfig(ofSite: Config | undefined): void {
    const only = this.#options.site === undefined ? this.present[0]?.served.config : undefined;
    const config = ofSite ?? only;
    if (config === undefined || config === this.#config) return;
    this.#config = config;
    this.#world.ports.useConfig?.(config);
    this.#options.listeners.apply();
  }

  /** Those that were removed are served until nothing is left of them. */
  #bury(): void {
    const gone = this.all.filter(({ phase, isGone }) => phase === "removed" && isGone);
    if (gone.length === 0) return;
    for (const keeper of gone) keeper.close();
    this.#keepers = this.#keepers.filter((keeper) => !gone.includes(keeper));
    this.#tellFronts();
  }

  #tellFronts(): void {
    const { fronts, ports } = this.#world;
    const site = this.#site();
    if (JSON.stringify(site) === JSON.stringify(this.#told)) return;
    const hasOthers = !isDeepStrictEqual(site.listeners, this.#told.listeners);
    this.#told = site;
    if (hasOthers) fronts.showCertificates(ports.certificates?.materials ?? []);
    fronts.reconfigure(site, this.#options.listeners.current);
  }

  #site(): FrontSite {
    const leavers = this.all.filter(({ name, phase }) => phase === "removed" && this.get(name) === undefined);
    const apps = [...this.present, ...leavers].map(({ name, served }) => ({ name, config: served.config }));
    return frontSite(this.#config, this.#options.listeners.current, apps);
  }

  prepare(nowMs: number): void {
    for (const keeper of this.all) keeper.prepare(nowMs);
  }

  act(nowMs: number): void {
    for (const keeper of this.all) keeper.act(nowMs);
    this.#bury();
  }

  nextMomentMs(judgedAtMs: number): number {
    return Math.min(...this.all.map((keeper) => keeper.nextMomentMs(judgedAtMs)));
  }

  // ---- orders

  /** Reads the site again: all of it can be used, or nothing changes. */
  reload(): void {
    const reading = this.#options.site?.read();
    if (reading?.ok === false) this.#refuse(reading.problems);
    else if (reading !== undefined) this.#admit(reading);
    else {
      this.#coming = { config: undefined, leaving: [], added: [], hasStarted: false };
      for (const keeper of this.present) keeper.reload();
    }
  }

  #admit(site: UsableSite): void {
    const problem = siteProblem(site.config, site.apps);
    if (problem !== undefined) {
      this.#refuse([problem]);
      return;
    }
    const { listeners } = this.#options;
    const isWaiting = listeners.admit(site.config, (problems) =>
      this.#world.take({ type: "site-admitted", site, problems }),
    );
    if (!isWaiting) this.#begin(site);
  }

  /** Where the site that was read wants to listen was opened, or has problems. */
  onAdmitted(site: UsableSite, problems: readonly string[]): void {
    if (!this.#world.isRunning) return;
    if (problems.length === 0) this.#begin(site);
    else this.#refuse(problems);
  }

  /** The fronts serve what they were told last. */
  onFrontsCurrent(): void {
    const { listeners } = this.#options;
    const isOpening = listeners.openLate((problems) =>
      this.#world.take({ type: "late-listeners", problems }),
    );
    if (!isOpening) this.#world.announcer.listening();
  }

  onLateListeners(problems: readonly string[]): void {
    for (const problem of problems) this.#world.ports.log.error(problem);
    if (problems.length > 0) this.#isUnusable = true;
    this.#tellFronts();
  }

  #refuse(problems: readonly string[]): void {
    const { announcer, ports } = this.#world;
    this.#isUnusable = true;
    for (const problem of problems) ports.log.error(problem);
    announcer.siteRefused();
  }

  #begin({ config, apps, warnings }: UsableSite): void {
    const { announcer, ports } = this.#world;
    this.#isUnusable = false;
    for (const warning of warnings) ports.log.warning(warning);
    const fixed = changedButFixed(this.#options.config, config, APPLIED_BY_SITES);
    if (fixed.length > 0) announcer.needsRestart(fixed);
    const added = apps.filter(({ name }) => this.get(name) === undefined).map((order) => this.#keep(order));
    const leaving = this.present.filter(({ name }) => !apps.some((order) => order.name === name));
    this.#coming = { config, leaving, added, hasStarted: apps.length === 0 };
    for (const order of apps) this.get(order.name)?.reload(order);
    this.#keepers = [...this.#keepers, ...added];
    for (const keeper of added) void this.#openLate(keeper);
    this.#tellFronts();
    if (apps.length === 0) this.#world.whenFrontsHaveObeyed(() => announcer.reloaded());
  }

  async #openLate(keeper: AppKeeper): Promise<void> {
    try {
      await keeper.open();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#world.ports.log.error("application cannot be added", { app: keeper.name, reason });
      keeper.remove();
    }
    this.#world.take({ type: "start" });
  }

  /** `one each`: after a rest. */
  scaleBy(change: 1 | -1 | "one each"): void {
    for (const keeper of this.present) {
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

  killWorkers(cause: "stop" | "drain-timeout"): void {
    for (const { workers } of this.all) workers.killAll(cause);
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
    for (const keeper of this.all) if (front.hasJustMet(keeper.name)) keeper.onFrontReady(front);
  }

  /** Of an application that was removed and added again both keepers are told: each knows its workers. */
  onFrontReport(front: FrontHandle, report: AppReport): void {
    for (const keeper of this.all) if (keeper.name === report.app) keeper.onFrontReport(front, report);
  }

  onFrontGone(front: FrontHandle): void {
    for (const keeper of this.all) keeper.onFrontGone(front);
  }

  onListening(): void {
    for (const keeper of this.all) keeper.onListening();
  }
}
