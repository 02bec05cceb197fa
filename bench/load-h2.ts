// HTTP/2: as many requests as 8 connections with 32 streams each get answered, by h2load. It does not tell percentiles: p50 is its
// mean, p99 is not known.

import { type LoadTimes, measureLoad } from "./load-throughput.ts";
import type { Throughput } from "./measurement.ts";
import type { RunningServer } from "./running-server.ts";
import type { Scenario } from "./scenario.ts";
import { findTool, howToGet, run } from "./tool.ts";
import type { WrkResult } from "./wrk.ts";

const LOAD = ["-c", "8", "-m", "32", "-t", "1"];
const UNITS_US: Readonly<Record<string, number>> = { us: 1, ms: 1_000, s: 1_000_000 };

export function measureH2(server: RunningServer, scenario: Scenario, times: LoadTimes): Promise<Throughput> {
  const url = server.url(scenario.path);
  return measureLoad(server, times, (seconds) => h2load(url, seconds));
}

async function h2load(url: string, seconds: number): Promise<WrkResult> {
  const program = findTool("h2load");
  if (program === undefined) throw new Error(howToGet("h2load"));
  const argv = [program, ...LOAD, "-D", `${seconds}`, url];
  return readReport(await run(argv, { timeoutMs: (seconds + 20) * 1_000 }), seconds);
}

function readReport(output: string, seconds: number): WrkResult {
  const [, succeeded, failed] = /(\d+) succeeded, (\d+) failed/.exec(output) ?? [];
  const [, , max, mean] = /time for request: +(\S+) +(\S+) +(\S+)/.exec(output) ?? [];
  return {
    requests: Number(succeeded ?? 0),
    durationUs: seconds * 1_000_000,
    p50Us: microseconds(mean),
    p99Us: 0,
    maxUs: microseconds(max),
    statusErrors: 0,
    socketErrors: Number(failed ?? 0),
    timeouts: 0,
  };
}

function microseconds(text = ""): number {
  const [, value, unit] = /^([\d.]+)(us|ms|s)$/.exec(text) ?? [];
  return Number(value ?? 0) * (UNITS_US[unit ?? "us"] ?? 1);
}
