// WebSockets between a client and a worker that the test plays, over real sockets on the worker's side.

import { deepEqual, equal } from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { AppConfig } from "../../../src/handlers/app-ports.ts";
import type { WebSocketChannel, WebSocketEvents, WebSocketOffer } from "../../../src/http/exchange.ts";
import * as wire from "../../../src/wire/frame.ts";
import { type Stage, stage } from "../../harness/app-stage.ts";
import { FakeExchange } from "../../harness/fake-exchange.ts";
import type { FakeWorker, ReceivedFrame } from "../../harness/fake-worker.ts";
import { eventually } from "../../harness/wait.ts";

const NOTHING = Buffer.alloc(0);
const ASGI = { interface: "asgi3" } as const;

/** The client: its wish, and its end of the WebSocket. */
class FakeClient implements WebSocketOffer, WebSocketChannel {
  readonly exchange = new FakeExchange();
  readonly subprotocols: readonly string[] = ["chat"];
  readonly said: string[] = [];
  isFaulty = false;
  unsentBytes = 0;
  events: WebSocketEvents | undefined;

  constructor() {
    this.exchange.webSocket = this;
  }

  admit(): boolean {
    return !this.isFaulty;
  }
  accept(subprotocol: string, block: Buffer, events: WebSocketEvents): WebSocketChannel {
    this.said.push(`accept ${subprotocol} ${block.toString().trim()}`);
    this.events = events;
    return this;
  }
  send(bytes: Buffer, isText: boolean, hasMore: boolean): void {
    this.said.push(`${isText ? "text" : "binary"} ${bytes}${hasMore ? "…" : ""}`);
  }
  pause(): void {
    this.said.push("pause");
  }
  resume(): void {
    this.said.push("resume");
  }
  close(code: number, reason: Buffer): void {
    this.said.push(`close ${code} ${reason}`.trimEnd());
  }
  closeForRestart(withinMs: number): void {
    this.said.push(`restart ${withinMs > 0 ? "soon" : "now"}`);
  }
}

function send(worker: FakeWorker, stream: number, type: number, payload: string | Uint8Array): void {
  worker.wire.writer.bytes(stream, type, 0, Buffer.from(payload));
  worker.wire.flush();
}

function accept(worker: FakeWorker, stream: number): void {
  send(worker, stream, wire.WS_ACCEPT, "\x04chatX-A: b\r\n\r\n");
}

interface Opened extends Stage {
  readonly worker: FakeWorker;
  readonly client: FakeClient;
  readonly request: ReceivedFrame;
}

async function begin(t: TestContext, changes: Partial<AppConfig> = {}): Promise<Opened> {
  const staged = await stage(t, { ...ASGI, ...changes });
  const worker = await staged.attach({ pid: 7, interface: "asgi", slots: 10 });
  const client = new FakeClient();
  staged.handler.handle(client.exchange);
  return { ...staged, worker, client, request: await worker.wire.next() };
}

async function open(t: TestContext, changes: Partial<AppConfig> = {}): Promise<Opened> {
  const begun = await begin(t, changes);
  accept(begun.worker, begun.request.stream);
  await eventually(5_000, "the channel", () => begun.client.events);
  return begun;
}

function said(client: FakeClient, count: number): Promise<readonly string[]> {
  return eventually(5_000, `${count} calls`, () => client.said.length >= count && client.said);
}

describe("a WebSocket's way through the app", () => {
  it("begins with a scope, and the app's word in place of a response", async (t) => {
    const { client, request, handler } = await open(t);
    equal(request.type, wire.REQUEST);
    equal(request.flags, 0);
    equal(request.payload.includes("websocket"), true);
    equal(request.payload.includes("chat"), true);
    deepEqual(client.said, ["accept chat X-A: b"]);
    equal(handler.status().running, 1);
  });

  it("carries messages in both directions, and ends by the client's close", async (t) => {
    const { client, request, worker, handler } = await open(t);
    const { stream } = request;
    send(worker, stream, wire.WS_TEXT, "hello");
    send(worker, stream, wire.WS_BINARY, "bytes");
    deepEqual((await said(client, 3)).slice(1), ["text hello", "binary bytes"]);
    client.events?.onMessage(Buffer.from("hi"), true);
    client.events?.onClose(4000, Buffer.from("bye"));
    const [message, close] = [await worker.wire.next(), await worker.wire.next()];
    deepEqual([message.type, message.payload.toString()], [wire.WS_TEXT, "hi"]);
    deepEqual(
      [close.type, close.payload.readUInt16LE(), close.payload.toString("utf8", 2)],
      [wire.WS_CLOSE, 4000, "bye"],
    );
    equal(handler.status().running, 0);
    send(worker, stream, wire.WS_TEXT, "too late");
  });

  it("cuts a message longer than a frame into pieces", async (t) => {
    const { client, worker } = await open(t);
    client.events?.onMessage(Buffer.alloc(wire.FRAME_BYTES_MAX * 2, "x"), false);
    const [first, second] = [await worker.wire.next(), await worker.wire.next()];
    deepEqual([first.flags, second.flags], [wire.MORE, 0]);
    equal(first.payload.length + second.payload.length, wire.FRAME_BYTES_MAX * 2);
  });

  it("pauses the client when as many messages wait as may, empty ones too, until the app receives", async (t) => {
    const { client, worker, request } = await open(t, { wsMaxQueue: 32 });
    for (let i = 0; i < 31; i++) client.events?.onMessage(NOTHING, true);
    equal(client.said.includes("pause"), false);
    client.events?.onMessage(NOTHING, true);
    deepEqual(client.said.slice(1), ["pause"]);
    worker.credit(request.stream, 8 * wire.WS_MESSAGE_COST);
    deepEqual((await said(client, 3)).slice(1), ["pause", "resume"]);
  });

  it("gives the worker credit while the client keeps up, and none while it does not", async (t) => {
    const { client, worker, request } = await open(t, { responseBufferBytes: 262_144 });
    client.unsentBytes = 300_000;
    for (let i = 0; i < 4; i++) send(worker, request.stream, wire.WS_BINARY, "x".repeat(30_000));
    await said(client, 5);
    client.events?.onMessage(Buffer.from("first"), true);
    equal((await worker.wire.next()).type, wire.WS_TEXT);
    client.unsentBytes = 0;
    client.events?.onDrain();
    const credit = await worker.wire.next();
    deepEqual(
      [credit.type, credit.payload.readUInt32LE()],
      [wire.CREDIT, 4 * (30_000 + wire.WS_MESSAGE_COST)],
    );
  });

  it("may end by the app's close, which the client answers", async (t) => {
    const { client, worker, request, handler } = await open(t);
    send(worker, request.stream, wire.WS_CLOSE, Buffer.from([0xa1, 0x0f, 0x79, 0x6f]));
    deepEqual((await said(client, 2)).slice(1), ["close 4001 yo"]);
    equal(handler.status().running, 1);
    client.events?.onClose(4001, NOTHING);
    equal((await worker.wire.next()).type, wire.WS_CLOSE);
    equal(handler.status().running, 0);
  });

  it("may be denied by a response, the last one of its connection", async (t) => {
    const { client, worker, request, handler } = await begin(t);
    worker.respond(request.stream, "no ", { isEnd: false });
    worker.body(request.stream, "way", true);
    equal(await client.exchange.ended, 200);
    equal(client.exchange.text, "no way");
    equal(handler.status().running, 0);
  });

  it("is not begun by a handshake that is not admitted", async (t) => {
    const { handler, attach } = await stage(t, ASGI);
    await attach({ pid: 7, interface: "asgi" });
    const client = new FakeClient();
    client.isFaulty = true;
    handler.handle(client.exchange);
    equal(handler.status().running, 0);
  });

  it("tells the worker of a client that left before it was accepted", async (t) => {
    const { client, worker, request, handler } = await begin(t);
    client.exchange.events?.onAbort("client-left");
    const close = await worker.wire.next();
    deepEqual([close.type, close.payload.readUInt16LE()], [wire.WS_CLOSE, 1006]);
    accept(worker, request.stream);
    equal(handler.status().running, 0);
    deepEqual(client.said, []);
  });

  it("ends with 1011 or 500 when the app gives up", async (t) => {
    const opened = await open(t);
    opened.worker.abort(opened.request.stream, "it raised");
    deepEqual((await said(opened.client, 2)).slice(1), ["close 1011"]);
    const begun = await begin(t);
    begun.worker.abort(begun.request.stream, "it raised");
    equal(await begun.client.exchange.ended, 500);
  });
});

describe("WebSockets of a worker that goes", () => {
  it("are closed with 1012 when it died, and named", async (t) => {
    const { client, worker, lost } = await open(t);
    worker.die();
    deepEqual((await said(client, 2)).slice(1), ["close 1012"]);
    const [loss] = await eventually(5_000, "the report", () => lost.length > 0 && lost);
    equal(loss?.inFlight[0]?.path, "/");
    client.events?.onClose(1012, NOTHING);
  });

  it("go to another worker if they were not accepted yet", async (t) => {
    const { client, worker, attach } = await begin(t);
    const other = await attach({ pid: 8, interface: "asgi" });
    worker.die();
    accept(other, (await other.wire.next()).stream);
    await eventually(5_000, "the channel", () => client.events);
  });

  it("are asked to come back when it is to drain, those that it accepts only then at once", async (t) => {
    const { client, worker, handler, drained } = await open(t);
    const late = new FakeClient();
    handler.handle(late.exchange);
    const { stream } = await worker.wire.next();
    handler.drainWorker(7);
    deepEqual((await said(client, 2)).slice(1), ["restart soon"]);
    accept(worker, stream);
    deepEqual((await said(late, 2)).slice(1), ["restart now"]);
    for (const one of [client, late]) one.events?.onClose(1012, NOTHING);
    await eventually(5_000, "the drain", () => drained.includes(7));
  });
});

describe("a WebSocket handshake for an app that turns out to be WSGI", () => {
  it("is answered as any other request", async (t) => {
    const { handler, attach } = await stage(t, { interface: "auto", workerClass: "auto" });
    const client = new FakeClient();
    handler.handle(client.exchange);
    const worker = await attach({ pid: 9, interface: "wsgi" });
    const request = await worker.wire.next();
    equal(request.payload.includes("REQUEST_METHOD"), true);
    worker.respond(request.stream, "plain");
    equal(await client.exchange.ended, 200);
    deepEqual(client.said, []);
  });
});
