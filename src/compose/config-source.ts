// The configuration file: read at the start, and again at every reload.

import type { SetupReading, SetupSource } from "../arbiter/setup.ts";
import type { ConfigFile } from "../config/config-file.ts";
import { loadConfig } from "../config/load.ts";
import { plainValues } from "../config/plain-values.ts";
import { describeProblem } from "../config/problem.ts";
import { type EvaluatedFile, type FileLayer, layerOfPython, problemsWith } from "../config/python-file.ts";
import type { layerOfToml } from "../config/toml-file.ts";
import type { Evaluate } from "../control/messages.ts";
import { readText } from "../os/read-text.ts";
import { cliHost } from "./cli-host.ts";
import { type Evaluation, evaluate } from "./evaluation.ts";
import { START_FOLDER } from "./program.ts";
import { findPython } from "./python.ts";

export interface OpenedFile {
  readonly ok: true;
  readonly layer: FileLayer;
  readonly source: SetupSource;
  /** Only for a file in Python. */
  readonly evaluation: (Evaluation & { readonly python: string }) | undefined;
}

export type Opening = OpenedFile | { readonly ok: false; readonly problem: string };

export interface FileOrder {
  readonly file: ConfigFile;
  /** --python and --chdir as they stand without the file. */
  readonly python: string;
  readonly chdir: string;
  readonly bootTimeoutMs: number;
  readonly argv: readonly string[];
}

export async function openConfigFile(order: FileOrder): Promise<Opening> {
  const { file } = order;
  if (file.language === "toml") {
    const { layerOfToml: parse } = await import("../config/toml-file.ts");
    return openToml(file, parse, order.argv);
  }
  if (file.kind === "file" && readText(file.name) === undefined)
    return { ok: false, problem: `the configuration file ${file.shown} cannot be read` };
  const python = findPython(order);
  if (python.path === undefined) return { ok: false, problem: python.problem };
  const request: Evaluate = { type: "evaluate", kind: file.kind, name: file.name };
  try {
    const evaluation = await evaluate(python.path, request, order.bootTimeoutMs);
    return openPython(file.shown, request, { ...evaluation, python: python.path }, order.argv);
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}

function openToml(
  { name, shown }: Extract<ConfigFile, { readonly language: "toml" }>,
  parse: typeof layerOfToml,
  argv: readonly string[],
): Opening {
  const read = (): FileLayer | undefined => {
    const text = readText(name);
    return text === undefined ? undefined : { ...parse(shown, text), warnings: [], notes: [] };
  };
  const unreadable = `the configuration file ${shown} cannot be read`;
  const layer = read();
  if (layer === undefined) return { ok: false, problem: unreadable };
  const readAgain = (): SetupReading => {
    const fresh = read();
    return fresh === undefined ? { ok: false, problems: [unreadable] } : loadAgain(fresh, argv);
  };
  return {
    ok: true,
    layer,
    source: { evaluate: undefined, files: [name], read: readAgain },
    evaluation: undefined,
  };
}

function openPython(
  shown: string,
  request: Evaluate,
  evaluation: NonNullable<OpenedFile["evaluation"]>,
  argv: readonly string[],
): Opening {
  const { failure } = evaluation.evaluated;
  if (failure !== null) {
    evaluation.end();
    return { ok: false, problem: failureText(shown, failure) };
  }
  const read = (evaluated: EvaluatedFile | undefined): SetupReading => {
    if (evaluated === undefined) return { ok: false, problems: [] };
    if (evaluated.failure !== null) return { ok: false, problems: [failureText(shown, evaluated.failure)] };
    return loadAgain(layerOfPython(shown, evaluated), argv);
  };
  const layer = layerOfPython(shown, evaluation.evaluated);
  const files = request.kind === "file" ? [request.name] : [];
  return { ok: true, layer, source: { evaluate: request, files, read }, evaluation };
}

/** What there is to read again without a configuration file: --env-file, and the environment. */
export function openEnvFile(path: string, argv: readonly string[]): OpenedFile {
  const layer: FileLayer = { layer: new Map(), problems: [], warnings: [], notes: [] };
  const source = { evaluate: undefined, files: [path], read: () => loadAgain(layer, argv) };
  return { ok: true, layer, source, evaluation: undefined };
}

function failureText(shown: string, failure: NonNullable<EvaluatedFile["failure"]>): string {
  const hint = failure.hint === "" ? "" : `\nHint: ${failure.hint}`;
  return `the configuration file ${shown} failed: ${failure.message}\n${failure.traceback}${hint}`;
}

function loadAgain(layer: FileLayer, argv: readonly string[]): SetupReading {
  const loaded = loadConfig({
    argv,
    env: process.env,
    cwd: START_FOLDER,
    files: [layer.layer],
    countWorkers: cliHost.countWorkers,
    site: layer.site,
    readFile: cliHost.readFile,
    kindOf: cliHost.kindOf,
  });
  const problems = [...problemsWith(layer, loaded), ...(loaded.ok ? [] : loaded.problems)];
  if (!loaded.ok || problems.length > 0) {
    return { ok: false, problems: [...layer.warnings, ...problems.map(describeProblem)] };
  }
  const { config, apps, values } = loaded;
  const warnings = [...layer.warnings, ...loaded.warnings];
  return { ok: true, setup: { config, cfg: plainValues(values, config) }, apps, warnings };
}
