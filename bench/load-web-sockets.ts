// Echoes of 100 bytes over 64 WebSockets, and what many idle WebSockets cost.

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type LoadTimes, measureLoad } from "./load-throughput.ts";
import type { IdleSockets, Throughput } from "./measurement.ts";
import { treeMemory } from "./process-tree.ts";
import type { RunningServer } from "./running-server.ts";
import { run } from "./tool.ts";
import type { WrkResult } from "./wrk.ts";

const PROGRAM = join(import.meta.dirname, "web-socket-clients.ts");
const ECHO_CONNECTIONS = 64;
const IDLE_CONNECTIONS = 5_000;
const OPEN_TIMEOUT_MS = 60_000;

export function measureEchoes(server: RunningServer, times: LoadTimes): Promise<Throughput> {
  return measureLoad(server, times, (seconds) => echoes(server, seconds));
}

async function echoes(server: RunningServer, seconds: number): Promise<WrkResult> {
  const argv = [process.execPath, PROGRAM, "echo", `${server.port}`, `${ECHO_CONNECTIONS}`, `${seconds}`];
  // What the program prints is of this shape.
  return JSON.parse(await run(argv, { timeoutMs: (seconds + 20) * 1_000 })) as WrkResult;
}

export async function measureIdleSockets(server: RunningServer): Promise<IdleSockets> {
  const before = treeMemory(server.roots);
  const program = spawn(process.execPath, [PROGRAM, "idle", `${server.port}`, `${IDLE_CONNECTIONS}`], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    const connected = await openCount(program);
    const memory = treeMemory(server.roots);
    const kbEach = (memory.aloneKb - before.aloneKb) / Math.max(1, connected);
    return { type: "idle-web-sockets", connected, missing: IDLE_CONNECTIONS - connected, kbEach, memory };
  } finally {
    program.kill("SIGKILL");
  }
}

async function openCount(program: ChildProcess): Promise<number> {
  const deadline = setTimeout(() => program.kill("SIGKILL"), OPEN_TIMEOUT_MS);
  try {
    for await (const line of createInterface({ input: program.stdout ?? process.stdin })) {
      return Number(line.split(" ")[1]);
    }
    throw new Error(`the WebSockets were not open within ${OPEN_TIMEOUT_MS} ms`);
  } finally {
    clearTimeout(deadline);
  }
}
