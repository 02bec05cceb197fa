// Normal requests alone, then the same with 1,000 slow clients beside them. A server that lets a slow client hold a worker
// has none left for the normal requests.

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LoadTimes } from "./load-throughput.ts";
import type { NormalRequests, SlowClients } from "./measurement.ts";
import { treeMemory } from "./process-tree.ts";
import type { RunningServer } from "./running-server.ts";
import { errorsIn, requestsPerSecond, wrk } from "./wrk.ts";

const SLOW_CLIENTS = 1_000;
const NORMAL_CONNECTIONS = 16;
const OPEN_TIMEOUT_MS = 20_000;

export async function measureSlowClients(server: RunningServer, times: LoadTimes): Promise<SlowClients> {
  const normal = (seconds: number): Promise<NormalRequests> => normalRequests(server.url("/"), seconds);
  await normal(times.warmUpSeconds);
  const calm = await normal(times.seconds);
  const slow = new SlowProcess(server.port);
  try {
    await slow.nextReport();
    const beside = await normal(times.seconds);
    const memory = treeMemory(server.roots);
    return { type: "slow-clients", calm, beside, connected: await slow.stop(), memory };
  } finally {
    slow.kill();
  }
}

async function normalRequests(url: string, seconds: number): Promise<NormalRequests> {
  const result = await wrk({ url, seconds, connections: NORMAL_CONNECTIONS });
  // Nothing answered has no percentile: every request waited for as long as was measured.
  const p99Us = result.requests === 0 ? result.durationUs : result.p99Us;
  return { perSecond: requestsPerSecond(result), p99Us, errors: errorsIn(result) };
}

/** slow-clients.ts from here: a process of its own, so that its work is not this one's. */
class SlowProcess {
  readonly #child: ChildProcess;
  readonly #reports: AsyncIterator<string>;

  constructor(port: number) {
    const program = join(import.meta.dirname, "slow-clients.ts");
    const child = spawn(process.execPath, [program, `${port}`, `${SLOW_CLIENTS}`], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child = child;
    this.#reports = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** How many are connected. */
  async nextReport(): Promise<number> {
    const deadline = setTimeout(() => this.kill(), OPEN_TIMEOUT_MS);
    const report = await this.#reports.next();
    clearTimeout(deadline);
    if (report.done) throw new Error("the slow clients ended early");
    return Number(report.value.split(" ")[1]);
  }

  stop(): Promise<number> {
    this.#child.kill("SIGTERM");
    return this.nextReport();
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
