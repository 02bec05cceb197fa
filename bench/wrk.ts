// wrk, the load generator: two threads, keep-alive connections, closed loop.

import { join } from "node:path";
import { findTool, howToGet, run } from "./tool.ts";

export interface WrkOptions {
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  /** Given: the load is POST with so long a body. */
  readonly bodyBytes?: number | undefined;
}

export interface WrkResult {
  readonly requests: number;
  readonly durationUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** Answers of status 400 and above. */
  readonly statusErrors: number;
  readonly socketErrors: number;
  readonly timeouts: number;
}

export async function wrk(options: WrkOptions): Promise<WrkResult> {
  const program = findTool("wrk");
  if (program === undefined) throw new Error(howToGet("wrk"));
  const threads = Math.min(2, options.connections);
  const load = [`-t${threads}`, `-c${options.connections}`, `-d${options.seconds}s`];
  const script = ["-s", join(import.meta.dirname, "wrk.lua"), options.url];
  const body = options.bodyBytes === undefined ? [] : ["--", `${options.bodyBytes}`];
  const output = await run([program, ...load, ...script, ...body], {
    timeoutMs: (options.seconds + 20) * 1_000,
  });
  // The last line is written by wrk.lua, in the shape of WrkResult.
  return JSON.parse(output.trimEnd().split("\n").at(-1) ?? "") as WrkResult;
}

export function errorsIn(result: WrkResult): number {
  return result.statusErrors + result.socketErrors + result.timeouts;
}

export function requestsPerSecond(result: WrkResult): number {
  return result.requests / (result.durationUs / 1_000_000);
}
