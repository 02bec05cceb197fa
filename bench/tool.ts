// Outside programs: where they are, and running one to its end. What runs is ended when the bench ends.

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

const PACKAGES = { wrk: "wrk", nginx: "nginx-light", h2load: "nghttp2-client" } as const;
export type Tool = keyof typeof PACKAGES;

const running = new Set<ChildProcess>();

export function findTool(name: Tool): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

export function howToGet(name: Tool): string {
  return `${name} is not on PATH: apt-get install ${PACKAGES[name]} (Debian, Ubuntu)`;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly cwd?: string;
}

/** What the program wrote to stdout. Rejects with the end of its stderr when it fails or takes too long. */
export function run(argv: readonly string[], options: RunOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(argv[0] ?? "", argv.slice(1), {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: options.timeoutMs,
    killSignal: "SIGKILL",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  running.add(child);
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  child.on("error", reject);
  child.on("close", (code, signal) => {
    running.delete(child);
    if (code === 0) resolve(output.stdout);
    else reject(new Error(`${argv.join(" ")}: ${signal ?? `exit ${code}`}\n${output.stderr.slice(-2000)}`));
  });
  return promise;
}

export function killTools(): void {
  for (const child of running) child.kill("SIGKILL");
}
