// A million requests to one server, in slices: its memory must not grow with them.

import { treeMemory } from "./process-tree.ts";
import { RunningServer } from "./running-server.ts";
import type { Launch, Server } from "./server.ts";
import { errorsIn, wrk } from "./wrk.ts";

const SLICE_SECONDS = 4;
const CONNECTIONS = 64;
const SLICES_MAX = 1_000;

export interface SoakPoint {
  readonly requests: number;
  readonly aloneKb: number;
  readonly pssKb: number;
}

export interface Soak {
  readonly server: string;
  readonly errors: number;
  /** The first is taken after one slice: caches and heaps have their size then. */
  readonly points: readonly SoakPoint[];
}

type Target = Pick<Launch, "root" | "venv" | "tunicorn">;

export async function soak(server: Server, requestsWanted: number, target: Target): Promise<Soak> {
  const app = server.interface === "wsgi" ? "plain_wsgi:hello" : "plain_asgi:hello";
  const running = await RunningServer.start(server, { ...target, app, workers: 2, extraArgs: [] }, "/");
  try {
    return { server: server.name, ...(await slices(running, requestsWanted)) };
  } finally {
    await running.stop();
  }
}

async function slices(server: RunningServer, requestsWanted: number): Promise<Omit<Soak, "server">> {
  const points: SoakPoint[] = [];
  let requests = 0;
  let errors = 0;
  while (points.length < SLICES_MAX && (requests < requestsWanted || points.length < 2)) {
    const result = await wrk({ url: server.url("/"), seconds: SLICE_SECONDS, connections: CONNECTIONS });
    if (result.requests === 0) throw new Error("the server answers no more");
    requests += result.requests;
    errors += errorsIn(result);
    points.push({ requests, ...treeMemory(server.roots) });
    process.stderr.write(`  ${requests} requests\n`);
  }
  return { errors, points };
}
