// tunicorn.toml: settings by their names, and the site's listeners, applications and routes, for those who want no code in their
// configuration. Every fault has its line and column.

import { parse, TomlDate, TomlError, type TomlTable, type TomlValue } from "smol-toml";
import { didYouMean, type Entry, type Layer } from "./layer.ts";
import type { Problem } from "./problem.ts";
import { SETTINGS, type SettingName } from "./settings.ts";
import { ALIASES, entryOf, settingOf } from "./site/apps.ts";
import { suggest } from "./suggest.ts";
import { type TomlFile, TomlNode } from "./toml-node.ts";
import { TomlPlaces } from "./toml-places.ts";

/** What site-file.ts reads, once the settings are known. */
export interface SiteSource extends Omit<TomlFile, "problems"> {
  readonly table: TomlTable;
}

export interface TomlLayer {
  readonly layer: Layer;
  readonly problems: readonly Problem[];
  /** Undefined where the file says nothing of it. */
  readonly site: SiteSource | undefined;
}

const SITE_WORDS: readonly string[] = ["listeners", "apps", "routes"];

export function layerOfToml(shown: string, text: string): TomlLayer {
  const layer = new Map<SettingName, Entry>();
  let table: TomlTable;
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return { layer, problems: [syntaxProblem(shown, error)], site: undefined };
  }
  const file = { shown, places: new TomlPlaces(text), problems: [] };
  const root = new TomlNode(file, [], table);
  for (const [key, node] of root.members()) readMember(key, node, layer);
  const hasSite = SITE_WORDS.some((word) => Object.hasOwn(table, word));
  return { layer, problems: file.problems, site: hasSite ? { ...file, table } : undefined };
}

function readMember(key: string, node: TomlNode, layer: Map<SettingName, Entry>): void {
  if (hasDate(node.value)) {
    node.failKey("expected text, a number, true, false, a list or a table, not a date");
    return;
  }
  if (SITE_WORDS.includes(key)) return;
  const name = settingOf(key);
  if (name === undefined) node.failKey(`no such setting${didYouMean(suggest(key, KNOWN))}`);
  else if (name === "config") node.failKey("a configuration file cannot name another one");
  else layer.set(name, entryOf(name, node));
}

const KNOWN: readonly string[] = [...Object.keys(SETTINGS), ...Object.keys(ALIASES), ...SITE_WORDS];

function hasDate(value: TomlValue): boolean {
  if (value instanceof TomlDate) return true;
  return typeof value === "object" && Object.values(value).some(hasDate);
}

function syntaxProblem(shown: string, error: TomlError): Problem {
  const [first = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
  return { where: `${shown}:${error.line}:${error.column}`, given: undefined, reason: first };
}
