// What can be asked and ordered over the control socket, as replies to requests.

import type { Config } from "../config/config.ts";
import type { Line } from "../control/json-lines.ts";
import type { OpenRequest } from "../control/messages.ts";
import type { Reply } from "./control-server.ts";
import type { ArbiterSignal } from "./signals.ts";
import { type ArbiterView, countServing } from "./view.ts";

/** The most that one reply lists. */
const REQUESTS_MAX = 1_000;
const WORKERS_MAX = 1_024;

/** The arbiter as commands use it. */
export interface Commanded {
  view(): ArbiterView;
  signal(signal: ArbiterSignal): void;
  scale(workers: number): void;
  askFronts(type: "status" | "requests"): Promise<unknown[]>;
  askWorker(pid: number, type: "ping" | "stacks"): Promise<unknown>;
}

export interface CommandsOptions {
  readonly arbiter: Commanded;
  readonly config: Config;
  readonly version: string;
  readonly pid: number;
  readonly addresses: readonly string[];
  nowMs(): number;
}

export class ControlCommands {
  readonly #options: CommandsOptions;
  readonly #startedAtMs: number;

  constructor(options: CommandsOptions) {
    this.#options = options;
    this.#startedAtMs = options.nowMs();
  }

  async answer(request: Line): Promise<Reply> {
    switch (request.type) {
      case "status":
        return this.#status();
      case "workers":
        return this.#workers();
      case "requests":
        return this.#requests();
      case "stack":
        return this.#stack(request["pid"]);
      case "scale":
        return this.#scale(request["workers"]);
      case "reload":
        return this.#signal("SIGHUP");
      case "reopen":
        return this.#signal("SIGUSR1");
      case "stop":
        return this.#signal(request["quick"] === true ? "SIGQUIT" : "SIGTERM");
      default:
        return failure("unknown command");
    }
  }

  async #status(): Promise<Reply> {
    const { arbiter, config, version, pid, addresses, nowMs } = this.#options;
    const answers = await arbiter.askFronts("status");
    const counters = answers.map((answer) => countersOf(answer));
    const view = arbiter.view();
    return {
      ok: true,
      version,
      pid,
      app: config.app,
      addresses,
      phase: view.phase,
      degraded: view.isDegraded,
      generation: view.generation,
      uptimeSeconds: Math.round((nowMs() - this.#startedAtMs) / 1_000),
      workers: {
        serving: countServing(view),
        wanted: view.workersWanted,
        min: config.workersMin,
        max: config.workersMax,
      },
      fronts: view.fronts.map((front, index) => ({ ...front, counters: counters[index] ?? null })),
    };
  }

  async #workers(): Promise<Reply> {
    const { arbiter, nowMs } = this.#options;
    const workers = arbiter.view().workers.filter(({ pid }) => pid > 0);
    const pongs = await Promise.all(workers.map(({ pid }) => arbiter.askWorker(pid, "ping")));
    const rows = workers.slice(0, WORKERS_MAX).map((worker, index) => ({
      pid: worker.pid,
      nr: worker.nr,
      generation: worker.generation,
      state: worker.state,
      serving: worker.isServing,
      ageSeconds: Math.round((nowMs() - worker.bornAtMs) / 1_000),
      slots: worker.slots,
      ...pongOf(pongs[index]),
    }));
    return { ok: true, workers: rows };
  }

  async #requests(): Promise<Reply> {
    const answers = await this.#options.arbiter.askFronts("requests");
    const all = answers.flatMap(requestsOf).sort((a, b) => b.elapsedMs - a.elapsedMs);
    return { ok: true, requests: all.slice(0, REQUESTS_MAX), total: all.length };
  }

  async #stack(pid: unknown): Promise<Reply> {
    const { arbiter } = this.#options;
    const worker = arbiter.view().workers.find((one) => one.pid === pid && one.pid > 0);
    if (worker === undefined) return failure("no worker has this pid");
    const answer = await arbiter.askWorker(worker.pid, "stacks");
    const text = isRecord(answer) ? answer["text"] : undefined;
    return typeof text === "string"
      ? { ok: true, pid: worker.pid, text }
      : failure("the worker does not answer");
  }

  #scale(workers: unknown): Reply {
    const { arbiter, config } = this.#options;
    const isElastic = config.workersMin < config.workersMax;
    const [min, max] = isElastic ? [config.workersMin, config.workersMax] : [1, WORKERS_MAX];
    if (!Number.isSafeInteger(workers)) return failure("workers: expected a whole number");
    const wanted = workers as number; // just checked
    if (wanted < min || wanted > max) return failure(`workers: expected ${min} to ${max}`);
    const from = arbiter.view().workersWanted;
    arbiter.scale(wanted);
    return { ok: true, from, to: wanted };
  }

  #signal(signal: ArbiterSignal): Reply {
    this.#options.arbiter.signal(signal);
    return { ok: true };
  }
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

/** Checked when it came in (control/shapes.ts). */
function requestsOf(answer: unknown): readonly OpenRequest[] {
  return isRecord(answer) ? (answer["requests"] as readonly OpenRequest[]) : [];
}

function pongOf(answer: unknown): Reply {
  const { rss = null, requests = null, busy = null, sinceProgressMs = null } = isRecord(answer) ? answer : {};
  return { rssKib: rss, requests, busy, sinceProgressMs };
}
