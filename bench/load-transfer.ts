// 100 MB through the application over one connection, again and again, in one direction.

import { join } from "node:path";
import type { LoadTimes } from "./load-throughput.ts";
import type { Transfer } from "./measurement.ts";
import { treeCpuMs, treeMemory } from "./process-tree.ts";
import type { RunningServer } from "./running-server.ts";
import type { Scenario } from "./scenario.ts";
import { run } from "./tool.ts";

export const TRANSFER_BYTES = 100_000_000;
const PROGRAM = join(import.meta.dirname, "transfer-client.ts");
const MB = 1_000_000;

interface Transferred {
  readonly transfers: number;
  readonly bytes: number;
  readonly durationUs: number;
  readonly errors: number;
}

export async function measureTransfer(
  server: RunningServer,
  scenario: Scenario,
  times: LoadTimes,
): Promise<Transfer> {
  await transfer(server, scenario, times.warmUpSeconds);
  const cpuBeforeMs = treeCpuMs(server.roots);
  const { bytes, durationUs, errors } = await transfer(server, scenario, times.seconds);
  const cpuMs = treeCpuMs(server.roots) - cpuBeforeMs;
  const memory = treeMemory(server.roots);
  const mbPerSecond = bytes / MB / (durationUs / 1_000_000);
  return { type: "transfer", mbPerSecond, cpuMsPerMb: cpuMs / (bytes / MB), errors, memory };
}

async function transfer(server: RunningServer, scenario: Scenario, seconds: number): Promise<Transferred> {
  const direction = scenario.load === "upload" ? "up" : "down";
  const words = [direction, `${server.port}`, scenario.path, `${TRANSFER_BYTES}`, `${seconds}`];
  const output = await run([process.execPath, PROGRAM, ...words], { timeoutMs: (seconds + 60) * 1_000 });
  return JSON.parse(output) as Transferred; // the program prints this shape
}
