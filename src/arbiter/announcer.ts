// What the arbiter says in the log. The lines that people's scripts look for are worded as gunicorn words them.

import type { Config, WorkerClass } from "../config/config.ts";
import type { BootFailure } from "../control/messages.ts";
import type { Log, LogFields } from "../log/log.ts";
import type { ServerFacts } from "./arbiter-ports.ts";
import type { ChildExit } from "./child.ts";
import type { PoolWorker } from "./pool.ts";

/** Of the server itself. */
export class Announcer {
  readonly #server: ServerFacts;
  readonly #log: Log;
  /** Addresses that it has said. */
  #said: readonly string[] = [];

  constructor(server: ServerFacts, log: Log) {
    this.#server = server;
    this.#log = log;
  }

  starting(): void {
    this.#say(`Starting tunicorn ${this.#server.version}`);
  }

  /** Said when the fronts listen, so that whoever reads it can connect; again of what a reload has changed. */
  listening(): void {
    const before = this.#said;
    this.#said = addressesOf(this.#server);
    for (const address of before.filter((one) => !this.#said.includes(one))) {
      this.#say(`Not listening any more at: ${address}`);
    }
    for (const address of this.#said.filter((one) => !before.includes(one))) {
      this.#say(`Listening at: ${address} (${process.pid})`);
    }
  }

  readyWithoutApps(): void {
    this.#say(`Ready at ${addressesOf(this.#server).join(",")}: no applications`);
  }

  reloaded(): void {
    this.#log.info("reload finished");
  }

  /** `isByKernel`: which had no memory left for it. */
  frontGone(
    { nr, pid }: { readonly nr: number; readonly pid: number },
    exit: ChildExit,
    { isByKernel }: { readonly isByKernel: boolean },
  ): void {
    const cause = isByKernel ? { cause: "kernel-oom", by: "kernel" } : {};
    const error = exit.error === undefined ? {} : { error: exit.error.message };
    this.#log.error("front exited", { nr, pid, ...cause, ...exitFields(exit), ...error });
  }

  fronts({ count, wanted }: { readonly count: number; readonly wanted: number }): void {
    if (this.#server.purpose !== "serve" || count >= wanted) return;
    const advice = `each needs a worker of each application: give each at least ${wanted} (-w ${wanted})`;
    this.#log.warning(`${count} instead of ${wanted} fronts: ${advice}`);
  }

  siteRefused(): void {
    this.#log.error("reload failed: the configuration cannot be used, and nothing has changed");
  }

  needsRestart(names: readonly string[]): void {
    sayFixed(this.#log, names);
  }

  stopping(level: string): void {
    this.#say(`Shutting down: ${level}`);
  }

  ended(): void {
    this.#say("Stopped");
  }

  /** --check-config says nothing when all is well. */
  #say(line: string): void {
    if (this.#server.purpose === "serve") this.#log.info(line);
  }
}

/** Of one application. The log that it is given names the application where there are several. */
export class AppAnnouncer {
  readonly #server: ServerFacts;
  readonly #log: Log;
  #workerClass: WorkerClass | undefined;

  constructor(server: ServerFacts, log: Log) {
    this.#server = server;
    this.#log = log;
  }

  /** Once for each kind. `auto` is said when an application was loaded, for only then it is known. */
  using({ workerClass, threads }: Config, worker?: PoolWorker): void {
    const used = workerClass === "auto" ? classOf(worker?.interface, threads) : workerClass;
    if (used === undefined || used === this.#workerClass) return;
    this.#workerClass = used;
    this.#say(`Using worker: ${used}`);
  }

  ready(workers: readonly PoolWorker[], config: Config): void {
    this.using(config, workers[0]);
    const { threads } = config;
    const slots = workers.reduce((sum, worker) => sum + worker.slots, 0);
    const each = this.#workerClass === "gthread" ? ` × ${threads} threads` : "";
    this.#say(
      `Ready at ${addressesOf(this.#server).join(",")}: ${workers.length} ${plural(workers.length)}${each}, ${slots} concurrent requests`,
    );
  }

  changed(file: string): void {
    this.#log.info("file changed, starting anew", { file });
  }

  reloaded(generation: number): void {
    this.#log.info("reload finished", { generation });
  }

  reloadFailed(proven: number): void {
    if (proven === 0) this.#log.error("the application does not start");
    else this.#log.error("reload failed: the code that served before keeps serving", { generation: proven });
  }

  triesAgain(afterMs: number): void {
    this.#log.error("the application does not start; the others serve, and it is tried again", {
      afterSeconds: afterMs / 1_000,
    });
  }

  removed(): void {
    this.#log.info("application removed");
  }

  configured({ pid, python }: { readonly pid: number; readonly python: string }): void {
    this.#log.debug("forkserver configured", { pid, python });
  }

  hookNotCalled(hook: string): void {
    this.#log.warning("hook not called: the forkserver is not ready", { hook });
  }

  needsRestart(names: readonly string[]): void {
    sayFixed(this.#log, names);
  }

  preloadFailed(failure: BootFailure): void {
    this.#log.error(`Forkserver failed to boot: ${failure.message}`, failureFields(failure));
  }

  bootFailed(nr: number, failure: BootFailure): void {
    this.#log.error(`Worker failed to boot: ${failure.message}`, { nr, ...failureFields(failure) });
  }

  forkserverGone(from: { readonly command: string; readonly pid: number }, exit: ChildExit): void {
    const { command, pid } = from;
    if (exit.error === undefined) {
      this.#log.error("forkserver exited", { pid, command, ...exitFields(exit) });
    } else this.#log.error(`Cannot start Python: ${exit.error.message}`, { step: "spawn", command });
  }

  #say(line: string): void {
    if (this.#server.purpose === "serve") this.#log.info(line);
  }
}

function addressesOf({ listeners }: ServerFacts): readonly string[] {
  return listeners.current.map(({ served }) => served.address);
}

function sayFixed(log: Log, names: readonly string[]): void {
  log.warning("changed in the configuration, but in force only after a new start", {
    settings: names.join(", "),
  });
}

/** As the worker has chosen (python/tunicorn_worker/worker.py). */
function classOf(kind: string | undefined, threads: number): WorkerClass | undefined {
  if (kind === undefined || kind === "") return undefined;
  if (kind === "asgi") return "asgi";
  return threads > 1 ? "gthread" : "sync";
}

function plural(workers: number): string {
  return workers === 1 ? "worker" : "workers";
}

function failureFields({ step, traceback, hint }: BootFailure): LogFields {
  return {
    step,
    ...(hint === "" ? {} : { hint }),
    ...(traceback === "" ? {} : { traceback }),
  };
}

function exitFields({ code, signal }: ChildExit): LogFields {
  return signal === null ? { code } : { signal };
}
