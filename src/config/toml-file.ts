// tunicorn.toml: settings by their names, for those who want no code in their configuration. Every fault has its line.

import { parse, TomlDate, TomlError, type TomlValue } from "smol-toml";
import type { Entry, Layer } from "./layer.ts";
import { didYouMean } from "./layer.ts";
import type { Problem } from "./problem.ts";
import { SETTINGS, type SettingName } from "./settings.ts";
import { suggest } from "./suggest.ts";
import type { Given } from "./value-type.ts";

export interface TomlLayer {
  readonly layer: Layer;
  readonly problems: readonly Problem[];
}

/** Words whose features come later: today they would be unknown names, tomorrow something else. */
const RESERVED: readonly string[] = ["routes", "apps", "listeners"];

export function layerOfToml(shown: string, text: string): TomlLayer {
  const layer = new Map<SettingName, Entry>();
  let table: Readonly<Record<string, TomlValue>>;
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return { layer, problems: [syntaxProblem(shown, error)] };
  }
  const problems: Problem[] = [];
  for (const [key, value] of Object.entries(table)) {
    const where = `${shown}:${lineOf(key, text)}: ${key}`;
    const reason = refusal(key, value);
    if (reason === undefined)
      layer.set(key as SettingName, { given: value as Given, origin: where }); // no refusal
    else problems.push({ where, given: undefined, reason });
  }
  return { layer, problems };
}

/** Why a name cannot stand with this value; undefined when it can. */
function refusal(key: string, value: TomlValue): string | undefined {
  if (RESERVED.includes(key)) return `[${key}] does not exist in this release; it is kept for a later one`;
  if (key === "config") return "a configuration file cannot name another one";
  if (!Object.hasOwn(SETTINGS, key))
    return `no such setting${didYouMean(suggest(key, Object.keys(SETTINGS)))}`;
  return hasDate(value) ? "expected text, a number, true, false, a list or a table, not a date" : undefined;
}

function hasDate(value: TomlValue): boolean {
  if (value instanceof TomlDate) return true;
  return typeof value === "object" && Object.values(value).some(hasDate);
}

function syntaxProblem(shown: string, error: TomlError): Problem {
  const [first = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
  return { where: `${shown}:${error.line}:${error.column}`, given: undefined, reason: first };
}

/** The line of a top-level key or table, from 1. TOML allows each but once, so the first line that looks like it is it. */
function lineOf(key: string, text: string): number {
  const name = key.replace(/[^\w-]/g, "\\$&");
  const form = new RegExp(`^\\s*(?:\\[+\\s*)?["']?${name}["']?\\s*(?:=|\\]|\\.)`);
  return text.split("\n").findIndex((line) => form.test(line)) + 1;
}
