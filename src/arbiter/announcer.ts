// What the arbiter says in the log. The lines that people's scripts look for are worded as gunicorn words them.

import type { Config } from "../config/config.ts";
import type { BootFailure } from "../control/messages.ts";
import type { Log, LogFields } from "../log/log.ts";
import type { ChildExit } from "./child.ts";
import type { Listener } from "./listeners.ts";
import type { PoolWorker } from "./pool.ts";

export interface AnnouncerOptions {
  readonly config: Config;
  readonly version: string;
  readonly purpose: "serve" | "check";
  readonly listeners: readonly Listener[];
  readonly forkserverSpec: { readonly command: string };
}

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #log: Log;
  #listening: "not yet" | "said" = "not yet";

  constructor(options: AnnouncerOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  starting(): void {
    this.#say(`Starting tunicorn ${this.#options.version}`);
  }

  /** Said when the fronts listen, so that whoever reads it can connect. */
  listening(): void {
    if (this.#listening === "said") return;
    this.#listening = "said";
    for (const { inherited } of this.#options.listeners) {
      this.#say(`Listening at: ${inherited.address} (${process.pid})`);
    }
    this.#say(`Using worker: ${this.#options.config.workerClass}`);
  }

  ready(workers: readonly PoolWorker[]): void {
    const { workerClass, threads } = this.#options.config;
    const slots = workers.reduce((sum, worker) => sum + worker.slots, 0);
    const each = workerClass === "gthread" ? ` × ${threads} threads` : "";
    this.#say(
      `Ready at ${this.#addresses()}: ${workers.length} ${plural(workers.length)}${each}, ${slots} concurrent requests`,
    );
  }

  changed(file: string): void {
    this.#log.info("file changed, starting anew", { file });
  }

  reloaded(generation: number): void {
    this.#log.info("reload finished", { generation });
  }

  reloadFailed(proven: number): void {
    this.#log.error("reload failed: the code that served before keeps serving", { generation: proven });
  }

  needsRestart(names: readonly string[]): void {
    this.#log.warning("changed in the configuration, but in force only after a new start", {
      settings: names.join(", "),
    });
  }

  preloadFailed({ step, message, traceback, hint }: BootFailure): void {
    this.#log.error(`Forkserver failed to boot: ${message}`, {
      step,
      ...(hint === "" ? {} : { hint }),
      ...(traceback === "" ? {} : { traceback }),
    });
  }

  bootFailed(nr: number, { step, message, traceback, hint }: BootFailure): void {
    this.#log.error(`Worker failed to boot: ${message}`, {
      nr,
      step,
      ...(hint === "" ? {} : { hint }),
      ...(traceback === "" ? {} : { traceback }),
    });
  }

  forkserverGone(from: { readonly state: string; readonly pid: number }, exit: ChildExit): void {
    const { command } = this.#options.forkserverSpec;
    if (exit.error !== undefined) {
      this.#log.error(`Cannot start Python: ${exit.error.message}`, { step: "spawn", command });
    } else this.#log.error("forkserver exited", { pid: from.pid, command, ...exitFields(exit) });
  }

  frontGone(from: { readonly nr: number; readonly pid: number }, exit: ChildExit): void {
    const error = exit.error === undefined ? {} : { error: exit.error.message };
    this.#log.error("front exited", { nr: from.nr, pid: from.pid, ...exitFields(exit), ...error });
  }

  stopping(level: string): void {
    this.#say(`Shutting down: ${level}`);
  }

  ended(): void {
    this.#say("Stopped");
  }

  #addresses(): string {
    return this.#options.listeners.map(({ inherited }) => inherited.address).join(",");
  }

  /** --check-config says nothing when all is well. */
  #say(line: string): void {
    if (this.#options.purpose === "serve") this.#log.info(line);
  }
}

function plural(workers: number): string {
  return workers === 1 ? "worker" : "workers";
}

function exitFields({ code, signal }: ChildExit): LogFields {
  return signal === null ? { code } : { signal };
}
