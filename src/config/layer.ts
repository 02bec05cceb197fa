// What one source says: a command line, the variables, a configuration file. Later layers are stronger.

import type { Problem } from "./problem.ts";
import type { AnySetting } from "./setting.ts";
import { FLAGS, SETTING_ROWS, SETTINGS, type SettingName, type Values } from "./settings.ts";
import { suggest } from "./suggest.ts";
import type { Given } from "./value-type.ts";

export interface Entry {
  readonly given: Given;
  /** Where it was said, as a user finds it: `--workers`, `$WEB_CONCURRENCY`, `gunicorn.conf.py`. */
  readonly origin: string;
  /** Said by a flag or variable that only uvicorn has. */
  readonly isUvicorn?: boolean;
}

export type Layer = ReadonlyMap<SettingName, Entry>;

export interface Settled {
  readonly values: Values;
  readonly origins: Origins;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

export interface Origin {
  readonly text: string;
  /** Position of the layer that won; 0 is the built-in default. */
  readonly rank: number;
  readonly isUvicorn: boolean;
}

export type Origins = Readonly<Record<SettingName, Origin>>;

const BUILT_IN: Origin = { text: "default", rank: 0, isUvicorn: false };

/** Reads every layer, weakest first, and lets the strongest win. Wrong values are reported even where a stronger one hides them. */
export function settle(layers: readonly Layer[]): Settled {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const values: [string, unknown][] = [];
  const origins: [string, Origin][] = [];
  for (const [name, setting] of SETTING_ROWS) {
    let value: unknown = setting.byDefault;
    let origin = BUILT_IN;
    layers.forEach((layer, index) => {
      const entry = layer.get(name);
      if (entry === undefined) return;
      const verdict = judge(setting, entry);
      if (verdict.problem !== undefined) problems.push(verdict.problem);
      else if (verdict.warning !== undefined) warnings.push(verdict.warning);
      else [value, origin] = [verdict.value, originOf(entry, index + 1)];
    });
    values.push([name, value]);
    origins.push([name, origin]);
  }
  return {
    values: Object.fromEntries(values) as unknown as Values, // one value of the row's type for each row
    origins: Object.fromEntries(origins) as Record<SettingName, Origin>, // as above
    problems,
    warnings,
  };
}

function originOf({ origin, isUvicorn = false }: Entry, rank: number): Origin {
  return { text: origin, rank, isUvicorn };
}

/** Whether anything was said in uvicorn's own words. */
export function speaksUvicorn(layers: readonly Layer[]): boolean {
  return layers.some((layer) => [...layer.values()].some((entry) => entry.isUvicorn === true));
}

interface Verdict {
  readonly value?: unknown;
  readonly problem?: Problem;
  readonly warning?: string;
}

function judge(setting: AnySetting, entry: Entry): Verdict {
  const reading = setting.type.read(entry.given);
  const { status } = setting;
  const isDefault = reading.ok && setting.type.show(reading.value) === setting.type.show(setting.byDefault);
  if (status.kind === "refused" && !isDefault)
    return { problem: refusal(entry, status.feature, status.advice) };
  if (!reading.ok)
    return { problem: { where: entry.origin, given: givenText(entry.given), reason: reading.reason } };
  if (status.kind === "inert" && !isDefault)
    return { warning: `${entry.origin} has no effect: ${status.note}` };
  return { value: reading.value };
}

function refusal(entry: Entry, feature: string, advice: string): Problem {
  const reason = `${feature} does not exist in this release${advice === "" ? "" : `; ${advice}`}`;
  return { where: entry.origin, given: undefined, reason };
}

/** The value as the user sees it in a message; the reason names a list's wrong items itself. */
function givenText(given: Given): string | undefined {
  if (typeof given === "string") return given;
  return Array.isArray(given) ? undefined : JSON.stringify(given);
}

/** A layer made of a configuration file's names and values. Unknown names are problems, with a suggestion. */
export function layerOf(source: string, given: Readonly<Record<string, Given>>, problems: Problem[]): Layer {
  const layer = new Map<SettingName, Entry>();
  for (const [key, value] of Object.entries(given)) {
    if (Object.hasOwn(SETTINGS, key))
      layer.set(key as SettingName, { given: value, origin: `${source}: ${key}` }); // hasOwn
    else problems.push(unknownName(source, key));
  }
  return layer;
}

function unknownName(source: string, key: string): Problem {
  const near = suggest(key, Object.keys(SETTINGS));
  return { where: `${source}: ${key}`, given: undefined, reason: `no such setting${didYouMean(near)}` };
}

export function didYouMean(near: string | undefined): string {
  return near === undefined ? "" : `; did you mean ${near}?`;
}

/** The problem of a flag that nobody knows. */
export function unknownFlag(flag: string): Problem {
  const near = suggest(
    flag,
    [...FLAGS.keys(), "--help", "--version"].filter((known) => known.startsWith("--")),
  );
  return { where: flag, given: undefined, reason: `no such option${didYouMean(near)}` };
}
