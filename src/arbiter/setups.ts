// What each generation of one application runs with. A generation's own is read when it is begun or, where the configuration
// file is a program, when its forkserver has run that.

import type { BootFailure, Evaluated } from "../control/messages.ts";
import type { Log } from "../log/log.ts";
import type { AppAnnouncer } from "./announcer.ts";
import type { AppOrder } from "./arbiter-ports.ts";
import { FIRST_START, type Reload } from "./reload.ts";
import { changedButFixed, type Setup } from "./setup.ts";

export class Setups {
  readonly #order: AppOrder;
  readonly #announcer: AppAnnouncer;
  readonly #log: Log;
  readonly #byGeneration = new Map<number, Setup>();
  #newest: Setup;

  constructor(order: AppOrder, announcer: AppAnnouncer, log: Log) {
    this.#order = order;
    this.#announcer = announcer;
    this.#log = log;
    this.#newest = order;
    this.set(FIRST_START.newest, order);
  }

  get(generation: number): Setup | undefined {
    return this.#byGeneration.get(generation);
  }

  /** Of the newest generation that may still come true. */
  current({ coming, proven }: Reload): Setup {
    return this.get(coming ?? proven) ?? this.get(proven) ?? this.#newest;
  }

  set(generation: number, setup: Setup): void {
    this.#byGeneration.set(generation, setup);
    this.#newest = setup;
  }

  delete(generation: number): void {
    this.#byGeneration.delete(generation);
  }

  /** Undefined when the configuration can be used; else it was said why not. `fallback`: where nothing is read. */
  read(generation: number, evaluated: Evaluated | undefined, fallback: Setup): BootFailure | undefined {
    const { source, config } = this.#order;
    const reading = source?.read(evaluated) ?? { ok: true, setup: fallback, warnings: [] };
    if (!reading.ok) {
      for (const problem of reading.problems) sayProblem(this.#log, problem);
      return unusable(reading.problems);
    }
    for (const warning of reading.warnings) this.#log.warning(warning);
    const names = changedButFixed(config, reading.setup.config);
    if (names.length > 0) this.#announcer.needsRestart(names);
    this.set(generation, reading.setup);
    return undefined;
  }
}

function sayProblem(log: Log, problem: string): void {
  const [message = "", ...traceback] = problem.split("\n");
  log.error(message, traceback.length === 0 ? {} : { traceback: traceback.join("\n") });
}

/** `problems`: lines, or a message with a traceback below it. */
export function unusable(problems: readonly string[]): BootFailure {
  const message = "the configuration cannot be used";
  return { step: "config", message, traceback: problems.join("\n"), hint: "", exitCode: 1 };
}

export const NOT_AS_BEFORE: BootFailure = unusable(["it failed, where it had been evaluated before"]);
