// What a front is made of: real sockets, and what answers their requests. It can be given another site while it runs.

import { accessSync, constants, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "../base/system-clock.ts";
import type { Config } from "../config/config.ts";
import type { ListenerConfig } from "../config/listener.ts";
import type { Application } from "../config/site.ts";
import type { TlsMaterial } from "../config/tls-material.ts";
import type {
  FrontCommand,
  FrontReport,
  FrontSite,
  Meetings,
  OpenRequest,
  ServedListener,
} from "../control/messages.ts";
import { Front } from "../front/front.ts";
import { InternalRoutes } from "../handlers/files/internal-routes.ts";
import { MetricsHandler } from "../handlers/metrics.ts";
import { RedirectHandler } from "../handlers/redirect.ts";
import type { Handler } from "../http/exchange.ts";
import type { Log } from "../log/log.ts";
import type { Samples } from "../metrics/exposition.ts";
import { clientsThatFit } from "../os/descriptors.ts";
import { clientMemory } from "../os/memory.ts";
import { readText } from "../os/read-text.ts";
import { FrontApp } from "./front-app.ts";
import { FrontFigures } from "./front-figures.ts";
import { FrontRecords } from "./front-records.ts";
import { factsOf, type RouteServices, rootHandler, routeServices } from "./front-routes.ts";
import type { HandedSockets } from "./handed-sockets.ts";

export type Configure = Extract<FrontCommand, { readonly type: "configure" }>;

/** What is told of when the arbiter asks; the oldest are. */
const OPEN_REQUESTS_MAX = 1_000;

export interface FrontPorts {
  /** Certificates by the listeners' ids. */
  readonly materials: ReadonlyMap<number, TlsMaterial>;
  readonly sockets: Pick<HandedSockets, "take">;
  report(report: FrontReport): void;
}

export class FrontParts {
  readonly figures: FrontFigures;
  readonly #order: Configure;
  readonly #ports: FrontPorts;
  readonly #records: FrontRecords;
  readonly #front: Front;
  readonly #bodyFolder: string;
  readonly #services: RouteServices;
  readonly #internal = new InternalRoutes();
  #site: FrontSite;
  #apps: ReadonlyMap<string, FrontApp>;
  #isLeaving = false;

  constructor(order: Configure, ports: FrontPorts) {
    const { config } = order;
    this.#order = order;
    this.#ports = ports;
    this.#site = order;
    this.figures = new FrontFigures(systemClock, (report) => ports.report(report));
    this.#records = new FrontRecords({
      config,
      figures: this.figures,
      clock: systemClock,
      pid: process.pid,
      waiting: () => this.#facts().waiting,
      sendUnix: (text) => ports.report({ type: "metrics", text }),
    });
    this.#bodyFolder = usableFolder(order.bodyFolder, this.log);
    this.#services = routeServices(this.log);
    this.#apps = new Map(order.apps.map((application) => [application.name, this.#makeApp(application)]));
    this.#front = new Front({
      config: this.#fitted(config),
      handler: this.#handler(),
      log: this.log,
      accessLog: this.#records.access,
      clock: systemClock,
    });
    nameProcess(config);
  }

  get log(): Log {
    return this.#records.log;
  }

  /** What the settings leave to the machine. */
  #fitted(config: Config): Config {
    const clientMemoryBytes = config.clientMemoryBytes || clientMemory(readText) / config.fronts;
    return { ...config, clientMemoryBytes, connectionsMax: this.#fittingClients(config) };
  }

  /** No more clients than descriptors: the workers need some too. */
  #fittingClients({ connectionsMax: wanted, workersMax }: Config): number {
    const fitting = clientsThatFit(readText, workersMax);
    if (wanted <= fitting) return wanted;
    this.log.warning("fewer clients than --connections: the limit of open files is low", { wanted, fitting });
    return fitting;
  }

  #makeApp(application: Application): FrontApp {
    return new FrontApp({
      application,
      log: this.log,
      bodyFolder: this.#bodyFolder === "" ? "" : join(this.#bodyFolder, application.name),
      isMemoryTight: () => this.#front.memory.isTight,
      internal: this.#internal,
      files: this.#services.files,
      report: (report) => {
        if (report.type === "worker-joined") this.figures.workerJoined(report.pid, report.app);
        this.#ports.report(report);
      },
    });
  }

  #handler(): Handler {
    const { config } = this.#site;
    const services = this.#services;
    this.#internal.use(config.routes);
    return rootHandler({ config, apps: this.#apps, services, facts: () => this.#facts() });
  }

  #facts(): ReturnType<typeof factsOf> {
    return factsOf([...this.#apps.values()], {
      routes: this.#site.config.routes,
      isLeaving: this.#isLeaving,
    });
  }

  appOf(name: string): FrontApp | undefined {
    return this.#apps.get(name);
  }

  async start(): Promise<void> {
    const meetings = await this.#meetings();
    for (const listener of this.#order.listeners) await this.#listen(listener);
    this.#ports.report({ type: "ready", meetings });
  }

  async #listen({ id, path, settings }: ServedListener): Promise<void> {
    const { materials, sockets } = this.#ports;
    const fd = await sockets.take(id);
    await this.#front.listen(
      { ...settings, address: { kind: "fd", fd } },
      {
        id,
        unixPath: path,
        material: materials.get(id),
        handler: this.#handlerOf(settings),
      },
    );
  }

  /** Undefined for those that serve what the others do. */
  #handlerOf({ redirectToTlsPort, servesMetrics }: ListenerConfig): Handler | undefined {
    if (servesMetrics) return new MetricsHandler(() => this.figures.collect());
    return redirectToTlsPort === 0 ? undefined : new RedirectHandler(redirectToTlsPort);
  }

  /** First those that come: where one only speaks otherwise, no client is refused meanwhile. */
  async #changeListeners(before: readonly ServedListener[], now: readonly ServedListener[]): Promise<void> {
    const isIn = (listeners: readonly ServedListener[], { id }: ServedListener): boolean =>
      listeners.some((listener) => listener.id === id);
    for (const listener of now.filter((one) => !isIn(before, one))) await this.#tryToListen(listener);
    for (const { id } of before.filter((one) => !isIn(now, one))) await this.#front.unlisten(id);
  }

  async #tryToListen(listener: ServedListener): Promise<void> {
    try {
      await this.#listen(listener);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      this.log.error("cannot listen; the other addresses are served", { address: listener.address, cause });
    }
  }

  /** The arbiter has tried them; should a front not take them, the old ones stay. */
  renewTls(listener: number, material: TlsMaterial): void {
    try {
      this.#front.renewTls(listener, material);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      this.log.error("new certificates cannot be used; those before stay in use", { listener, cause });
    }
  }

  /** From now on; what runs goes on as it began. Applications that the site does not have any more are ended. */
  async reconfigure(site: FrontSite): Promise<void> {
    const before = this.#apps;
    const { listeners } = this.#site;
    this.#site = site;
    this.#apps = new Map(site.apps.map((application) => [application.name, this.#adapted(application)]));
    const meetings = await this.#meetings();
    this.#records.reconfigure(site.config);
    nameProcess(site.config);
    this.#front.reconfigure(this.#fitted(site.config), this.#handler(), this.#records.access);
    await this.#changeListeners(listeners, site.listeners);
    this.#ports.report({ type: "reconfigured", meetings });
    for (const [name, app] of before) if (!this.#apps.has(name)) await app.close();
  }

  #adapted(application: Application): FrontApp {
    const known = this.#apps.get(application.name);
    known?.reconfigure(application.config);
    return known ?? this.#makeApp(application);
  }

  async #meetings(): Promise<Meetings> {
    const named = [...this.#apps.values()].map(async (app) => [app.name, await app.meeting()] as const);
    return Object.fromEntries(await Promise.all(named));
  }

  /** A stop is near. */
  leave(): void {
    this.#isLeaving = true;
    this.#front.leave();
  }

  async drain(graceMs: number): Promise<void> {
    this.leave();
    for (const app of this.#apps.values()) app.endStreams();
    if (graceMs === 0) this.#front.destroy();
    await this.#front.drain(graceMs);
    await this.#services.basicAuth.close();
    for (const app of this.#apps.values()) await app.close();
    await this.#records.close();
  }

  reopenLogs(): void {
    this.#records.reopen();
  }

  counters(): Readonly<Record<string, number>> {
    return { ...flatNumbers(this.#front.counters), ...flatNumbers(this.#facts()) };
  }

  samples(): Samples {
    return this.figures.samples(this.#order.nr, this.#front.counters, this.#facts());
  }

  openRequests(): readonly OpenRequest[] {
    return this.#front.inFlight(OPEN_REQUESTS_MAX);
  }

  removeBodyFolder(): void {
    rmSync(this.#order.bodyFolder, { recursive: true, force: true });
  }
}

function nameProcess({ procName }: Config): void {
  process.title = `tunicorn: front [${procName}]`;
}

/** "" when its parent cannot be written: then bodies stay in memory, within a limit (handlers/body-store.ts). */
function usableFolder(folder: string, log: Log): string {
  try {
    accessSync(dirname(folder), constants.W_OK);
    return folder;
  } catch {
    log.info("no folder for request bodies can be written; they are held in memory", { folder });
    return "";
  }
}

function flatNumbers(values: object): Record<string, number> {
  const numbers = Object.entries(values).filter(
    (entry): entry is [string, number] => typeof entry[1] === "number",
  );
  return Object.fromEntries(numbers);
}
