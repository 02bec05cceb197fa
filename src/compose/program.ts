// Where this program is, and which version of it.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The package's folder: the parent of src/ in a checkout, of dist/ once installed. */
export const PACKAGE_ROOT: string = join(import.meta.dirname, "../..");
/** main.ts in a checkout, main.js once built: whatever this file is. */
export const MAIN_FILE: string = join(
  import.meta.dirname,
  `../main${import.meta.filename.endsWith(".ts") ? ".ts" : ".js"}`,
);
export const FRONT_ROLE = "--role=front";

export const VERSION: string = readVersion();

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8"));
  const hasVersion = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return hasVersion ? String(manifest.version) : "unknown";
}

/**
 * Where the command was given, by the name that the shell has for it. Through a symbolic link that is turned to another release
 * HUP and USR2 lead there, as gunicorn's do.
 */
export const START_FOLDER: string = startFolder(process.env["PWD"], process.cwd());

function startFolder(named: string | undefined, real: string): string {
  if (named === undefined || !named.startsWith("/")) return real;
  const [one, other] = [named, real].map((path) => statSync(path, { throwIfNoEntry: false }));
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev ? named : real;
}
