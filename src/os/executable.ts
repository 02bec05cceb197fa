// Finds programs as a shell does.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** The full path of a program, or undefined. A name with a slash is a path; any other is looked up in `path` ($PATH). */
export function findExecutable(program: string, path: string): string | undefined {
  if (program.includes("/")) return isExecutable(program) ? resolve(program) : undefined;
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, program))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Not there or not ours to run: either way it is not the one.
    return false;
  }
}
