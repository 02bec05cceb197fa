// The project's own files as data for the rules about them.

import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";

export interface SourceFile {
  /** Relative to the checkout, with slashes. */
  readonly path: string;
  readonly text: string;
}

const ROOT = join(import.meta.dirname, "../..");
/** Not ours, or made by machines. */
const SKIPPED = /^(\.git|\.venv.*|node_modules|dist|__pycache__|\.mypy_cache|\.ruff_cache|results|local)$/;

/** All files below `folder` whose name ends in one of `endings`. */
export function readTree(folder: string, endings: readonly string[]): SourceFile[] {
  const files: SourceFile[] = [];
  const visit = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory() && !SKIPPED.test(entry.name)) visit(join(path, entry.name));
      if (entry.isFile() && endings.some((ending) => entry.name.endsWith(ending))) {
        files.push(read(join(path, entry.name)));
      }
    }
  };
  visit(join(ROOT, folder));
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** `src/h1/chunk-reader.ts` is in room `h1`; `src/main.ts` is a room of its own. */
export function roomOf(path: string): string {
  return /^src\/([^/]+?)(\.ts)?(\/|$)/.exec(path)?.[1] ?? "";
}

/** What a file imports, as written. */
export function importsOf({ text }: SourceFile): string[] {
  const statements =
    /^\s*(?:import|export)\b[^;"'=()]*\bfrom\s*"([^"]+)"|^\s*import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
  return [...withoutComments(text).matchAll(statements)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? "",
  );
}

/** The path that a relative import means. */
export function resolveImport(from: SourceFile, specifier: string): string {
  return posix.join(posix.dirname(from.path), specifier);
}

/** The code without its comments; strings are left as they are. */
export function withoutComments(text: string): string {
  return text
    .replace(/^\s*\/\/.*$/gm, "")
    .replace(/\s\/\/ .*$/gm, "")
    .replace(/\/\*[\s\S]*?\*\//g, "");
}

function read(absolute: string): SourceFile {
  return { path: relative(ROOT, absolute).replaceAll("\\", "/"), text: readFileSync(absolute, "utf8") };
}
