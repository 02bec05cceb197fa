// An app handler over real sockets, with workers and clients that a test plays.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { AppHandler } from "../../src/handlers/app.ts";
import type { AppConfig, InFlightRequest } from "../../src/handlers/app-ports.ts";
import { WorkerGate } from "../../src/link/worker-gate.ts";
import { appConfig } from "./app-config.ts";
import { FakeExchange, type FakeRequest } from "./fake-exchange.ts";
import { FakeWorker, type FakeWorkerOptions } from "./fake-worker.ts";
import { quietLog } from "./front-parts.ts";

export interface Stage {
  readonly handler: AppHandler;
  readonly folder: string;
  readonly drained: number[];
  readonly lost: { pid: number; inFlight: readonly InFlightRequest[]; count: number }[];
  readonly worn: number[];
  readonly overdue: { pid: number; requests: readonly InFlightRequest[]; others: number }[];
  attach(options: FakeWorkerOptions): Promise<FakeWorker>;
  ask(request?: FakeRequest): FakeExchange;
}

export async function stage(t: TestContext, changes: Partial<AppConfig> = {}): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "tunicorn-test-"));
  const drained: number[] = [];
  const lost: Stage["lost"] = [];
  const worn: number[] = [];
  const overdue: Stage["overdue"] = [];
  const handler = new AppHandler({
    isMemoryTight: () => false,
    config: appConfig(changes),
    log: quietLog,
    nowMs: () => performance.now(),
    bodyFolder: join(folder, "bodies"),
    events: {
      workerDrained: (pid) => drained.push(pid),
      workerLost: (pid, inFlight, count) => lost.push({ pid, inFlight, count }),
      workerWorn: (pid) => worn.push(pid),
      workerOverdue: (pid, requests, others) => overdue.push({ pid, requests, others }),
    },
  });
  let onAttached: () => void = () => undefined;
  const gate = new WorkerGate({
    log: quietLog,
    attached: (worker) => {
      handler.addWorker(worker);
      onAttached();
    },
  });
  const address = await gate.listen();
  const workers: FakeWorker[] = [];
  t.after(async () => {
    for (const worker of workers) worker.die();
    await handler.close();
    await gate.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    handler,
    folder,
    drained,
    lost,
    worn,
    overdue,
    attach: async (options) => {
      const attached = new Promise<void>((resolve) => {
        onAttached = resolve;
      });
      const worker = new FakeWorker(address, options);
      workers.push(worker);
      await attached;
      return worker;
    },
    ask: (request) => {
      const exchange = new FakeExchange(request);
      handler.handle(exchange);
      return exchange;
    },
  };
}

/** One turn of the event loop, so that sockets are read. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
