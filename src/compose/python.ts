// Which Python runs the application, and how a forkserver of it is started.

import { join } from "node:path";
import { withoutActivation } from "../arbiter/activation.ts";
import type { ChildSpec } from "../arbiter/child.ts";
import { forkserverSpec } from "../arbiter/forkserver-handle.ts";
import {
  chooseInterpreter,
  describeMissingInterpreter,
  interpreterCandidates,
} from "../config/interpreter.ts";
import { findExecutable } from "../os/executable.ts";
import { PACKAGE_ROOT, START_FOLDER } from "./program.ts";

export type FoundPython = { readonly path: string } | { readonly path: undefined; readonly problem: string };

export interface PythonOrder {
  readonly python: string;
  readonly chdir: string;
  /** It is one of several: what lies in its own folder is meant for it, $VIRTUAL_ENV for all. */
  readonly isOfSite?: boolean;
}

export function findPython({ python, chdir, isOfSite = false }: PythonOrder): FoundPython {
  const candidates = interpreterCandidates({
    python,
    virtualEnv: process.env["VIRTUAL_ENV"],
    folders: [START_FOLDER, chdir],
    ownFolder: isOfSite && chdir !== START_FOLDER ? chdir : "",
  });
  const found = chooseInterpreter(candidates, (program) =>
    findExecutable(program, process.env["PATH"] ?? ""),
  );
  return found ?? { path: undefined, problem: describeMissingInterpreter(candidates) };
}

export function pythonSpec(command: string): ChildSpec {
  const interpreter = { command, packageFolder: join(PACKAGE_ROOT, "python") };
  return forkserverSpec(interpreter, withoutActivation(process.env));
}
