// A program: how soon the next answer comes when the only worker dies. Steady requests, one at a time on new connections; SIGKILL
// to the worker; from there to the next answer of another worker. Usage: node bench/restart.ts [DEATHS] [PYTHON] [MORE_ARGUMENTS…]
// With --preload, so that a worker is a fork and no start of Python. Times are milliseconds.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const START_MS = 30_000;
const RECOVER_MS = 30_000;
const PAUSE_MS = 5;
/** A worker serves so long before it is killed. */
const CALM_MS = 2_000;
const ROOT = resolve(import.meta.dirname, "..");

const APP = `import os
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % os.getpid()]
`;

interface Reply {
  /** The worker's, or undefined where there was no good answer. */
  readonly pid: number | undefined;
  readonly atMs: number;
}

interface Recovery {
  /** Of the worker that gave the next answer. */
  readonly pid: number;
  readonly tookMs: number;
  /** Requests without an answer, or with a bad one. */
  readonly failed: number;
}

async function main(deaths: number, python: string, more: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tunicorn-restart-"));
  writeFileSync(join(folder, "app.py"), APP);
  const socket = join(folder, "http.sock");
  const args = [
    "--python",
    python,
    "--log-level",
    "critical",
    "--preload",
    "-w",
    "1",
    "-b",
    `unix:${socket}`,
    ...more,
    "app:app",
  ];
  const server = spawn(join(ROOT, "bin/tunicorn"), args, {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    let pid = await firstWorker(socket);
    const recoveries: Recovery[] = [];
    for (let nr = 0; nr < deaths; nr += 1) {
      await keepAsking(socket, CALM_MS);
      const recovery = await killAndWait(socket, pid);
      recoveries.push(recovery);
      pid = recovery.pid;
    }
    report(recoveries);
  } finally {
    await end(server);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function firstWorker(socket: string): Promise<number> {
  const endMs = performance.now() + START_MS;
  while (performance.now() < endMs) {
    const { pid } = await ask(socket);
    if (pid !== undefined) return pid;
    await sleep(PAUSE_MS);
  }
  throw new Error("no answer in time");
}

async function keepAsking(socket: string, forMs: number): Promise<void> {
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    await ask(socket);
    await sleep(PAUSE_MS);
  }
}

async function killAndWait(socket: string, dead: number): Promise<Recovery> {
  const killedAtMs = performance.now();
  process.kill(dead, "SIGKILL");
  for (let failed = 0; performance.now() - killedAtMs < RECOVER_MS; ) {
    const { pid, atMs } = await ask(socket);
    if (pid !== undefined && pid !== dead) return { pid, tookMs: atMs - killedAtMs, failed };
    if (pid === undefined) failed += 1;
    await sleep(1);
  }
  throw new Error("no answer in time");
}

function ask(socketPath: string): Promise<Reply> {
  return new Promise((found) => {
    const done = (pid: number | undefined): void => found({ pid, atMs: performance.now() });
    const asked = request({ socketPath, agent: false }, (response) => {
      let text = "";
      response.on("data", (bytes) => (text += bytes));
      response.on("end", () => done(response.statusCode === 200 ? Number(text) : undefined));
      response.on("error", () => done(undefined));
    });
    asked.on("error", () => done(undefined)).end();
  });
}

function report(recoveries: readonly Recovery[]): void {
  const sorted = recoveries.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const failed = recoveries.reduce((sum, recovery) => sum + recovery.failed, 0);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(0);
  console.log(
    `${sorted.length} deaths: next answer after ${at(0.5)} ms (p50), ${at(0.9)} (p90), ${at(1)} (max)`,
  );
  console.log(`requests without a good answer meanwhile: ${failed}`);
}

function end(server: ChildProcess): Promise<void> {
  return new Promise((ended) => {
    server.on("exit", () => ended());
    server.kill("SIGTERM");
  });
}

await main(Number(process.argv[2] ?? "20"), process.argv[3] ?? "python3", process.argv.slice(4));
