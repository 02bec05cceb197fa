// The app handler with workers that speak asgi: bodies that flow, credit, leaving clients, streams that end late.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { encodeLine, LINE_BYTES_MAX } from "../../../src/control/json-lines.ts";
import * as wire from "../../../src/wire/frame.ts";
import { type Stage, stage, turn } from "../../harness/app-stage.ts";
import type { FakeRequest } from "../../harness/fake-exchange.ts";
import type { FakeWorker, ReceivedFrame } from "../../harness/fake-worker.ts";

const WINDOW = wire.REQUEST_CREDIT_INITIAL;
const ASGI = { interface: "asgi3" } as const;

async function begin(
  t: TestContext,
  changes: Parameters<typeof stage>[1] = {},
): Promise<Stage & { worker: FakeWorker }> {
  const parts = await stage(t, { ...ASGI, ...changes });
  return { ...parts, worker: await parts.attach({ pid: 31, interface: "asgi", slots: 10 }) };
}

function upload(changes: FakeRequest = {}): FakeRequest {
  return { method: "POST", bodyLength: -1, ...changes };
}

async function bytesOf(worker: FakeWorker, count: number): Promise<ReceivedFrame[]> {
  const frames: ReceivedFrame[] = [];
  for (let bytes = 0; bytes < count; ) {
    const frame = await worker.wire.next();
    equal(frame.type, wire.BODY);
    frames.push(frame);
    bytes += frame.payload.length;
  }
  return frames;
}

describe("request of an asgi worker", () => {
  it("has a scope and no body", async (t) => {
    const { worker, ask } = await begin(t);
    const exchange = ask({ target: "/x?y=1" });
    const request = await worker.wire.next();
    deepEqual([request.type, request.flags], [wire.REQUEST, wire.END]);
    ok(request.payload.includes("http_version"));
    ok(!request.payload.includes("PATH_INFO"));
    worker.respond(request.stream, "hello");
    equal(await exchange.ended, 200);
  });

  it("is given while its body is still coming, and the body's end with its last byte", async (t) => {
    const { worker, ask } = await begin(t);
    const exchange = ask(upload({ bodyLength: 6 }));
    const request = await worker.wire.next();
    equal(request.flags, 0);
    exchange.sink?.chunk(Buffer.from("one"));
    const first = await worker.wire.next();
    deepEqual([first.type, first.flags, first.payload.toString()], [wire.BODY, 0, "one"]);
    exchange.sendBody([Buffer.from("two")]);
    const second = await worker.wire.next();
    deepEqual([second.flags, second.payload.toString()], [wire.END, "two"]);
    worker.respond(request.stream, "ok");
    equal(await exchange.ended, 200);
  });

  it("ends a chunked body by an empty frame", async (t) => {
    const { worker, ask } = await begin(t);
    const exchange = ask(upload());
    await worker.wire.next();
    exchange.sendBody([Buffer.from("one")]);
    equal((await worker.wire.next()).flags, 0);
    const end = await worker.wire.next();
    deepEqual([end.type, end.flags, end.payload.length], [wire.BODY, wire.END, 0]);
  });

  it("pauses the client beyond the window, and resumes it by the app's credit", async (t) => {
    const { worker, ask } = await begin(t);
    const exchange = ask(upload());
    const { stream } = await worker.wire.next();
    exchange.sink?.chunk(Buffer.alloc(WINDOW - 10, "a"));
    equal(exchange.pauses, 0);
    exchange.sink?.chunk(Buffer.alloc(100, "b"));
    equal(exchange.pauses, 1);
    const sent = await bytesOf(worker, WINDOW);
    equal(Buffer.concat(sent.map((frame) => frame.payload)).length, WINDOW);
    worker.credit(stream, 60);
    equal((await bytesOf(worker, 60)).length, 1);
    equal(exchange.resumes, 0, "some of it still waits");
    worker.credit(stream, 1_000);
    await bytesOf(worker, 30);
    equal(exchange.resumes, 1);
    exchange.sendBody([]);
    equal((await worker.wire.next()).flags, wire.END);
  });

  it("asks for the body only when the app first receives, if the client waits for 100 Continue", async (t) => {
    const { worker, ask } = await begin(t);
    const exchange = ask(upload({ bodyLength: 3, awaitsContinue: true }));
    const request = await worker.wire.next();
    equal(request.flags, wire.AWAITS_CREDIT);
    equal(exchange.sink, undefined);
    worker.credit(request.stream, WINDOW);
    while (exchange.sink === undefined) await turn();
    exchange.sendBody([Buffer.from("abc")]);
    equal((await worker.wire.next()).payload.toString(), "abc");
  });

  it("answers an app that never receives without reading the body", async (t) => {
    const { worker, ask } = await begin(t);
    const exchange = ask(upload({ bodyLength: 3, awaitsContinue: true }));
    worker.respond((await worker.wire.next()).stream, "no thanks");
    equal(await exchange.ended, 200);
    equal(exchange.sink, undefined);
  });

  it("is cancelled when its body breaks off", async (t) => {
    const { worker, ask, handler } = await begin(t);
    const exchange = ask(upload());
    const { stream } = await worker.wire.next();
    exchange.sink?.chunk(Buffer.from("part"));
    exchange.events?.onAbort("bad-request");
    exchange.sink?.abort();
    await worker.wire.next();
    const cancel = await worker.wire.next();
    deepEqual([cancel.type, cancel.stream], [wire.CANCEL, stream]);
    worker.abort(stream, "cancelled");
    while (handler.status().running > 0) await turn();
    equal(exchange.status, 0);
  });

  it("is cancelled at once when its client leaves, and shortly after its client only sends no more", async (t) => {
    const { worker, ask } = await begin(t);
    const first = ask();
    const left = await worker.wire.next();
    first.events?.onAbort("client-left");
    const cancel = await worker.wire.next();
    deepEqual([cancel.type, cancel.stream, cancel.payload[0]], [wire.CANCEL, left.stream, 1]);
    const second = ask();
    const { stream } = await worker.wire.next();
    second.events?.onHalfClose?.();
    equal((await worker.wire.next()).type, wire.CANCEL);
    match(second.aborted, /^client-left/);
    worker.abort(stream, "cancelled");
  });

  it("is answered although its client sends no more, if that is quick", async (t) => {
    const { worker, ask } = await begin(t);
    const exchange = ask();
    const { stream } = await worker.wire.next();
    exchange.events?.onHalfClose?.();
    worker.respond(stream, "quick");
    equal(await exchange.ended, 200);
    equal(exchange.aborted, "");
  });

  it("has trailers behind its answer", async (t) => {
    const { worker, ask } = await begin(t);
    const exchange = ask();
    const { stream } = await worker.wire.next();
    worker.respond(stream, "body", { isEnd: false });
    worker.trailers(stream, "X-Sum: 1\r\n\r\n");
    equal(await exchange.ended, 200);
    equal(exchange.text, "body");
    equal(exchange.trailers, "X-Sum: 1\r\n\r\n");
  });

  it("runs beside others, never beyond the worker's slots", async (t) => {
    const { handler, attach, ask } = await stage(t, ASGI);
    const worker = await attach({ pid: 32, interface: "asgi", slots: 2 });
    for (let i = 0; i < 40; i += 1) {
      const exchange = ask();
      worker.respond((await worker.wire.next()).stream, "short");
      await exchange.ended;
    }
    ask();
    ask();
    ask();
    deepEqual([handler.status().running, handler.status().waiting], [2, 1]);
  });

  it("is given again when its worker died, unless its body has flowed", async (t) => {
    const { worker, ask, attach, lost } = await begin(t);
    const get = ask();
    const put = ask(upload({ method: "PUT" }));
    const awaiting = ask(upload({ method: "PUT", bodyLength: 3, awaitsContinue: true }));
    for (let i = 0; i < 3; i += 1) await worker.wire.next();
    put.sink?.chunk(Buffer.from("x"));
    worker.die();
    equal(await put.ended, 502);
    const other = await attach({ pid: 33, interface: "asgi", slots: 10 });
    other.respond((await other.wire.next()).stream, "again");
    other.respond((await other.wire.next()).stream, "again");
    equal(await get.ended, 200);
    equal(await awaiting.ended, 200);
    deepEqual(
      lost[0]?.inFlight.map(({ retried }) => retried),
      [true, false, true],
    );
  });

  it("is told of in short when its worker dies with very many of them", async (t) => {
    const { attach, ask, lost } = await stage(t, ASGI);
    const worker = await attach({ pid: 32, interface: "asgi", slots: 1_000 });
    for (let i = 0; i < 300; i += 1) ask({ target: `/${"x".repeat(4_000)}` });
    await worker.wire.next();
    worker.die();
    while (lost.length === 0) await turn();
    equal(lost[0]?.count, 300);
    const line = encodeLine({ type: "worker-lost", ...lost[0] });
    ok(line.length < LINE_BYTES_MAX / 4, `${line.length} bytes`);
  });
});

describe("an event stream", () => {
  const NO_BUFFER = { isEnd: false, flags: wire.HEAD_NO_BUFFER };

  it("may end by itself when it was told that its worker goes", async (t) => {
    const { worker, ask, handler } = await begin(t, { streamGraceMs: 20 });
    const events = ask();
    const { stream } = await worker.wire.next();
    worker.respond(stream, "data: 1\n\n", NO_BUFFER);
    while (events.text === "") await turn();
    handler.drainWorker(31);
    equal((await worker.wire.next()).type, wire.NOTICE);
    worker.body(stream, "data: bye\n\n", true);
    equal(await events.ended, 200);
    equal(events.text, "data: 1\n\ndata: bye\n\n");
    equal((await worker.wire.next()).type, wire.DRAIN);
  });

  it("is cut after the grace when the front is to stop, with a word to its app", async (t) => {
    const { worker, ask, handler } = await begin(t, { streamGraceMs: 5 });
    const events = ask();
    const download = ask();
    const first = await worker.wire.next();
    const second = await worker.wire.next();
    worker.respond(first.stream, "data: 1\n\n", NO_BUFFER);
    worker.respond(second.stream, "part", { isEnd: false });
    while (download.text === "") await turn();
    handler.endStreams();
    const notice = await worker.wire.next();
    deepEqual([notice.type, notice.stream], [wire.NOTICE, first.stream]);
    equal(events.aborted, "");
    const cancel = await worker.wire.next();
    deepEqual([cancel.type, cancel.stream, cancel.payload[0]], [wire.CANCEL, first.stream, 3]);
    equal(await events.ended, -1);
    match(events.aborted, /^front-stops/);
    worker.body(second.stream, "", true);
    equal(await download.ended, 200);
  });

  it("is cut when its worker drains, also one that begins late, and others go on", async (t) => {
    const { worker, ask, attach, handler } = await begin(t, { streamGraceMs: 5 });
    const one = ask();
    const stream = (await worker.wire.next()).stream;
    const second = await attach({ pid: 34, interface: "asgi", slots: 10 });
    const other = ask();
    second.respond((await second.wire.next()).stream, "data: 1\n\n", NO_BUFFER);
    handler.drainWorker(31);
    worker.respond(stream, "data: 1\n\n", NO_BUFFER);
    equal(await one.ended, -1);
    worker.abort(stream, "cancelled");
    equal((await worker.wire.next()).type, wire.NOTICE);
    equal((await worker.wire.next()).type, wire.CANCEL);
    equal((await worker.wire.next()).type, wire.DRAIN);
    equal(other.aborted, "");
  });
});

describe("a body that meets the other kind of worker", () => {
  it("is collected before the first worker says that it speaks asgi, and then flows within credit", async (t) => {
    for (const bodyMemoryBytes of [200_000, 1_000]) {
      const { ask, attach } = await stage(t, { interface: "auto", bodyMemoryBytes });
      const exchange = ask(upload());
      exchange.sendBody([Buffer.alloc(WINDOW, "a"), Buffer.alloc(100, "b")]);
      const worker = await attach({ pid: 35, interface: "asgi", slots: 10 });
      const { stream } = await worker.wire.next();
      await bytesOf(worker, WINDOW);
      worker.credit(stream, WINDOW);
      const rest = await bytesOf(worker, 100);
      equal(rest.at(-1)?.flags, wire.END);
      worker.respond(stream, "ok");
      equal(await exchange.ended, 200);
    }
  });

  it("is collected for a wsgi worker that takes an asgi app's place", async (t) => {
    const { ask, attach, handler } = await stage(t, ASGI);
    const exchange = ask(upload());
    const gone = ask(upload());
    equal(handler.status().waiting, 2);
    const worker = await attach({ pid: 36, slots: 2 });
    equal(handler.status().running, 2);
    gone.events?.onAbort("client-left");
    gone.sink?.abort();
    equal(handler.status().running, 1);
    exchange.sendBody([Buffer.from("body")]);
    const request = await worker.wire.next();
    ok(request.payload.includes("CONTENT_LENGTHz\x014"));
    equal((await worker.wire.next()).payload.toString(), "body");
    worker.respond(request.stream, "ok");
    equal(await exchange.ended, 200);
  });
});
