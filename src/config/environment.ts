// The environment's layers: the platform's own words (PORT, WEB_CONCURRENCY, …), uvicorn's UVICORN_*, gunicorn's
// GUNICORN_CMD_ARGS, and TUNICORN_*, the strongest of them.

import { parseCommandLine, takesValue } from "./command-line.ts";
import { didYouMean, type Entry, type Layer } from "./layer.ts";
import type { Problem } from "./problem.ts";
import { type FlagMeaning, flagsOf, SETTING_ROWS, type SettingName } from "./settings.ts";
import { suggest } from "./suggest.ts";
import { type Given, parseTruth } from "./value-type.ts";
import { splitWords } from "./words.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentLayers {
  /** Weaker than a configuration file, as gunicorn has it. */
  readonly platform: Layer;
  /** Stronger than a configuration file; weakest first. */
  readonly variables: readonly Layer[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

export function readEnvironment(env: Environment): EnvironmentLayers {
  const problems: Problem[] = [];
  const commandArguments = readArguments(env, problems);
  return {
    platform: readPlatform(env),
    variables: [
      readVariables(env, UVICORN_VARIABLES, problems),
      commandArguments,
      readVariables(env, TUNICORN_VARIABLES, problems),
    ],
    problems,
    warnings: unknownVariables(env),
  };
}

/** The variable of a flag: `--log-level` → TUNICORN_LOG_LEVEL. */
export function variableOf(prefix: "TUNICORN" | "UVICORN", flag: string): string {
  return `${prefix}_${flag.replace(/^-+/, "").replaceAll("-", "_").toUpperCase()}`;
}

type Variables = ReadonlyMap<string, readonly [string, FlagMeaning]>;

const UVICORN_VARIABLES: Variables = new Map(
  SETTING_ROWS.flatMap(([name, setting]) =>
    (setting.uvicorn ?? []).map((flag) => [variableOf("UVICORN", flag), [flag, { name, setting }]]),
  ),
);

const TUNICORN_VARIABLES: Variables = new Map([
  ...SETTING_ROWS.flatMap(([name, setting]) =>
    flagsOf(setting)
      .filter((flag) => flag.startsWith("--"))
      .map((flag): [string, readonly [string, FlagMeaning]] => [
        variableOf("TUNICORN", flag),
        [flag, { name, setting }],
      ]),
  ),
  ...SETTING_ROWS.filter(([name]) => name === "wsgi_app").map(
    ([name, setting]): [string, readonly [string, FlagMeaning]] => [
      "TUNICORN_APP",
      ["APP", { name, setting }],
    ],
  ),
]);

function readPlatform(env: Environment): Layer {
  const layer = new Map<SettingName, Entry>();
  for (const [name, setting] of SETTING_ROWS) {
    for (const variable of setting.platformEnv ?? []) {
      const given = env[variable];
      const isUvicorn = variable.startsWith("UVICORN_");
      if (given !== undefined && given !== "") layer.set(name, { given, origin: `$${variable}`, isUvicorn });
    }
  }
  return layer;
}

function readArguments(env: Environment, problems: Problem[]): Layer {
  const text = env["GUNICORN_CMD_ARGS"] ?? "";
  const words = splitWords(text);
  if (words === undefined) {
    problems.push({ where: "$GUNICORN_CMD_ARGS", given: text, reason: "a quote is left open" });
    return new Map();
  }
  const line = parseCommandLine(words, "$GUNICORN_CMD_ARGS ");
  problems.push(...line.problems);
  return line.layer;
}

function readVariables(env: Environment, variables: Variables, problems: Problem[]): Layer {
  const layer = new Map<SettingName, Entry>();
  for (const [variable, [flag, meaning]] of variables) {
    const text = env[variable];
    if (text === undefined || text === "") continue;
    const given = givenBy(text, flag, meaning);
    const origin = `$${variable}`;
    if (given === undefined) problems.push({ where: origin, given: text, reason: "expected true or false" });
    else layer.set(meaning.name, { given, origin, isUvicorn: variables === UVICORN_VARIABLES });
  }
  return layer;
}

/** What a variable's text gives to its flag: words for a flag that repeats, the truth for a switch. */
function givenBy(text: string, flag: string, meaning: FlagMeaning): Given | undefined {
  if (takesValue(flag, meaning.setting)) return meaning.setting.type.repeats ? splitWords(text) : text;
  const truth = parseTruth(text);
  return truth === undefined ? undefined : switched(flag, truth, meaning.setting.fixed ?? {});
}

/** The value when a switch is said to be on or off; `fixed` holds the switches that stand for other values than true. */
function switched(flag: string, isOn: boolean, fixed: Readonly<Record<string, Given>>): Given | undefined {
  if (isOn) return Object.hasOwn(fixed, flag) ? fixed[flag] : true;
  const opposite = oppositeOf(flag);
  return Object.hasOwn(fixed, opposite) ? fixed[opposite] : Object.hasOwn(fixed, flag);
}

function oppositeOf(flag: string): string {
  return flag.startsWith("--no-") ? `--${flag.slice("--no-".length)}` : `--no-${flag.slice(2)}`;
}

/** A variable with our prefix that nearly names a setting is likely a slip; others may be the application's own. */
function unknownVariables(env: Environment): string[] {
  const known = [...TUNICORN_VARIABLES.keys()].map((name) => name.slice(OWN_PREFIX.length));
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith(OWN_PREFIX) || TUNICORN_VARIABLES.has(name)) return [];
    const near = suggest(name.slice(OWN_PREFIX.length), known);
    return near === undefined ? [] : [`$${name} is no setting${didYouMean(`$${OWN_PREFIX}${near}`)}`];
  });
}

const OWN_PREFIX = "TUNICORN_";
