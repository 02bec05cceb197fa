// What the command line asks of the machine.

import { statSync } from "node:fs";
import { countWorkers, readMachineFacts } from "../os/cpus.ts";
import { readText, VERSION } from "./program.ts";

export const cliHost: {
  readonly version: string;
  countWorkers(): { readonly workers: number; readonly arithmetic: string };
  isFile(path: string): boolean;
  readFile(path: string): string | undefined;
} = {
  version: VERSION,
  countWorkers: () => countWorkers(readMachineFacts()),
  isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true,
  readFile: readText,
};
