// What the command line asks of the machine.

import { statSync } from "node:fs";
import { countWorkers, readMachineFacts } from "../os/cpus.ts";
import { readText } from "../os/read-text.ts";
import { VERSION } from "./program.ts";

export const cliHost: {
  readonly version: string;
  countWorkers(): { readonly workers: number; readonly arithmetic: string };
  isFile(path: string): boolean;
  readFile(path: string): string | undefined;
  kindOf(path: string): "file" | "folder" | undefined;
} = {
  version: VERSION,
  countWorkers: () => countWorkers(readMachineFacts()),
  isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true,
  readFile: readText,
  kindOf,
};

/** Undefined also for what is neither, and for what nobody may look at. */
function kindOf(path: string): "file" | "folder" | undefined {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return "folder";
    return stat.isFile() ? "file" : undefined;
  } catch {
    return undefined; // ENOENT, EACCES, ELOOP: whoever asks says that nothing is there
  }
}
