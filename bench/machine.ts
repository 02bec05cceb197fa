// Where and with what a result was measured.

import { cpus, release, totalmem } from "node:os";
import { findTool, run, type Tool } from "./tool.ts";
import type { Venv } from "./venv.ts";

export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  readonly python: string;
  /** Of the servers, the frameworks and the tools: `name version`. */
  readonly versions: readonly string[];
  /** Load average before the first measuring: other work spoils figures. */
  readonly loadBefore: number;
}

export async function describeMachine(root: string, venv: Venv, loadBefore: number): Promise<Machine> {
  const processors = cpus();
  const frozen = await output([venv.python, "-m", "pip", "freeze", "--disable-pip-version-check"]);
  return {
    date: new Date().toISOString(),
    commit: await describeCommit(root),
    cores: processors.length,
    cpu: processors[0]?.model ?? "unknown",
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    python: await output([venv.python, "-c", "import platform; print(platform.python_version())"]),
    versions: [...frozen.split("\n"), await toolVersion("nginx", "-v"), await toolVersion("wrk", "-v")],
    loadBefore,
  };
}

async function describeCommit(root: string): Promise<string> {
  const commit = await output(["git", "-C", root, "rev-parse", "--short", "HEAD"]);
  const changes = await output(["git", "-C", root, "status", "--porcelain", "--untracked-files=no"]);
  return changes === "" ? commit : `${commit}-dirty`;
}

async function toolVersion(name: Tool, flag: string): Promise<string> {
  const program = findTool(name);
  if (program === undefined) return `${name} none`;
  // Both say it on stderr or with an exit code of 1: the shell evens that out.
  const text = await output(["sh", "-c", `"${program}" ${flag} 2>&1 || true`]);
  return text.split("\n")[0] ?? "";
}

async function output(argv: readonly string[]): Promise<string> {
  return (await run(argv, { timeoutMs: 30_000 })).trim();
}
