import { equal } from "node:assert/strict";
import { connect } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { AttachedWorker } from "../../../src/link/attached-worker.ts";
import { type GateAddress, WorkerGate } from "../../../src/link/worker-gate.ts";
import { FakeWorker, type FakeWorkerOptions } from "../../harness/fake-worker.ts";
import { quietLog } from "../../harness/front-parts.ts";

async function openGate(
  t: TestContext,
  attached: (worker: AttachedWorker) => void,
): Promise<{ address: GateAddress; join: (options: FakeWorkerOptions) => FakeWorker }> {
  const gate = new WorkerGate({ log: quietLog, attached });
  const address = await gate.listen();
  const workers: FakeWorker[] = [];
  t.after(async () => {
    for (const worker of workers) worker.die();
    await gate.close();
  });
  const join = (options: FakeWorkerOptions): FakeWorker => {
    const worker = new FakeWorker(address, options);
    workers.push(worker);
    return worker;
  };
  return { address, join };
}

describe("worker gate", () => {
  it("joins the two sockets of each worker", async (t) => {
    const pids = new Set<number>();
    const both = Promise.withResolvers<void>();
    const { join } = await openGate(t, (worker) => {
      pids.add(worker.hello.pid);
      if (pids.size === 2) both.resolve();
    });
    join({ pid: 1 });
    join({ pid: 2 });
    await both.promise;
    equal(pids.has(1) && pids.has(2), true);
  });

  it("turns away a wrong token, another version, and bytes that are no frame", async (t) => {
    let attached = 0;
    const { address, join } = await openGate(t, () => {
      attached += 1;
    });
    const wrong = join({ pid: 1, token: "x".repeat(address.token.length) });
    const short = join({ pid: 2, token: "" });
    const old = join({ pid: 3, version: 2 });
    await Promise.all([wrong.wire.closed, short.aside.closed, old.wire.closed]);
    const stranger = connect(address.address);
    const closed = new Promise((resolve) => stranger.on("close", resolve));
    stranger.on("error", () => undefined); // `close` tells
    stranger.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await closed;
    equal(attached, 0);
  });

  it("keeps a worker's socket that came alone until the gate closes", async (t) => {
    const gate = new WorkerGate({ log: quietLog, attached: () => undefined });
    const address = await gate.listen();
    const worker = new FakeWorker(address, { pid: 1 });
    worker.aside.socket.destroy();
    t.after(() => worker.die());
    await gate.close();
    await worker.wire.closed;
  });
});
