// From everything a user said to one frozen Config, or to all problems at once.
// Strength: built-in default < platform's variables < configuration file < UVICORN_* < GUNICORN_CMD_ARGS < TUNICORN_* < flags.

import { parseCommandLine } from "./command-line.ts";
import type { Config } from "./config.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { type Layer, type Origins, settle } from "./layer.ts";
import type { Problem } from "./problem.ts";
import { resolveConfig } from "./resolve.ts";
import type { Values } from "./settings.ts";

export interface ConfigSources {
  /** The command line without the program's name. */
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly cwd: string;
  /** Configuration files' values (layerOf), weakest first. */
  readonly files?: readonly Layer[];
  /** What `--workers auto` means on this machine; asked at most once, and only for `auto`. */
  readonly countWorkers: () => WorkerCount;
}

export interface WorkerCount {
  readonly workers: number;
  /** How the number came about, for the log. */
  readonly arithmetic: string;
}

export type Loaded =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly values: Values;
      readonly origins: Origins;
      readonly warnings: readonly string[];
      /** What the operator should be told at the start, such as the arithmetic of `auto`. */
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly string[] };

export function loadConfig(sources: ConfigSources): Loaded {
  const line = parseCommandLine(sources.argv);
  const environment = readEnvironment(sources.env);
  const layers = [environment.platform, ...(sources.files ?? []), ...environment.variables, line.layer];
  const settled = settle(layers);
  const auto = settled.values.workers === "auto" ? sources.countWorkers() : undefined;
  const around = { env: sources.env, cwd: sources.cwd, workersAuto: auto?.workers ?? 1 };
  const resolved = resolveConfig(settled.values, settled.origins, around);
  const problems = [...line.problems, ...environment.problems, ...settled.problems, ...resolved.problems];
  const warnings = [...environment.warnings, ...settled.warnings];
  if (problems.length > 0) return { ok: false, problems, warnings };
  return {
    ok: true,
    config: resolved.config,
    values: settled.values,
    origins: settled.origins,
    warnings,
    notes: auto === undefined ? [] : [auto.arithmetic],
  };
}

/** A Config of defaults with some members changed. For tests and tools. */
export function configOf(changes: Partial<Config> = {}): Config {
  const settled = settle([]);
  const { config } = resolveConfig(settled.values, settled.origins, { env: {}, cwd: "/", workersAuto: 1 });
  return Object.freeze({ ...config, ...changes });
}
