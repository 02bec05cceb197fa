// One application in a front: the handler that gives its requests to workers, and the gate where these come in. Each has a socket
// and a token of its own, so that no application's worker can pass for another's.

import { randomUUID } from "node:crypto";
import { systemClock } from "../base/system-clock.ts";
import type { Config } from "../config/config.ts";
import type { Application } from "../config/site.ts";
import type { AppReport, FrontCommand, Meeting } from "../control/messages.ts";
import { lendLargeReads } from "../front/lent-reads.ts";
import { AppHandler } from "../handlers/app.ts";
import type { AppStatus } from "../handlers/app-ports.ts";
import { Development } from "../handlers/development.ts";
import { AppFiles, type InternalFolders } from "../handlers/files/app-files.ts";
import { DjangoFolders } from "../handlers/files/django-folders.ts";
import type { FilesServices } from "../handlers/files/files-handler.ts";
import { PressureHandler } from "../handlers/pressure.ts";
import type { Exchange, Handler } from "../http/exchange.ts";
import { WorkerGate } from "../link/worker-gate.ts";
import type { Log } from "../log/log.ts";

export interface FrontAppOptions {
  readonly application: Application;
  readonly log: Log;
  /** "" when none can be written. */
  readonly bodyFolder: string;
  isMemoryTight(): boolean;
  /** Where its X-Accel-Redirect may lead. */
  readonly internal: InternalFolders;
  readonly files: FilesServices;
  report(report: AppReport): void;
}

export class FrontApp {
  readonly name: string;
  readonly #options: FrontAppOptions;
  readonly #app: AppHandler;
  readonly #pressure: Handler;
  readonly #gate: WorkerGate;
  readonly #django: DjangoFolders;
  #config: Config;
  #meeting: Promise<Meeting> | undefined;

  constructor(options: FrontAppOptions) {
    const { application, log } = options;
    this.name = application.name;
    this.#options = options;
    this.#config = application.config;
    this.#app = this.#makeHandler();
    this.#pressure = this.#makePressureHandler();
    this.#django = this.#makeDjangoFolders();
    this.#gate = new WorkerGate({
      log,
      lendReads: lendLargeReads,
      attached: (worker) => {
        if (worker.hello.django !== undefined) this.#django.tell(worker.hello.django);
        this.#app.addWorker(worker);
        options.report({ type: "worker-joined", app: this.name, pid: worker.hello.pid });
      },
    });
  }

  #makeHandler(): AppHandler {
    const { log, bodyFolder, internal, report } = this.#options;
    const app = this.name;
    const roots = (): readonly string[] => this.#config.sendfileRoots;
    return new AppHandler({
      config: this.#config,
      log,
      nowMs: () => performance.now(),
      bodyFolder,
      isMemoryTight: () => this.#options.isMemoryTight(),
      events: {
        workerDrained: (pid) => report({ type: "worker-drained", app, pid }),
        workerLost: (pid, inFlight, count) => report({ type: "worker-lost", app, pid, inFlight, count }),
        workerWorn: (pid) => report({ type: "worker-worn", app, pid }),
        workerOverdue: (pid, requests, others) =>
          report({ type: "worker-overdue", app, pid, requests, others }),
      },
      files: new AppFiles({ roots, internal, log, wallMs: () => systemClock.unixMs() }),
      development: this.#config.reload.isOn ? new Development(randomUUID()) : undefined,
    });
  }

  #makePressureHandler(): Handler {
    return new PressureHandler({
      clock: systemClock,
      look: () => {
        const { waiting, running, waitedMs } = this.#app.status();
        return { waitingMs: waitedMs, queued: waiting, busy: running };
      },
      report: (pressure) => this.#options.report({ type: "pressure", app: this.name, ...pressure }),
      next: this.#app,
    });
  }

  #makeDjangoFolders(): DjangoFolders {
    const { files: services } = this.#options;
    const { reload, scriptName, rootPath } = this.#config;
    const next = { handle: (exchange: Exchange) => this.#inner.handle(exchange) };
    return new DjangoFolders({ services, isFresh: reload.isOn, prefix: scriptName || rootPath, next });
  }

  /** What its requests are given to. */
  get handler(): Handler {
    return this.#config.staticDjango === "off" ? this.#inner : this.#django;
  }

  get #inner(): Handler {
    return this.#config.workersMin < this.#config.workersMax ? this.#pressure : this.#app;
  }

  get status(): AppStatus {
    return this.#app.status();
  }

  /** Where its workers attach; the same at each call. */
  meeting(): Promise<Meeting> {
    this.#meeting ??= this.#listen();
    return this.#meeting;
  }

  async #listen(): Promise<Meeting> {
    const { address, token } = await this.#gate.listen();
    // An abstract name begins with NUL in Node, with "@" in docs/control.md.
    return { address: address.replace(/^\0/, "@"), token };
  }

  /** From now on; what runs goes on as it began. */
  reconfigure(config: Config): void {
    this.#config = config;
    this.#app.reconfigure(config);
  }

  obey(command: Extract<FrontCommand, { readonly app: string }>): void {
    switch (command.type) {
      case "drain-worker":
        this.#app.drainWorker(command.pid);
        break;
      case "expire-worker":
        this.#app.expireWorker(command.pid);
        break;
      case "app-broken":
        this.#app.broke(command);
        break;
      case "app-mended":
        this.#app.mended();
        break;
    }
  }

  endStreams(): void {
    this.#app.endStreams();
  }

  /** When its last request is over. */
  async close(): Promise<void> {
    this.#app.destroy();
    await this.#gate.close();
  }
}
