// A worker, the app handler, and a client that does not read: the worker is free when the file has its bytes.

import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { AppConfig } from "../../../src/handlers/app-ports.ts";
import { BODY_FRAME_BYTES_MAX, CANCEL, CREDIT, HEAD_NO_BUFFER, REQUEST } from "../../../src/wire/frame.ts";
import { type Stage, stage } from "../../harness/app-stage.ts";
import type { FakeExchange } from "../../harness/fake-exchange.ts";
import type { FakeWorker } from "../../harness/fake-worker.ts";
import { eventually } from "../../harness/wait.ts";

const MB = 1_048_576;
const FRAME = "x".repeat(BODY_FRAME_BYTES_MAX);
const CHANGES: Partial<AppConfig> = { responseSpillBytes: 100 * MB, responseSpillTotalBytes: 100 * MB };

interface Scene {
  readonly stage: Stage;
  readonly worker: FakeWorker;
  readonly exchange: FakeExchange;
  readonly stream: number;
}

async function scene(t: TestContext, kind: "wsgi" | "asgi" = "wsgi", flags = 0): Promise<Scene> {
  const at = await stage(t, { ...CHANGES, interface: kind === "asgi" ? "asgi3" : "wsgi" });
  const worker = await at.attach({ pid: 1, interface: kind });
  const exchange = at.ask();
  const request = await worker.wire.next();
  assert.equal(request.type, REQUEST);
  worker.respond(request.stream, "", { isEnd: false, flags });
  return { stage: at, worker, exchange, stream: request.stream };
}

/** Sends as the credit allows; returns how much when it ended or when no more credit came within the time. */
async function sendAll({ worker, stream }: Scene, bytes: number, patienceMs = 10_000): Promise<number> {
  let credit = 262_144;
  let sent = 0;
  const hasCredit = async (): Promise<boolean> => {
    const late = new Promise<undefined>((resolve) => setTimeout(resolve, patienceMs, undefined).unref());
    const frame = await Promise.race([worker.wire.next(), late]);
    if (frame?.type !== CREDIT) return false;
    credit += frame.payload.readUInt32LE(0);
    return true;
  };
  while (sent < bytes) {
    while (credit < FRAME.length) if (!(await hasCredit())) return sent;
    sent += FRAME.length;
    credit -= FRAME.length;
    worker.body(stream, FRAME, sent >= bytes);
  }
  return sent;
}

describe("a worker that answers a client which does not read", () => {
  it("has soon sent everything, and is given the next request", async (t) => {
    const at = await scene(t);
    assert.equal(await sendAll(at, 20 * MB), 20 * MB);
    await eventually(2_000, "free", () => at.stage.handler.status().running === 0);
    const next = at.stage.ask();
    const request = await nextRequest(at.worker);
    at.worker.respond(request, "hello");
    assert.equal(await next.ended, 200);
    assert.ok(at.exchange.text.length <= 2 * MB);
    await readAll(at.exchange, 20 * MB);
    assert.equal(await at.exchange.ended, 200);
    assert.equal(at.exchange.text.length, 20 * MB);
  });

  it("is held by it when nothing may go to disk", async (t) => {
    const at = await stage(t, { responseSpillBytes: 0 });
    const worker = await at.attach({ pid: 1 });
    const exchange = at.ask();
    const { stream } = await worker.wire.next();
    worker.respond(stream, "", { isEnd: false });
    assert.equal(await sendAll({ stage: at, worker, exchange, stream }, 2 * MB, 200), MB);
  });

  it("is held by it while it sends an event stream", async (t) => {
    const at = await scene(t, "wsgi", HEAD_NO_BUFFER);
    assert.equal(await sendAll(at, 2 * MB, 200), MB);
  });

  it("holds its application back at the client's pace when that is an ASGI one", async (t) => {
    const at = await scene(t, "asgi");
    assert.equal(await sendAll(at, 2 * MB, 200), MB);
  });

  it("is told when the client leaves", async (t) => {
    const at = await scene(t);
    const sending = sendAll(at, 100 * MB, 500);
    await eventually(5_000, "spilling", () => at.exchange.text.length >= MB / 2);
    at.exchange.events?.onAbort("client-left");
    assert.ok((await sending) < 100 * MB);
  });

  it("may be long gone when the client leaves", async (t) => {
    const at = await scene(t);
    await sendAll(at, 20 * MB);
    await eventually(2_000, "free", () => at.stage.handler.status().running === 0);
    at.exchange.events?.onAbort("client-left");
    at.exchange.events?.onAbort("client-left");
    assert.equal(at.stage.handler.status().running, 0);
  });

  it("breaks the answer when it dies, whatever lies in the file", async (t) => {
    const at = await stage(t, CHANGES);
    const worker = await at.attach({ pid: 1 });
    const exchange = at.ask();
    const { stream } = await worker.wire.next();
    worker.respond(stream, "", { isEnd: false });
    const sending = sendAll({ stage: at, worker, exchange, stream }, 100 * MB, 500);
    await eventually(5_000, "spilling", () => exchange.text.length >= MB / 2);
    worker.die();
    assert.equal(await exchange.ended, -1);
    assert.match(exchange.aborted, /502/);
    void sending;
  });
});

async function nextRequest(worker: FakeWorker): Promise<number> {
  for (;;) {
    const frame = await worker.wire.next();
    if (frame.type === REQUEST) return frame.stream;
    assert.ok(frame.type === CREDIT || frame.type === CANCEL);
  }
}

async function readAll(exchange: FakeExchange, bytes: number): Promise<void> {
  for (let read = 0; read < bytes; ) {
    await eventually(2_000, `more than ${read}`, () => exchange.text.length > read);
    const more: number = exchange.text.length - read;
    read += more;
    exchange.events?.onDrain(more);
  }
}
