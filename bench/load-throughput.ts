// As many requests as 64 connections get answered.

import type { Throughput } from "./measurement.ts";
import { treeCpuMs, treeMemory } from "./process-tree.ts";
import type { RunningServer } from "./running-server.ts";
import type { Scenario } from "./scenario.ts";
import { errorsIn, requestsPerSecond, type WrkResult, wrk } from "./wrk.ts";

const CONNECTIONS = 64;

export interface LoadTimes {
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export async function measureThroughput(
  server: RunningServer,
  scenario: Scenario,
  times: LoadTimes,
): Promise<Throughput> {
  const load = { url: server.url(scenario.path), connections: CONNECTIONS, bodyBytes: scenario.bodyBytes };
  return measureLoad(server, times, (seconds) => wrk({ ...load, seconds }));
}

/** Warms up, then takes `run`'s account of the requests and the tree's of its CPU time and memory. */
export async function measureLoad(
  server: RunningServer,
  times: LoadTimes,
  run: (seconds: number) => Promise<WrkResult>,
): Promise<Throughput> {
  await run(times.warmUpSeconds);
  const cpuBeforeMs = treeCpuMs(server.roots);
  const result = await run(times.seconds);
  const cpuMs = treeCpuMs(server.roots) - cpuBeforeMs;
  return {
    type: "throughput",
    perSecond: requestsPerSecond(result),
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    errors: errorsIn(result),
    cpuUsPerRequest: (cpuMs * 1_000) / result.requests,
    memory: treeMemory(server.roots),
  };
}
