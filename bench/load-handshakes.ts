// New TLS connections, one after the other from two clients: what a handshake costs the server. Each client is an
// `openssl s_time`, so that no client of ours is the limit; latencies are not known to it.

import { type LoadTimes, measureLoad } from "./load-throughput.ts";
import type { Throughput } from "./measurement.ts";
import type { RunningServer } from "./running-server.ts";
import { run } from "./tool.ts";
import type { WrkResult } from "./wrk.ts";

const CLIENTS = 2;
const COUNTED = /(\d+) connections in \d+ real seconds/g;

export function measureHandshakes(server: RunningServer, times: LoadTimes): Promise<Throughput> {
  return measureLoad(server, times, (seconds) => shake(server.port, seconds));
}

async function shake(port: number, seconds: number): Promise<WrkResult> {
  const argv = ["openssl", "s_time", "-connect", `127.0.0.1:${port}`, "-new", "-time", `${seconds}`];
  const clients = Array.from({ length: CLIENTS }, () => run(argv, { timeoutMs: (seconds + 20) * 1_000 }));
  const outputs = await Promise.all(clients);
  const requests = outputs.reduce((sum, output) => sum + connectionsIn(output), 0);
  const unknown = { p50Us: 0, p99Us: 0, maxUs: 0, statusErrors: 0, socketErrors: 0, timeouts: 0 };
  return { requests, durationUs: seconds * 1_000_000, ...unknown };
}

function connectionsIn(output: string): number {
  return Number([...output.matchAll(COUNTED)].at(-1)?.[1] ?? 0);
}
