// The app handler over real sockets to a worker that the test plays.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { closeSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import * as wire from "../../../src/wire/frame.ts";
import { stage, turn } from "../../harness/app-stage.ts";

describe("app handler", () => {
  it("gives a request to a worker and its answer to the client", async (t) => {
    const { attach, ask } = await stage(t);
    const worker = await attach({ pid: 11 });
    const exchange = ask({ target: "/x?y=1" });
    const request = await worker.wire.next();
    equal(request.type, wire.REQUEST);
    equal(request.flags, wire.END);
    ok(request.payload.includes("PATH_INFOz\x02/x"));
    worker.respond(request.stream, "hello", { micros: 42 });
    equal(await exchange.ended, 200);
    equal(exchange.text, "hello");
    match(exchange.block, /^Content-Type: text\/plain\r\n.*\r\n\r\n$/s);
    equal(exchange.notes.workerPid, 11);
    equal(exchange.notes.appMicros, 42);
    equal(exchange.notes.scheme, "http");
  });

  it("keeps requests until a worker is there, and refuses those beyond the line with Retry-After", async (t) => {
    const { attach, ask } = await stage(t, { queueMax: 1 });
    const waiting = ask();
    const shed = ask();
    equal(await shed.ended, 503);
    match(shed.block, /Retry-After: 1\r\n/);
    const worker = await attach({ pid: 12 });
    worker.respond((await worker.wire.next()).stream, "late");
    equal(await waiting.ended, 200);
  });

  it("answers 503 when the wait was too long", async (t) => {
    const { ask } = await stage(t, { queueTimeoutMs: 1 });
    equal(await ask().ended, 503);
  });

  it("collects a body in memory before it asks a worker", async (t) => {
    const { attach, ask, handler } = await stage(t);
    const worker = await attach({ pid: 13 });
    const exchange = ask({ method: "POST", bodyLength: -1 });
    exchange.sink?.chunk(Buffer.from("one "));
    equal(handler.status().running, 0);
    exchange.sendBody([Buffer.from("two")]);
    const request = await worker.wire.next();
    equal(request.flags, 0);
    ok(request.payload.includes("CONTENT_LENGTHz\x017"));
    const body = await worker.wire.next();
    deepEqual([body.type, body.flags, body.payload.toString()], [wire.BODY, wire.END, "one two"]);
    worker.respond(request.stream, "ok");
    equal(await exchange.ended, 200);
    equal(handler.status().bodyMemoryBytes, 0);
  });

  it("collects a long body in a private file that goes when the exchange is over", async (t) => {
    const { attach, ask, folder } = await stage(t, { bodyMemoryBytes: 1_000 });
    const worker = await attach({ pid: 14 });
    const exchange = ask({ method: "POST", bodyLength: 3_000 });
    exchange.sendBody([Buffer.alloc(900, "a"), Buffer.alloc(2_100, "b")]);
    const request = await worker.wire.next();
    const frame = await worker.wire.next();
    equal(frame.type, wire.BODY_FILE);
    const path = frame.payload.toString();
    equal(readFileSync(path, "latin1"), "a".repeat(900) + "b".repeat(2_100));
    equal(statSync(path).mode & 0o777, 0o600);
    equal(statSync(join(folder, "bodies")).mode & 0o777, 0o700);
    worker.respond(request.stream, "ok");
    equal(await exchange.ended, 200);
    await emptied(join(folder, "bodies"));
  });

  it("streams an answer and grants credit as the client takes it", async (t) => {
    const { attach, ask } = await stage(t);
    const worker = await attach({ pid: 15 });
    const exchange = ask();
    const { stream } = await worker.wire.next();
    worker.respond(stream, "first ", { isEnd: false });
    worker.body(stream, "second", false);
    while (exchange.text !== "first second") await turn();
    exchange.events?.onDrain(65_536);
    const credit = await worker.wire.next();
    deepEqual([credit.type, credit.stream, credit.payload.readUInt32LE(0)], [wire.CREDIT, stream, 65_536]);
    worker.body(stream, "", true);
    equal(await exchange.ended, 200);
  });

  it("lets a worker go ahead of a slow client as far as the settings allow, and no further", async (t) => {
    const { attach, ask } = await stage(t, { responseBufferBytes: 400_000 });
    const worker = await attach({ pid: 29 });
    const exchange = ask();
    const { stream } = await worker.wire.next();
    worker.respond(stream, "", { isEnd: false });
    const piece = Buffer.alloc(50_000, "x");
    for (let i = 0; i < 5; i += 1) worker.body(stream, piece, false);
    const credit = await worker.wire.next();
    deepEqual([credit.type, credit.payload.readUInt32LE(0)], [wire.CREDIT, 400_000 - 262_144]);
    for (let i = 0; i < 3; i += 1) worker.body(stream, piece, false);
    while (exchange.text.length < 400_000) await turn();
    worker.body(stream, "x", false);
    await worker.wire.closed;
  });

  it("drops a waiting request whose client left", async (t) => {
    const { attach, ask, handler } = await stage(t);
    ask().events?.onAbort("client-left");
    equal(handler.status().waiting, 0);
    const worker = await attach({ pid: 16 });
    const second = ask({ target: "/second" });
    const request = await worker.wire.next();
    ok(request.payload.includes("/second"));
    worker.respond(request.stream, "ok");
    await second.ended;
  });

  it("drops a waiting request soon after its client closed the sending side, but answers one that runs", async (t) => {
    const { attach, ask, handler } = await stage(t);
    const worker = await attach({ pid: 30 });
    const runs = ask();
    const { stream } = await worker.wire.next();
    const waits = ask();
    runs.events?.onHalfClose?.();
    waits.events?.onHalfClose?.();
    equal(handler.status().waiting, 1);
    await waits.ended;
    match(waits.aborted, /^client-left/);
    equal(handler.status().waiting, 0);
    const notice = await worker.wire.next();
    deepEqual([notice.type, notice.stream], [wire.NOTICE, stream]); // for an application that asks
    worker.respond(stream, "still wanted");
    equal(await runs.ended, 200);
    equal(runs.aborted, "");
  });

  it("cancels a running request on both sockets, and counts its slot until the worker ends it", async (t) => {
    const { attach, ask, handler } = await stage(t);
    const worker = await attach({ pid: 17 });
    const exchange = ask();
    const { stream } = await worker.wire.next();
    exchange.events?.onAbort("client-left");
    const cancel = await worker.wire.next();
    deepEqual([cancel.type, cancel.stream, cancel.payload[0]], [wire.CANCEL, stream, 1]);
    const left = await worker.aside.next();
    deepEqual([left.type, left.stream], [wire.LEFT, stream]);
    const second = ask();
    equal(handler.status().waiting, 1);
    worker.abort(stream, "cancelled");
    worker.respond((await worker.wire.next()).stream, "next");
    equal(await second.ended, 200);
    equal(exchange.text, "");
  });

  it("gives a dead worker's idempotent request to another, and answers 502 for others", async (t) => {
    const { attach, ask, lost } = await stage(t);
    const first = await attach({ pid: 18, slots: 2 });
    const get = ask();
    const post = ask({ method: "POST" });
    await first.wire.next();
    await first.wire.next();
    first.die();
    equal(await post.ended, 502);
    const second = await attach({ pid: 19 });
    second.respond((await second.wire.next()).stream, "again");
    equal(await get.ended, 200);
    equal(get.notes.retries, 1);
    equal(lost[0]?.pid, 18);
    deepEqual(
      lost[0]?.inFlight.map(({ method, retried, started }) => [method, retried, started]),
      [
        ["GET", true, true],
        ["POST", false, true],
      ],
    );
  });

  it("breaks the answer when the worker dies behind its head", async (t) => {
    const { attach, ask } = await stage(t);
    const worker = await attach({ pid: 20 });
    const exchange = ask();
    worker.respond((await worker.wire.next()).stream, "part", { isEnd: false });
    while (exchange.text === "") await turn();
    worker.die();
    equal(await exchange.ended, -1);
    match(exchange.aborted, /^app-aborted 502/);
  });

  it("answers 500 when the app gives up before its head", async (t) => {
    const { attach, ask } = await stage(t);
    const worker = await attach({ pid: 21 });
    const exchange = ask();
    worker.abort((await worker.wire.next()).stream, "ValueError");
    equal(await exchange.ended, 500);
  });

  it("sends a file from the very file that the worker had open", async (t) => {
    const { attach, ask, folder } = await stage(t);
    const path = join(folder, "file");
    writeFileSync(path, "contents");
    const { dev, ino } = statSync(path, { bigint: true });
    const worker = await attach({ pid: 22 });
    const exchange = ask();
    const { stream } = await worker.wire.next();
    worker.file(stream, { path, length: 8, device: dev, inode: ino });
    const reply = await worker.wire.next();
    deepEqual([reply.type, reply.payload[0]], [wire.FILE_REPLY, 1]);
    equal(await exchange.ended, 200);
    equal(exchange.file?.length, 8);
    closeSync(exchange.file?.fd ?? -1);
  });

  it("leaves a file to the worker when its path means another one", async (t) => {
    const { attach, ask, folder } = await stage(t);
    const path = join(folder, "other");
    writeFileSync(path, "contents");
    const worker = await attach({ pid: 23 });
    const exchange = ask();
    const { stream } = await worker.wire.next();
    worker.file(stream, { path, length: 8, device: 1n, inode: 1n });
    const reply = await worker.wire.next();
    deepEqual([reply.type, reply.payload[0]], [wire.FILE_REPLY, 0]);
    worker.respond(stream, "myself");
    equal(await exchange.ended, 200);
    equal(exchange.text, "myself");
  });

  it("sends ahead to a short app, and takes back what it has not started when it turns slow", async (t) => {
    const { attach, ask } = await stage(t);
    const worker = await attach({ pid: 24 });
    for (let i = 0; i < 20; i += 1) {
      const exchange = ask();
      worker.respond((await worker.wire.next()).stream, "short");
      await exchange.ended;
    }
    const slow = ask({ target: "/slow" });
    const ahead = [ask({ target: "/ahead1" }), ask({ target: "/ahead2" })];
    const streams = [await worker.wire.next(), await worker.wire.next(), await worker.wire.next()].map(
      (f) => f.stream,
    );
    equal((await worker.aside.next()).type, wire.TAKE_BACK);
    const other = await attach({ pid: 25 });
    worker.giveBack(streams.slice(1));
    for (const name of ["/ahead1", "/ahead2"]) {
      const request = await other.wire.next();
      ok(request.payload.includes(name), "in the order in which they came");
      other.respond(request.stream, "elsewhere");
    }
    for (const exchange of ahead) equal(await exchange.ended, 200);
    worker.respond(streams[0] ?? 0, "at last");
    equal(await slow.ended, 200);
  });

  it("drains a worker: nothing more, then DRAIN, and a word to the arbiter", async (t) => {
    const { attach, ask, handler, drained, lost } = await stage(t);
    const worker = await attach({ pid: 26 });
    const exchange = ask();
    const { stream } = await worker.wire.next();
    handler.drainWorker(26);
    ask({ target: "/waits" });
    equal(handler.status().waiting, 1);
    deepEqual(drained, []);
    worker.respond(stream, "last");
    await exchange.ended;
    equal((await worker.wire.next()).type, wire.DRAIN);
    deepEqual(drained, [26]);
    worker.die();
    while (lost.length === 0) await turn();
    deepEqual(lost, [{ pid: 26, inFlight: [], count: 0 }]);
  });

  it("refuses contradictory scheme headers of a trusted peer", async (t) => {
    const { ask } = await stage(t);
    const fields = ["Host", "a", "X-Forwarded-Proto", "https", "X-Forwarded-Ssl", "off"];
    equal(await ask({ fields }).ended, 400);
  });

  it("closes the link of a worker that breaks the protocol", async (t) => {
    const { attach, ask, lost } = await stage(t);
    const worker = await attach({ pid: 27 });
    const exchange = ask({ method: "POST" });
    worker.body((await worker.wire.next()).stream, "no head before", true);
    equal(await exchange.ended, 502);
    equal(lost.length, 1);
    await worker.wire.closed;
  });
});

async function emptied(folder: string): Promise<void> {
  while (readdirSync(folder).length > 0) await turn();
}
