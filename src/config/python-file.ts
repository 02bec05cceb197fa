// What the names of a gunicorn.conf.py mean. The file is a program: helper variables and functions stand beside the
// settings, so an unknown name is a slip only where it nearly is a known one.

import type { Config } from "./config.ts";
import { didYouMean, type Entry, type Layer } from "./layer.ts";
import type { Problem } from "./problem.ts";
import { SETTINGS, type SettingName } from "./settings.ts";
import { suggest } from "./suggest.ts";
import type { SiteSource } from "./toml-file.ts";
import type { Given } from "./value-type.ts";

/** The file as the user's Python has run it (docs/control.md, `evaluated`). */
export interface EvaluatedFile {
  readonly values: Readonly<Record<string, unknown>>;
  /** Values that are no JSON, by their repr. */
  readonly opaque: Readonly<Record<string, string>>;
  /** The file's own functions that are no hooks. */
  readonly functions: readonly string[];
  /** Hooks that it defines. */
  readonly hooks: readonly string[];
  readonly problems: readonly { readonly name: string; readonly reason: string }[];
  /** The file raised. */
  readonly failure: { readonly message: string; readonly traceback: string; readonly hint: string } | null;
}

export interface FileLayer {
  /** What a tunicorn.toml says of its site. */
  readonly site?: SiteSource | undefined;
  readonly layer: Layer;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

/** Helper variables by habit: files for uvicorn in containers make `bind` of their own host and port. */
const VARIABLES: ReadonlySet<string> = new Set([
  "host",
  "port",
  "uds",
  "fd",
  "factory",
  "header",
  "http",
  "ws",
]);
/** What must be known before the file can be run. */
const TOO_LATE: Readonly<Record<string, string>> = {
  config: "a configuration file cannot name another one",
  python: "this Python runs the file already; name it with --python",
};

const HOOKS: readonly string[] = [
  ...["on_starting", "on_reload", "when_ready", "pre_fork", "post_fork", "post_worker_init", "worker_int"],
  ...["worker_abort", "pre_exec", "pre_request", "post_request", "child_exit", "worker_exit"],
  ...["nworkers_changed", "on_exit"],
];

/** A list as one text, with commas between: gunicorn takes it for these. */
const COMMA_TEXTS: ReadonlySet<string> = new Set(["bind", "raw_env", "reload_extra_files"]);

export function layerOfPython(shown: string, file: EvaluatedFile): FileLayer {
  const problems: Problem[] = file.problems.map(({ name, reason }) => ({
    ...problemOf(shown, name, reason),
    // gunicorn, too, calls it only then: its example of a configuration file has one.
    isOfTls: name === "ssl_context",
  }));
  const layer = new Map<SettingName, Entry>();
  const strangers: string[] = [];
  for (const [name, value] of Object.entries(file.values)) {
    if (!isSetting(name)) strangers.push(name);
    else if (Object.hasOwn(TOO_LATE, name)) problems.push(problemOf(shown, name, TOO_LATE[name] ?? ""));
    // None is gunicorn's word for "as it is by default".
    else if (value !== null) layer.set(name, { given: givenOf(name, value), origin: `${shown}: ${name}` });
  }
  for (const [name, repr] of Object.entries(file.opaque)) {
    if (isSetting(name)) problems.push({ where: `${shown}: ${name}`, given: repr, reason: NO_VALUE });
  }
  return { layer, problems, ...judgeStrangers(shown, strangers, file.functions) };
}

/** What of a file's problems is one with the configuration that was made of it. */
export function problemsWith(
  { problems }: FileLayer,
  loaded: { readonly ok: true; readonly config: Config } | { readonly ok: false },
): readonly Problem[] {
  const isPlain = loaded.ok && loaded.config.listeners.every(({ tls }) => tls === null);
  return isPlain ? problems.filter(({ isOfTls = false }) => !isOfTls) : problems;
}

const NO_VALUE = "expected text, a number, True, False, None, or a list or dict of them";

function isSetting(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name) && !VARIABLES.has(name);
}

function problemOf(shown: string, name: string, reason: string): Problem {
  return { where: `${shown}: ${name}`, given: undefined, reason };
}

function givenOf(name: SettingName, value: unknown): Given {
  if (typeof value === "string" && COMMA_TEXTS.has(name)) {
    return value
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
  }
  return value as Given; // it came as JSON
}

function judgeStrangers(
  shown: string,
  variables: readonly string[],
  functions: readonly string[],
): Pick<FileLayer, "warnings" | "notes"> {
  const warnings: string[] = [];
  const others: string[] = [];
  for (const name of variables.filter((variable) => !VARIABLES.has(variable))) {
    const near = suggest(name, Object.keys(SETTINGS));
    if (near === undefined) others.push(name);
    else warnings.push(`${shown}: ${name} is no setting${didYouMean(near)}`);
  }
  for (const name of functions) {
    const near = suggest(name, HOOKS);
    if (near !== undefined) warnings.push(`${shown}: ${name} is no hook${didYouMean(near)}`);
  }
  const note = `${shown}: no settings, taken for variables of the file: ${others.join(", ")}`;
  return { warnings, notes: others.length === 0 ? [] : [note] };
}
