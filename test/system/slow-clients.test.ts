// Clients that are slow on purpose or by nature, against a front in this process. No test sleeps: the clock is the test's.
// Every wait on a client has a deadline, and no slow client costs another one its answer.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { RawClient } from "../harness/http-client.ts";
import { answer, begin, collect, type RunningFront, runFront } from "../harness/running-front.ts";
import { eventually } from "../harness/wait.ts";

const SECOND = 1_000;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

async function received(running: RunningFront, bytes: number): Promise<void> {
  await eventually(5_000, `${bytes} bytes`, () => running.front.counters.bytesReceived >= bytes);
}

async function accepted(running: RunningFront, connections = 1): Promise<void> {
  await eventually(5_000, "accepted", () => running.front.counters.connectionsTotal >= connections);
}

function isOpen(running: RunningFront): boolean {
  return running.front.counters.connectionsOpen > 0;
}

describe("a client that sends nothing", () => {
  it("is closed without a word when the time for a head is over", async (t) => {
    const running = await runFront(t, { headTimeoutMs: 10 * SECOND });
    const client = running.connect();
    await accepted(running);
    running.clock.advance(9 * SECOND);
    assert.ok(isOpen(running));
    running.clock.advance(2 * SECOND);
    assert.equal(await client.untilClosed(), "");
  });
});

describe("a client that sends half a head", () => {
  it("gets 408 at an absolute deadline, however it trickles", async (t) => {
    const running = await runFront(t, { headTimeoutMs: 10 * SECOND });
    const client = running.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    for (let sent = 28; sent < 37; sent++) {
      await received(running, sent);
      running.clock.advance(SECOND);
      client.send("y");
    }
    await received(running, 37);
    assert.equal(client.received, "");
    running.clock.advance(2 * SECOND);
    assert.match(await client.untilClosed(), /^HTTP\/1\.1 408 [\s\S]*Connection: close\r\n/);
    assert.deepEqual(running.handler.seen, []);
    assert.deepEqual(
      running.access.records.map(({ status }) => status),
      [408],
    );
  });

  it("has the time for a head anew for each request of a connection", async (t) => {
    const running = await runFront(t, { headTimeoutMs: 10 * SECOND, keepAliveMs: 60 * SECOND });
    const client = running.connect();
    client.send(get("/"));
    await client.until(/hello \/$/);
    running.clock.advance(50 * SECOND);
    client.send("GET /b HT");
    await received(running, get("/").length + 9);
    running.clock.advance(9 * SECOND);
    client.send("TP/1.1\r\nHost: a\r\n\r\n");
    await client.until(/hello \/b$/);
    client.send("GET");
    await received(running, get("/").length + get("/b").length + 3);
    running.clock.advance(11 * SECOND);
    assert.match(await client.untilClosed(), /408/);
  });
});

describe("an idle keep-alive client", () => {
  it("is closed without a word after the keep-alive time", async (t) => {
    const running = await runFront(t, { keepAliveMs: 5 * SECOND });
    const client = running.connect();
    client.send(get("/"));
    await client.until(/hello \/$/);
    running.clock.advance(4 * SECOND);
    client.send(get("/b"));
    await client.until(/hello \/b$/);
    running.clock.advance(4 * SECOND);
    assert.ok(isOpen(running));
    running.clock.advance(2 * SECOND);
    assert.match(await client.untilClosed(), /hello \/b$/);
  });

  it("is told to close at once when keep-alive is off", async (t) => {
    const { connect } = await runFront(t, { keepAliveMs: 0 });
    const client = connect();
    client.send(get("/"));
    assert.match(await client.untilClosed(), /Connection: close\r\n[\s\S]*hello \/$/);
  });
});

describe("a slow request body", () => {
  const head = "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n";

  it("gets 408 after the base time and the time its length deserves", async (t) => {
    const running = await runFront(t, { bodyTimeoutMs: 10 * SECOND, bodyRateMin: 1_000 });
    const { client, ends } = await holdBody(running, head);
    for (let i = 0; i < 19; i++) {
      client.send("x");
      await received(running, head.length + i + 1);
      running.clock.advance(SECOND);
    }
    assert.equal(client.received, "");
    running.clock.advance(2 * SECOND);
    assert.match(await client.untilClosed(), /^HTTP\/1\.1 408 /);
    assert.deepEqual(running.handler.aborts, ["deadline"]);
    assert.deepEqual(ends, [`${"x".repeat(19)}(aborted)`]);
    assert.deepEqual(
      running.access.records.map(({ status, abortCause }) => `${status} ${abortCause}`),
      ["408 deadline"],
    );
  });

  it("in chunks earns its time as it comes", async (t) => {
    const running = await runFront(t, { bodyTimeoutMs: 10 * SECOND, bodyRateMin: 100 });
    const chunked = "POST /hold HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const { client } = await holdBody(running, chunked);
    const chunk = `3e8\r\n${"x".repeat(1_000)}\r\n`; // 1,000 bytes: ten seconds
    client.send(chunk);
    await received(running, chunked.length + chunk.length);
    running.clock.advance(19 * SECOND);
    assert.equal(client.received, "");
    running.clock.advance(2 * SECOND);
    assert.match(await client.untilClosed(), /408/);
  });

  it("does not pay for the time its handler pauses it", async (t) => {
    const running = await runFront(t, { bodyTimeoutMs: 10 * SECOND, bodyRateMin: 0 });
    const { client, exchange } = await holdBody(running, head);
    exchange.body.pause();
    running.clock.advance(100 * SECOND);
    assert.equal(client.received, "");
    exchange.body.resume();
    running.clock.advance(9 * SECOND);
    assert.equal(client.received, "");
    running.clock.advance(2 * SECOND);
    assert.match(await client.untilClosed(), /408/);
  });

  async function holdBody(running: RunningFront, text: string): Promise<Held> {
    const client = running.connect();
    client.send(text);
    const exchange = await running.held();
    const ends: string[] = [];
    exchange.body.read(collect(() => {}, ends));
    return { client, exchange, ends };
  }

  interface Held {
    readonly client: RawClient;
    readonly exchange: Awaited<ReturnType<RunningFront["held"]>>;
    readonly ends: string[];
  }
});

describe("a client that does not read its response", () => {
  const LENGTH = 64 << 20;

  it("is given up when it took nothing for the stall time, and the handler is told", async (t) => {
    const { running, exchange } = await startLarge(t);
    exchange.response.write(Buffer.alloc(LENGTH, "x"));
    await eventually(5_000, "the kernel is full", () => running.front.counters.bytesSent > 65_536);
    running.clock.advance(59 * SECOND);
    assert.ok(isOpen(running));
    running.clock.advance(2 * SECOND);
    await eventually(5_000, "closed", () => !isOpen(running));
    assert.deepEqual(running.handler.aborts, ["response-stalled"]);
    assert.ok(running.handler.drained < LENGTH / 2);
    assert.deepEqual(
      running.access.records.map(({ status, abortCause }) => `${status} ${abortCause}`),
      ["200 response-stalled"],
    );
  });

  it("has the stall time anew whenever it takes something", async (t) => {
    const { running, exchange, socket } = await startLarge(t);
    exchange.response.write(Buffer.alloc(LENGTH, "x"));
    await eventually(5_000, "the kernel is full", () => running.front.counters.bytesSent > 65_536);
    running.clock.advance(59 * SECOND);
    const drained = running.handler.drained;
    socket.resume();
    await eventually(5_000, "progress", () => running.handler.drained > drained + (8 << 20));
    running.clock.advance(59 * SECOND);
    assert.deepEqual(running.handler.aborts, []);
  });

  for (const version of ["1.0", "1.1"]) {
    it(`gets the last bytes too, however long after the end of the response, with HTTP/${version}`, async (t) => {
      const { running, exchange, socket } = await startLarge(t, version);
      exchange.response.write(Buffer.alloc(LENGTH, "x"));
      exchange.response.end();
      let bodyBytes = 0;
      let isOver = false;
      socket.on("data", (bytes: Buffer) => {
        bodyBytes += bytes.length;
        if (bodyBytes < LENGTH) running.clock.advance(SECOND / 4);
      });
      socket.resume();
      socket.on("close", () => {
        isOver = true;
      });
      await eventually(20_000, "the whole response", () => bodyBytes > LENGTH || isOver);
      assert.ok(bodyBytes > LENGTH, `${bodyBytes} bytes`);
    });
  }

  async function startLarge(t: TestContext, version = "1.1"): Promise<Large> {
    const running = await runFront(t, {
      responseStallMs: 60 * SECOND,
      keepAliveMs: SECOND,
      lingerMs: SECOND,
    });
    const socket = connect(running.port, "127.0.0.1").pause();
    t.after(() => socket.destroy());
    socket.on("error", () => {}); // it is going to be cut off
    await once(socket, "connect");
    socket.write(get("/hold").replace("1.1", version));
    const exchange = await running.held();
    begin(exchange, "", { length: LENGTH });
    return { running, exchange, socket };
  }

  interface Large {
    readonly running: RunningFront;
    readonly exchange: Awaited<ReturnType<RunningFront["held"]>>;
    readonly socket: ReturnType<typeof connect>;
  }
});

describe("a client in the middle of an upload", () => {
  it("can read an early answer to the end, without a reset", async (t) => {
    const running = await runFront(t, { bodyBytesMax: 1_000_000, lingerMs: 5 * SECOND });
    const length = 32 << 20;
    const socket = connect({ port: running.port, host: "127.0.0.1", allowHalfOpen: true });
    t.after(() => socket.destroy());
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
    });
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
    socket.end(Buffer.alloc(length, "x"));
    await once(socket, "close"); // an 'error' (ECONNRESET, EPIPE) would reject
    assert.match(text, /^HTTP\/1\.1 413 [\s\S]*Connection: close\r\n[\s\S]*<\/html>\n$/);
    assert.deepEqual(running.handler.seen, []);
  });

  it("is cut off when it goes on beyond the linger time", async (t) => {
    const running = await runFront(t, { bodyBytesMax: 10, lingerMs: 5 * SECOND });
    const socket = connect({ port: running.port, host: "127.0.0.1", allowHalfOpen: true });
    t.after(() => socket.destroy());
    socket.on("error", () => {}); // it is going to be cut off
    socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc");
    await once(socket.resume(), "end");
    assert.ok(isOpen(running));
    running.clock.advance(6 * SECOND);
    await eventually(5_000, "closed", () => !isOpen(running));
  });

  it("is dropped when it promised more of an unwanted body than is worth reading", async (t) => {
    const running = await runFront(t);
    const client = running.connect();
    client.send("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc");
    assert.match(await client.untilClosed(), /Connection: close\r\n[\s\S]*hello \/ignore$/);
  });

  it("may take two seconds for the rest of a small one", async (t) => {
    const running = await runFront(t);
    const client = running.connect();
    client.send("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    await client.until(/hello \/ignore$/);
    running.clock.advance(3 * SECOND);
    await client.untilClosed();
  });
});

describe("draining", () => {
  it("closes idle connections, lets requests finish with Connection: close, then resolves", async (t) => {
    const running = await runFront(t);
    const idle = running.connect();
    idle.send(get("/"));
    await idle.until(/hello \/$/);
    const busy = running.connect();
    busy.send(get("/hold"));
    const exchange = await running.held();
    const drained = running.front.drain(30 * SECOND);
    await idle.untilClosed();
    answer(exchange, "done");
    assert.match(await busy.untilClosed(), /Connection: close\r\n[\s\S]*done$/);
    await drained;
    assert.equal(running.front.counters.connectionsOpen, 0);
  });

  it("cuts off what is not finished when the grace is over", async (t) => {
    const running = await runFront(t);
    const client = running.connect();
    client.send(get("/hold"));
    await running.held();
    const drained = running.front.drain(30 * SECOND);
    running.clock.advance(31 * SECOND);
    await drained;
    assert.deepEqual(running.handler.aborts, ["front-stops"]);
    assert.equal(await client.untilClosed(), "");
  });

  it("resolves at once when there is nobody, and refuses newcomers", async (t) => {
    const running = await runFront(t);
    await running.front.drain(30 * SECOND);
    const client = running.connect();
    assert.equal(await client.untilClosed(), "");
    assert.equal(running.front.counters.connectionsTotal, 0);
  });
});

describe("a full house", () => {
  it("makes room by closing an idle connection, and refuses when none is idle", async (t) => {
    const running = await runFront(t, { connectionsMax: 2 });
    const idle = running.connect();
    idle.send(get("/"));
    await idle.until(/hello \/$/);
    const busy = running.connect();
    busy.send(get("/hold"));
    await running.held(1);
    const third = running.connect();
    third.send(get("/hold"));
    await running.held(2);
    await idle.untilClosed();
    const fourth = running.connect();
    assert.match(await fourth.untilClosed(), /^HTTP\/1\.1 503 /);
    const { connectionsEvicted, connectionsRefused } = running.front.counters;
    assert.deepEqual([connectionsEvicted, connectionsRefused], [1, 1]);
  });
});
