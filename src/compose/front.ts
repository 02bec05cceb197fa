// The front's process: real sockets, the app handler and the workers' gate joined, the arbiter's commands obeyed.
// Descriptor 3 is its life line: the end of that stream is the arbiter's death, and its own.

import { randomUUID } from "node:crypto";
import { accessSync, constants, rmSync } from "node:fs";
import { Socket } from "node:net";
import { dirname } from "node:path";
import { Channel } from "../arbiter/channel.ts";
import { systemClock } from "../base/system-clock.ts";
import { NO_POLICY } from "../config/site.ts";
import type { TlsMaterial } from "../config/tls-material.ts";
import type { Line } from "../control/json-lines.ts";
import type { FrontCommand, FrontReport, OpenRequest } from "../control/messages.ts";
import { Front } from "../front/front.ts";
import { lendLargeReads } from "../front/lent-reads.ts";
import { AppHandler } from "../handlers/app.ts";
import { Development } from "../handlers/development.ts";
import { filtered, filterServices, filtersOf } from "../handlers/filters/chain.ts";
import { type HealthFacts, HealthHandler } from "../handlers/health.ts";
import { PressureHandler } from "../handlers/pressure.ts";
import { RedirectHandler } from "../handlers/redirect.ts";
import type { Handler } from "../http/exchange.ts";
import { WorkerGate } from "../link/worker-gate.ts";
import type { AccessLog } from "../log/access-record.ts";
import { openAccessLogOf } from "../log/access-writer.ts";
import { type ErrorLog, openErrorLogOf } from "../log/error-log.ts";
import { countedLog, openFrontMetrics, recordsOf } from "./front-metrics.ts";

type Configure = Extract<FrontCommand, { readonly type: "configure" }>;

const CONTROL_FD = 3;
const EXIT_CRASHED = 1;
const LAST_WORD_MS = 50;
/** What is told of when the arbiter asks; the oldest are. */
const OPEN_REQUESTS_MAX = 1_000;

/** Runs until the arbiter ends it, or is gone. */
export function runFront(): void {
  // A terminal's Ctrl-C reaches the whole process group; what it means is the arbiter's to say.
  for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const) process.on(signal, () => {});
  new FrontProcess();
}

class FrontProcess {
  readonly #control: Channel;
  readonly #materials = new Map<number, TlsMaterial>();
  #parts: FrontParts | undefined;

  constructor() {
    const stream = new Socket({ fd: CONTROL_FD, readable: true, writable: true });
    this.#control = new Channel(stream, {
      onLine: (line) => this.#onLine(line),
      onClosed: () => this.#exit(0),
    });
    process.on("uncaughtException", (error) => this.#crash(error));
  }

  /** Before `configure` they are kept for it. */
  #onCertificates(listener: number, material: TlsMaterial): void {
    if (this.#parts === undefined) this.#materials.set(listener, material);
    else this.#parts.renewTls(listener, material);
  }

  #onLine(line: Line): void {
    // The arbiter is this program's own; its twin of the type is the same file.
    const command = line as unknown as FrontCommand;
    switch (command.type) {
      case "configure":
        this.#parts = new FrontParts(command, this.#materials, (report) => this.#send(report));
        this.#parts.start().catch((error: unknown) => this.#crash(error));
        break;
      case "certificates":
        this.#onCertificates(command.listener, command.material);
        break;
      case "drain-worker":
        this.#parts?.app.drainWorker(command.pid);
        break;
      case "expire-worker":
        this.#parts?.app.expireWorker(command.pid);
        break;
      case "drain":
        void this.#drain(command.quick ? 0 : command.graceMs);
        break;
      case "app-broken":
        this.#parts?.app.broke(command);
        break;
      case "app-mended":
        this.#parts?.app.mended();
        break;
      case "leave":
        this.#parts?.leave();
        break;
      case "reopen-logs":
        this.#parts?.reopenLogs();
        break;
      case "status":
        this.#send({ type: "status", id: command.id, counters: this.#parts?.counters() ?? {} });
        break;
      case "requests":
        this.#send({ type: "requests", id: command.id, requests: this.#parts?.openRequests() ?? [] });
        break;
    }
  }

  async #drain(graceMs: number): Promise<void> {
    await this.#parts?.drain(graceMs);
    this.#send({ type: "drained" });
    // The arbiter closes the control stream when it has read that; should it not, the process must end all the same.
    setTimeout(() => this.#exit(0), LAST_WORD_MS);
  }

  #send(report: FrontReport): void {
    this.#control.send(report);
  }

  #crash(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (this.#parts === undefined) process.stderr.write(`tunicorn front: ${text}\n`);
    else this.#parts.log.critical("the front failed and will be replaced", { error: text });
    this.#exit(EXIT_CRASHED);
  }

  #exit(code: number): never {
    this.#parts?.removeBodyFolder();
    process.exit(code);
  }
}

/** What a front is made of, from its configuration on. */
class FrontParts {
  readonly log: ErrorLog;
  readonly app: AppHandler;
  readonly #records: AccessLog | undefined;
  readonly #front: Front;
  readonly #gate: WorkerGate;
  readonly #order: Configure;
  readonly #materials: ReadonlyMap<number, TlsMaterial>;
  readonly #report: (report: FrontReport) => void;
  #isLeaving = false;

  constructor(
    order: Configure,
    materials: ReadonlyMap<number, TlsMaterial>,
    report: (report: FrontReport) => void,
  ) {
    const { config } = order;
    this.#order = order;
    this.#materials = materials;
    this.#report = report;
    process.title = `tunicorn: front [${config.procName}]`;
    this.log = openErrorLogOf(config, process.pid);
    const metrics = openFrontMetrics({
      config: config.statsd,
      clock: systemClock,
      log: this.log,
      waiting: () => this.app.status().waiting,
      sendUnix: (_address, text) => report({ type: "metrics", text }),
    });
    const log = countedLog(this.log, metrics);
    this.#records = recordsOf(config, openAccessLogOf(config, this.log), metrics);
    this.app = new AppHandler({
      config,
      log,
      nowMs: () => performance.now(),
      bodyFolder: usableFolder(order.bodyFolder, this.log),
      events: {
        workerDrained: (pid) => report({ type: "worker-drained", pid }),
        workerLost: (pid, inFlight) => report({ type: "worker-lost", pid, inFlight }),
        workerWorn: (pid) => report({ type: "worker-worn", pid }),
        workerOverdue: (pid, requests, others) => report({ type: "worker-overdue", pid, requests, others }),
      },
      development: config.reload.isOn ? new Development(randomUUID()) : undefined,
    });
    this.#front = new Front({
      config,
      handler: this.#handler(),
      log,
      accessLog: this.#records,
      clock: systemClock,
    });
    this.#gate = new WorkerGate({
      log,
      lendReads: lendLargeReads,
      attached: (worker) => {
        this.app.addWorker(worker);
        report({ type: "worker-joined", pid: worker.hello.pid });
      },
    });
  }

  /** Whoever is asked first stands in front of the application. */
  #handler(): Handler {
    const { config } = this.#order;
    const facts = (): HealthFacts => ({ ...this.app.status(), isLeaving: this.#isLeaving });
    const { health: prefix, queueMax } = config;
    const app = this.#filtered(config.workersMin < config.workersMax ? this.#pressureHandler() : this.app);
    return prefix === "" ? app : new HealthHandler({ prefix, queueMax, facts, next: app });
  }

  /** What the one route says of responses. */
  #filtered(app: Handler): Handler {
    const { policy } = this.#order.config.routes[0] ?? { policy: NO_POLICY };
    return filtered(
      app,
      filtersOf(
        policy,
        filterServices(this.log, () => performance.now()),
      ),
    );
  }

  #pressureHandler(): Handler {
    return new PressureHandler({
      clock: systemClock,
      look: () => {
        const { waiting, running, waitedMs } = this.app.status();
        return { waitingMs: waitedMs, queued: waiting, busy: running };
      },
      report: (pressure) => this.#report({ type: "pressure", ...pressure }),
      next: this.app,
    });
  }

  async start(): Promise<void> {
    const { address, token } = await this.#gate.listen();
    for (const [index, { fd, path, settings }] of this.#order.listeners.entries()) {
      const { redirectToTlsPort: port } = settings;
      await this.#front.listen(
        { ...settings, address: { kind: "fd", fd } },
        {
          unixPath: path,
          material: this.#materials.get(index),
          handler: port === 0 ? undefined : new RedirectHandler(port),
        },
      );
    }
    // An abstract name begins with NUL in Node, with "@" in docs/control.md.
    this.#report({ type: "ready", address: address.replace(/^\0/, "@"), token });
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

  /** A stop is near. */
  leave(): void {
    this.#isLeaving = true;
    this.#front.leave();
  }

  async drain(graceMs: number): Promise<void> {
    this.leave();
    this.app.endStreams();
    if (graceMs === 0) this.#front.destroy();
    await this.#front.drain(graceMs);
    this.app.destroy();
    await this.#gate.close();
    await this.#records?.close();
    this.log.close();
  }

  reopenLogs(): void {
    this.log.reopen();
    this.#records?.reopen();
  }

  counters(): Readonly<Record<string, number>> {
    return { ...flatNumbers(this.#front.counters), ...flatNumbers(this.app.status()) };
  }

  openRequests(): readonly OpenRequest[] {
    return this.#front.inFlight(OPEN_REQUESTS_MAX);
  }

  removeBodyFolder(): void {
    rmSync(this.#order.bodyFolder, { recursive: true, force: true });
  }
}

/** "" when its parent cannot be written: then bodies stay in memory, within a limit (handlers/body-store.ts). */
function usableFolder(folder: string, log: ErrorLog): string {
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
