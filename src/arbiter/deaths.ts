// Every death is named, once, in one record: cause, who it was, and what it was doing. The requests in flight are known
// to the front alone, so a record waits a moment for its `worker-lost`.

import type { LostRequest } from "../control/messages.ts";
import type { Log, LogFields } from "../log/log.ts";
import { OomWatch } from "./oom-watch.ts";
import type { PoolWorker } from "./pool.ts";

const LOST_WAIT_MS = 500;
/** Reports of fronts about workers whose exit has not come yet; the oldest are forgotten beyond. */
const REPORTS_MAX = 256;
export const REQUESTS_SHOWN_MAX = 10;

/** What a front says of the requests that a worker had. */
export interface Loss {
  /** The first of them. */
  readonly inFlight: readonly LostRequest[];
  readonly count: number;
}

const NO_LOSS: Loss = { inFlight: [], count: 0 };

export interface WorkerExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** KiB; 0 when unknown. */
  readonly rssMax: number;
}

export interface Death {
  readonly worker: PoolWorker;
  readonly exit: WorkerExit;
  readonly atMs: number;
  /** The kernel had no memory left for it. */
  readonly isByKernel?: boolean;
}

export class Deaths {
  /** Ends of workers by cause. */
  readonly counts: Map<string, number> = new Map();
  readonly #log: Log;
  readonly #reports = new Map<number, Loss>();
  readonly #oom: OomWatch;
  #waiting: readonly Death[] = [];

  constructor(log: Log, oom: OomWatch = new OomWatch()) {
    this.#log = log;
    this.#oom = oom;
  }

  onExit(exited: Death): void {
    const death = this.#isByKernel(exited) ? { ...exited, isByKernel: true } : exited;
    const { pid, link } = death.worker;
    const loss = this.#reports.get(pid);
    this.#reports.delete(pid);
    if (loss !== undefined || link !== "there") this.#write(death, loss ?? NO_LOSS);
    else this.#waiting = [...this.#waiting, death];
  }

  onLost(pid: number, loss: Loss): void {
    const death = this.#waiting.find(({ worker }) => worker.pid === pid);
    if (death === undefined) this.#remember(pid, loss);
    else this.#finish(death, loss);
  }

  /** Writes what has waited long enough. */
  onTime(nowMs: number): void {
    for (const death of this.#waiting) if (nowMs >= death.atMs + LOST_WAIT_MS) this.#finish(death, NO_LOSS);
  }

  /** Writes all that waits: nothing more will come. */
  flush(): void {
    for (const death of this.#waiting) this.#finish(death, NO_LOSS);
  }

  nextMomentMs(): number {
    return Math.min(...this.#waiting.map(({ atMs }) => atMs + LOST_WAIT_MS), Number.POSITIVE_INFINITY);
  }

  /** A SIGKILL that nobody here sent, while the kernel's count of such went up. */
  #isByKernel({ worker, exit, atMs }: Death): boolean {
    return exit.signal === "SIGKILL" && worker.cause === undefined && this.#oom.takeKill(atMs);
  }

  #remember(pid: number, loss: Loss): void {
    this.#reports.set(pid, loss);
    const [oldest] = this.#reports.keys();
    if (this.#reports.size > REPORTS_MAX && oldest !== undefined) this.#reports.delete(oldest);
  }

  #finish(death: Death, loss: Loss): void {
    this.#waiting = this.#waiting.filter((other) => other !== death);
    this.#write(death, loss);
  }

  #write(death: Death, loss: Loss): void {
    const cause = causeIn(death);
    this.counts.set(cause, (this.counts.get(cause) ?? 0) + 1);
    const fields = deathFields(death, loss);
    if (isWanted(death, loss)) this.#log.info("worker exited", fields);
    else this.#log.error("worker exited", fields);
  }
}

/** Asked for and done as asked, or at least not a failure of the app. */
function isWanted({ worker, exit }: Death, { count }: Loss): boolean {
  const isAsked = ["stop", "scale-down", "reload", "retire"].includes(worker.cause ?? "");
  // An operator's SIGINT or SIGQUIT to it: whoever waits for an answer has lost something.
  const isGone = worker.cause === undefined && worker.isRetiring && count === 0;
  return (isAsked || isGone) && worker.state !== "killed" && exit.signal === null;
}

function deathFields({ worker, exit, atMs, isByKernel }: Death, { inFlight, count }: Loss): LogFields {
  return {
    nr: worker.nr,
    pid: worker.pid,
    generation: worker.generation,
    cause: causeIn({ worker, exit, atMs, isByKernel: isByKernel === true }),
    by: isByKernel === true ? "kernel" : decider(worker, exit),
    ...(exit.signal === null ? { code: exit.code } : { signal: exit.signal }),
    ...(worker.retireCause === undefined ? {} : { asked: worker.retireCause }),
    ...(worker.wasReady ? {} : { step: worker.step }),
    ageSeconds: Math.round((atMs - worker.bornAtMs) / 100) / 10,
    ...(exit.rssMax > 0 ? { rssMaxKib: exit.rssMax } : {}),
    inFlight: count,
    ...(count === 0 ? {} : { requests: inFlight.slice(0, REQUESTS_SHOWN_MAX).map(showRequest) }),
  };
}

function causeIn({ worker, exit, isByKernel }: Death): string {
  return isByKernel === true ? "kernel-oom" : causeOf(worker, exit);
}

/** Never a guess: a SIGKILL that was not ours is "signal", whoever sent it. */
function causeOf(worker: PoolWorker, exit: WorkerExit): string {
  if (worker.cause !== undefined) return worker.cause;
  if (worker.isRetiring) return "retire";
  if (exit.signal !== null) return "signal";
  return exit.code === null ? "unknown" : "exit";
}

/** Signals that a process brings upon itself. */
const OWN_SIGNALS: ReadonlySet<string> = new Set([
  "SIGSEGV",
  "SIGBUS",
  "SIGILL",
  "SIGFPE",
  "SIGABRT",
  "SIGTRAP",
  "SIGSYS",
]);

/** Who ended it: this server, the worker itself, or somebody outside of both. */
function decider({ cause, retireCause, isRetiring }: PoolWorker, { signal }: WorkerExit): string {
  if (cause === "boot-error" || cause === "control-lost") return "worker";
  if (cause === undefined && signal !== null) return OWN_SIGNALS.has(signal) ? "worker" : "outside";
  const isUnheeded = cause === "drain-timeout" || cause === "request-timeout" || cause === "loop-stuck";
  if (!isUnheeded && retireCause?.startsWith("signal") === true) return "operator";
  return cause !== undefined || isRetiring ? "arbiter" : "worker";
}

export function showRequest({ id, method, path, elapsedMs, started, retried }: LostRequest): string {
  const fate = retried ? " retried" : "";
  return `#${id} ${method} ${path} ${started ? `${Math.round(elapsedMs)}ms` : "waiting"}${fate}`;
}
