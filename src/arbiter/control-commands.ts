// What can be asked and ordered over the control socket, as replies to requests.

import type { Line } from "../control/json-lines.ts";
import type { OpenRequest } from "../control/messages.ts";
import type { Reply } from "./control-server.ts";
import type { FrontQuestion } from "./front-handle.ts";
import type { PoolWorker } from "./pool.ts";
import type { ArbiterSignal } from "./signals.ts";
import { type AppView, type ArbiterView, countServing, countWanted } from "./view.ts";

/** The most that one reply lists. */
const REQUESTS_MAX = 1_000;
const WORKERS_MAX = 1_024;

/** The arbiter as commands use it. */
export interface Commanded {
  view(): ArbiterView;
  signal(signal: ArbiterSignal): void;
  scale(app: string, workers: number): boolean;
  reload(app: string): boolean;
  askFronts(type: FrontQuestion): Promise<unknown[]>;
  askWorker(pid: number, type: "ping" | "stacks"): Promise<unknown>;
  dumpWorker(pid: number): Promise<unknown>;
  metricsText(): Promise<string>;
}

export interface CommandsOptions {
  readonly arbiter: Commanded;
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  addresses(): readonly string[];
  nowMs(): number;
  /** Undefined where the machine does not say. */
  sharedMemoryOf?(pid: number): { readonly sharedKib: number; readonly proportionalKib: number } | undefined;
}

export class ControlCommands {
  readonly #options: CommandsOptions;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  async answer(request: Line): Promise<Reply> {
    switch (request.type) {
      case "status":
        return this.#status();
      case "workers":
        return this.#workers();
      case "requests":
        return this.#requests();
      case "metrics":
        return { ok: true, text: await this.#options.arbiter.metricsText() };
      case "stack":
        return this.#stack(request["pid"]);
      case "scale":
        return this.#scale(request["app"], request["workers"]);
      case "reload":
        return this.#reload(request["app"]);
      case "reopen":
        return this.#signal("SIGUSR1");
      case "stop":
        return this.#signal(request["quick"] === true ? "SIGQUIT" : "SIGTERM");
      default:
        return failure("unknown command");
    }
  }

  async #status(): Promise<Reply> {
    const { arbiter, version, pid, addresses, startedAtMs, nowMs } = this.#options;
    const { fronts } = arbiter.view(); // those that are asked now: one may be replaced meanwhile
    const answers = await arbiter.askFronts("status");
    const counters = answers.map((answer) => countersOf(answer));
    const view = arbiter.view();
    return {
      ok: true,
      version,
      pid,
      app: view.apps.map(({ target }) => target).join(", "),
      addresses: addresses(),
      phase: view.phase,
      degraded: view.isDegraded,
      generation: Math.max(0, ...view.apps.map(({ generation }) => generation)),
      uptimeSeconds: Math.round((nowMs() - startedAtMs) / 1_000),
      workers: {
        serving: countServing(view),
        wanted: countWanted(view),
        min: sum(view.apps.map(({ workersMin }) => workersMin)),
        max: sum(view.apps.map(({ workersMax }) => workersMax)),
      },
      apps: view.apps.map(describeApp),
      fronts: fronts.map((front, index) => ({ ...front, counters: counters[index] ?? null })),
    };
  }

  async #workers(): Promise<Reply> {
    const { arbiter, nowMs, sharedMemoryOf } = this.#options;
    const workers = workersOf(arbiter.view());
    const pongs = await Promise.all(workers.map(({ pid }) => arbiter.askWorker(pid, "ping")));
    const rows = workers.slice(0, WORKERS_MAX).map((worker, index) => ({
      pid: worker.pid,
      app: worker.app,
      nr: worker.nr,
      generation: worker.generation,
      state: worker.state,
      serving: worker.isServing,
      ageSeconds: Math.round((nowMs() - worker.bornAtMs) / 1_000),
      slots: worker.slots,
      ...pongOf(pongs[index]),
      ...(sharedMemoryOf?.(worker.pid) ?? { sharedKib: null, proportionalKib: null }),
    }));
    return { ok: true, workers: rows };
  }

  async #requests(): Promise<Reply> {
    const { arbiter } = this.#options;
    const answers = await arbiter.askFronts("requests");
    const all = answers.flatMap(requestsOf).sort((a, b) => b.elapsedMs - a.elapsedMs);
    const apps = new Map(workersOf(arbiter.view()).map(({ pid, app }) => [pid, app]));
    const shown = all.slice(0, REQUESTS_MAX).map((one) => ({ ...one, app: apps.get(one.pid) ?? "" }));
    return { ok: true, requests: shown, total: all.length };
  }

  async #stack(pid: unknown): Promise<Reply> {
    const { arbiter } = this.#options;
    const worker = workersOf(arbiter.view()).find((one) => one.pid === pid);
    if (worker === undefined) return failure("no worker has this pid");
    const said = textOf(await arbiter.askWorker(worker.pid, "stacks"));
    const text = said ?? textOf(await arbiter.dumpWorker(worker.pid));
    if (text === undefined || text === "") return failure("the worker does not answer, nor to a signal");
    return { ok: true, pid: worker.pid, by: said === undefined ? "signal" : "worker", text };
  }

  /** Without a name the only application is meant. */
  #scale(name: unknown, workers: unknown): Reply {
    const { arbiter } = this.#options;
    const { apps, fronts } = arbiter.view();
    if (name === undefined && apps.length > 1) return failure(`app: expected one of ${namesOf(apps)}`);
    const app = name === undefined ? apps[0] : apps.find((one) => one.name === name);
    if (app === undefined) return failure(noSuch(apps));
    const isElastic = app.workersMin < app.workersMax;
    const [min, max] = isElastic
      ? [app.workersMin, app.workersMax]
      : [Math.max(1, fronts.length), WORKERS_MAX];
    if (!Number.isSafeInteger(workers)) return failure("workers: expected a whole number");
    const wanted = workers as number; // just checked
    if (wanted < min || wanted > max) return failure(`workers: expected ${min} to ${max}`);
    arbiter.scale(app.name, wanted);
    return { ok: true, app: app.name, from: app.workersWanted, to: wanted };
  }

  /** With a name: new code for that application, with the settings that it has. Without one: everything is read again. */
  #reload(name: unknown): Reply {
    const { arbiter } = this.#options;
    if (name === undefined) return this.#signal("SIGHUP");
    if (typeof name === "string" && arbiter.reload(name)) return { ok: true };
    return failure(noSuch(arbiter.view().apps));
  }

  #signal(signal: ArbiterSignal): Reply {
    this.#options.arbiter.signal(signal);
    return { ok: true };
  }
}

/** Those that have a process. */
function workersOf({ apps }: ArbiterView): (PoolWorker & { readonly app: string })[] {
  return apps.flatMap(({ name, workers }) =>
    workers.filter(({ pid }) => pid > 0).map((worker) => ({ ...worker, app: name })),
  );
}

function describeApp(app: AppView): Reply {
  return {
    name: app.name,
    target: app.target,
    phase: app.phase,
    degraded: app.isDegraded,
    generation: app.generation,
    workers: {
      serving: countServing(app),
      wanted: app.workersWanted,
      min: app.workersMin,
      max: app.workersMax,
    },
  };
}

function noSuch(apps: readonly AppView[]): string {
  return apps.length === 0 ? "there are no applications" : `no such application; there are ${namesOf(apps)}`;
}

function namesOf(apps: readonly AppView[]): string {
  return apps.map(({ name }) => name).join(", ");
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0);
}

function failure(error: string): Reply {
  return { ok: false, error };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function countersOf(answer: unknown): unknown {
  return isRecord(answer) ? answer["counters"] : undefined;
}

function textOf(answer: unknown): string | undefined {
  const text = isRecord(answer) ? answer["text"] : undefined;
  return typeof text === "string" ? text : undefined;
}

/** Checked when it came in (control/shapes.ts). */
function requestsOf(answer: unknown): readonly OpenRequest[] {
  return isRecord(answer) ? (answer["requests"] as readonly OpenRequest[]) : [];
}

function pongOf(answer: unknown): Reply {
  const { rss = null, requests = null, busy = null, sinceProgressMs = null } = isRecord(answer) ? answer : {};
  return { rssKib: rss, requests, busy, sinceProgressMs };
}
