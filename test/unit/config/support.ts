// Shortens the tests of configuration.

import assert from "node:assert/strict";
import type { Config } from "../../../src/config/config.ts";
import { type Loaded, loadConfig } from "../../../src/config/load.ts";
import { describeProblem } from "../../../src/config/problem.ts";

export type Loading = Extract<Loaded, { readonly ok: true }>;
export type Env = Readonly<Record<string, string>>;

export function load(command: string | readonly string[], env: Env = {}, files: Env = {}): Loaded {
  const argv = typeof command === "string" ? command.split(" ").filter((word) => word !== "") : command;
  const countWorkers = (): { workers: number; arithmetic: string } => ({ workers: 6, arithmetic: "six" });
  const readFile = (path: string): string | undefined => files[path];
  return loadConfig({ argv, env, cwd: "/srv", countWorkers, readFile });
}

export function loaded(command: string | readonly string[], env: Env = {}, files: Env = {}): Loading {
  const result = load(command, env, files);
  assert.ok(result.ok, result.ok ? "" : result.problems.map(describeProblem).join("\n"));
  return result;
}

export function configFrom(command: string | readonly string[], env: Env = {}): Config {
  return loaded(command, env).config;
}

export function problemsFrom(command: string | readonly string[], env: Env = {}): string[] {
  const result = load(command, env);
  assert.ok(!result.ok, "expected problems");
  return result.problems.map(describeProblem);
}
