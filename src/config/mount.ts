// A folder to serve, as users write it: `/static=./public`, with options behind commas, or as a table in tunicorn.toml.

import { parseAge } from "./quantity.ts";
import type { FilesConfig } from "./route.ts";
import { suggest } from "./suggest.ts";
import {
  accept,
  type Given,
  parseTruth,
  type Reading,
  reject,
  scalarText,
  type ValueType,
} from "./value-type.ts";

export interface Mount {
  /** Begins with a slash and ends in none; "" for the whole site. */
  readonly path: string;
  /** As given; relative to --chdir. */
  readonly root: string;
  /** What was said of it; the rest has defaults. */
  readonly options: Partial<FilesConfig>;
  /** The whole as text. */
  readonly shown: string;
}

/** Undefined: not a value of this option. */
type OptionReader = (given: Given) => Partial<FilesConfig> | undefined;

const OPTIONS: Readonly<Record<string, OptionReader>> = {
  index: (given) => {
    const names = (Array.isArray(given) ? given.map(scalarText) : [scalarText(given)]).filter(
      (name) => name !== "",
    );
    return names.every((name) => name !== undefined && !name.includes("/"))
      ? { index: names as string[] }
      : undefined; // checked
  },
  fallback: (given) => {
    const path = scalarText(given)?.replace(/^\.?\/+/, "");
    return path === undefined || path.split("/").includes("..") ? undefined : { fallback: path };
  },
  optional: truth((isOptional) => ({ isOptional })),
  precompressed: truth((precompressed) => ({ precompressed })),
  dotfiles: truth((dotfiles) => ({ dotfiles })),
  immutable: truth((immutableHashed) => ({ immutableHashed })),
  symlinks: (given) => {
    return given === "deny" || given === "inside" || given === "follow" ? { symlinks: given } : undefined;
  },
  max_age: (given) => {
    const text = scalarText(given)?.trim() ?? "";
    const seconds = text === "-1" ? -1 : parseAge(text);
    return seconds === undefined ? undefined : { maxAgeSeconds: seconds };
  },
};

const EXPECTED = "expected /PATH=FOLDER, such as /static=./public";

/** One text, one table, a table of paths and folders, or a list of them. */
export const MOUNTS: ValueType<readonly Mount[]> = {
  placeholder: "/PATH=DIR[,…]",
  repeats: true,
  read: readMounts,
  show: (mounts) => mounts.map(({ shown }) => shown).join(" "),
};

function readMounts(given: Given): Reading<readonly Mount[]> {
  const mounts: Mount[] = [];
  for (const one of Array.isArray(given) ? given : spread(given)) {
    const reading = readMount(one);
    if (!reading.ok) return reading;
    const { path } = reading.value;
    if (mounts.some((other) => other.path === path))
      return reject(`${path === "" ? "/" : path} is given twice`);
    mounts.push(reading.value);
  }
  return accept(mounts);
}

/** `{ "/static" = "./public" }` is one mount for each of its names. */
function spread(given: Given): readonly Given[] {
  if (given === null || given === "") return [];
  if (!isTable(given) || Object.hasOwn(given, "path")) return [given];
  return Object.entries(given).map(([path, root]) =>
    isTable(root) ? { ...root, path } : `${path}=${String(root)}`,
  );
}

function isTable(given: Given): given is { readonly [key: string]: Given } {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

function readMount(given: Given): Reading<Mount> {
  if (isTable(given)) {
    const { path = null, root = null, ...options } = given;
    return mountOf(scalarText(path) ?? "", scalarText(root) ?? "", Object.entries(options));
  }
  const [place = "", ...words] = (scalarText(given) ?? "").split(/,(?=[a-z_-]+=)/);
  const [path, root] = halves(place);
  return mountOf(path, root, words.map(halves));
}

function halves(word: string): [string, string] {
  const at = word.indexOf("=");
  return at < 0 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
}

function mountOf(path: string, root: string, given: readonly (readonly [string, Given])[]): Reading<Mount> {
  if (!/^\/[^\s?#%]*$/.test(path) || root === "" || path.split("/").includes("..")) return reject(EXPECTED);
  let options: Partial<FilesConfig> = {};
  for (const [word, value] of given) {
    const name = word.replaceAll("-", "_");
    const reader = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    if (reader === undefined) {
      const near = suggest(name, Object.keys(OPTIONS)) ?? Object.keys(OPTIONS).join(", ");
      return reject(`${path} has no option "${word}"; did you mean ${near}?`);
    }
    const option = reader(value);
    if (option === undefined) return reject(`${path}: ${word} cannot be ${JSON.stringify(value)}`);
    options = { ...options, ...option };
  }
  const shown = [`${path}=${root}`, ...given.map(([name, value]) => `${name}=${String(value)}`)].join(",");
  return accept({ path: path.replace(/\/+$/, ""), root, options, shown });
}

function truth(option: (value: boolean) => Partial<FilesConfig>): OptionReader {
  return (given) => {
    const value = parseTruth(scalarText(given) ?? "?");
    return value === undefined ? undefined : option(value);
  };
}
