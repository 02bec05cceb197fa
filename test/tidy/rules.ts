// The rules about the code, each a function from files to complaints. No complaint is good news.

import { importsOf, resolveImport, roomOf, type SourceFile, withoutComments } from "./source.ts";

const ROOMS_BELOW_COMPOSE = [
  ...[
    "base",
    "http",
    "h1",
    "h2",
    "gateway",
    "wire",
    "control",
    "config",
    "dispatch",
    "link",
    "handlers",
    "front",
  ],
  ...["arbiter", "os", "log", "metrics"],
];

/** Which room may import which (ARCHITECTURE.md has the same table). A room may always import itself. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  http: ["base"],
  h1: ["base", "http"],
  h2: ["base", "http"],
  gateway: ["base", "http"],
  wire: ["base", "http"],
  // Its `configure` message carries the Config.
  control: ["base", "http", "config"],
  config: ["base", "http"],
  dispatch: ["base", "http"],
  os: ["base", "http", "config"],
  log: ["base", "http", "config"],
  metrics: ["base", "http", "config"],
  link: ["base", "http", "wire", "log"],
  handlers: ["base", "http", "config", "dispatch", "link", "log", "metrics"],
  front: ["base", "http", "h1", "h2", "gateway", "config", "log", "metrics"],
  arbiter: ["base", "config", "control", "log", "metrics"],
  compose: ROOMS_BELOW_COMPOSE,
  cli: ["base", "config", "compose"],
  main: ["cli", "compose"],
};

/** Rooms that get bytes, times and seeds as arguments. */
const PURE_ROOMS = new Set(["base", "http", "h1", "h2", "gateway", "wire", "control", "dispatch"]);
/** The doors to the world that stand in a pure room, because more than one room goes through them. */
const DOORS = new Set(["src/base/file-pieces.ts", "src/base/system-clock.ts"]);
const WORLD =
  /\b(Date\.now|new Date\(\)|performance\.|process\.|Math\.random|crypto\.|setTimeout|setInterval|setImmediate|fetch\(|console\.)/;

/** Imports that break the table of rooms. */
export function brokenWalls(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const room = roomOf(file.path);
    const allowed = MAY_IMPORT[room];
    if (allowed === undefined) return [`${file.path}: the table of rooms has no ${room}`];
    return importsOf(file)
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => roomOf(resolveImport(file, specifier)))
      .filter((target) => target !== room && !allowed.includes(target))
      .map((target) => `${file.path}: ${room} must not import ${target}`);
  });
}

/** Node's modules and packages in rooms that perform no I/O. */
export function impureImports(files: readonly SourceFile[]): string[] {
  return files.filter(isPure).flatMap((file) =>
    importsOf(file)
      .filter((specifier) => !specifier.startsWith("."))
      .map((specifier) => `${file.path}: a pure room must not import ${specifier}`),
  );
}

/** Clocks, timers, randomness and the process in rooms that are told such things. */
export function worldlyWords(files: readonly SourceFile[]): string[] {
  return files.filter(isPure).flatMap((file) => {
    const word = WORLD.exec(withoutComments(file.text))?.[0];
    return word === undefined ? [] : [`${file.path}: a pure room must not use ${word}`];
  });
}

/** Default exports and barrels: a thing has one name and one home. */
export function badExports(files: readonly SourceFile[]): string[] {
  return complaints(files, [
    [/^export default\b/m, "default export"],
    [/^export \*/m, "barrel export"],
    [/^export (type )?\{[^}]*\} from\b/m, "barrel export"],
  ]);
}

/** Words that a finished file does not hold. */
export function leftovers(files: readonly SourceFile[]): string[] {
  return complaints(files, [
    [/\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b/, "a marker of unfinished work"],
    [/\.removeAllListeners\(\)/, "removeAllListeners() takes away listeners of others"],
    [/catch\s*(\([^)]*\))?\s*\{\s*\}/, "an empty catch without a reason"],
    [/\b(describe|it|test)\.only\(/, "a test that silences the others"],
  ]);
}

/** Paths of one machine; `folders` are the ones to look for. */
export function machinePaths(files: readonly SourceFile[], folders: readonly string[]): string[] {
  const pattern = new RegExp(`(?<![\\w.])/(${folders.join("|")})/`);
  return complaints(files, [[pattern, "a path of one machine"]]);
}

/** Files that no import leads to from `entry`. */
export function unreachable(files: readonly SourceFile[], entry: string): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const file = byPath.get(path);
    if (file === undefined || reached.has(path)) return;
    reached.add(path);
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith(".")) visit(resolveImport(file, specifier));
    }
  };
  visit(entry);
  return files
    .filter((file) => !reached.has(file.path))
    .map((file) => `${file.path}: not reachable from ${entry}`);
}

/** Words of `wanted` that `text` does not mention. */
export function unmentioned(wanted: readonly string[], text: string): string[] {
  return wanted.filter((word) => !text.includes(word));
}

function isPure(file: SourceFile): boolean {
  return PURE_ROOMS.has(roomOf(file.path)) && !DOORS.has(file.path);
}

function complaints(files: readonly SourceFile[], rules: readonly (readonly [RegExp, string])[]): string[] {
  return files.flatMap((file) =>
    rules.filter(([pattern]) => pattern.test(file.text)).map(([, complaint]) => `${file.path}: ${complaint}`),
  );
}
