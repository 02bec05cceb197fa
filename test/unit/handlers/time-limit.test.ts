// Time limits of single requests: a route's, and the one that the app asks for.

import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import * as wire from "../../../src/wire/frame.ts";
import { stage, turn } from "../../harness/app-stage.ts";

const ROUTE = { mount: "", timeoutMs: 60 };

describe("time limit of a request", () => {
  it("is its route's, also without --timeout", async (t) => {
    const { attach, ask, overdue } = await stage(t, { timeoutMs: 0 });
    const worker = await attach({ pid: 41 });
    const exchange = ask({ route: ROUTE });
    const { stream } = await worker.wire.next();
    equal(await exchange.ended, 504);
    const cancel = await worker.wire.next();
    deepEqual([cancel.stream, cancel.type, cancel.payload[0]], [stream, wire.CANCEL, 2]);
    deepEqual(
      overdue.map(({ pid, requests, others }) => [pid, requests.length, others]),
      [[41, 1, 0]],
    );
  });

  it("is what the app asks for, even though the next look was far away", async (t) => {
    const { attach, ask, overdue } = await stage(t, { timeoutMs: 60_000 });
    const worker = await attach({ pid: 42 });
    const exchange = ask();
    worker.deadline((await worker.wire.next()).stream, 50);
    equal(await exchange.ended, 504);
    equal(overdue.length, 1);
  });

  it("can be lifted by the app", async (t) => {
    const { attach, ask, overdue } = await stage(t, { timeoutMs: 60 });
    const worker = await attach({ pid: 43, slots: 2 });
    const free = ask();
    const { stream } = await worker.wire.next();
    worker.deadline(stream, 0);
    await turn();
    equal(await ask({ target: "/slow" }).ended, 504);
    equal(overdue[0]?.others, 1);
    worker.respond(stream, "at last");
    equal(await free.ended, 200);
  });

  it("ends a request of an asgi worker alone: the worker goes on", async (t) => {
    const { attach, ask, overdue, handler } = await stage(t, { interface: "asgi3" });
    const worker = await attach({ pid: 44, interface: "asgi", slots: 1 });
    const late = ask({ route: ROUTE });
    const { stream } = await worker.wire.next();
    equal(await late.ended, 504);
    equal((await worker.wire.next()).payload[0], 2);
    equal(handler.status().running, 1, "its slot is not free before the app has ended");
    const next = ask();
    worker.abort(stream, "the app's task was cancelled");
    worker.respond((await worker.wire.next()).stream, "next");
    equal(await next.ended, 200);
    deepEqual(overdue, []);
  });

  it("does not count while the client's body is awaited", async (t) => {
    const { attach, ask } = await stage(t, { interface: "asgi3" });
    const worker = await attach({ pid: 45, interface: "asgi", slots: 10 });
    const upload = ask({ method: "POST", bodyLength: 3, route: ROUTE });
    const { stream } = await worker.wire.next();
    equal(await ask({ target: "/beside", route: { mount: "", timeoutMs: 250 } }).ended, 504);
    equal(upload.aborted, "");
    upload.sendBody([Buffer.from("abc")]);
    worker.respond(stream, "ok");
    equal(await upload.ended, 200);
  });

  it("breaks an answer that has begun and fell silent", async (t) => {
    const { attach, ask } = await stage(t, { interface: "asgi3" });
    const worker = await attach({ pid: 46, interface: "asgi", slots: 10 });
    const exchange = ask({ route: ROUTE });
    worker.respond((await worker.wire.next()).stream, "first", { isEnd: false });
    await exchange.ended;
    match(exchange.aborted, /app-aborted/);
  });
});
