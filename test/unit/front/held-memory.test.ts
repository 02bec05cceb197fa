import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as F from "../../../src/h2/frames.ts";
import type { Exchange } from "../../../src/http/exchange.ts";
import { ownHead } from "../../../src/http/own-response.ts";
import { H2Client, request } from "../../harness/h2-client.ts";
import type { RawClient } from "../../harness/http-client.ts";
import { begin, type RunningFront, runFront } from "../../harness/running-front.ts";
import { eventually } from "../../harness/wait.ts";
import { BINARY, frame } from "../../harness/web-socket-client.ts";
import { runWebSocketFront } from "../../harness/web-socket-front.ts";

const MB = 1_048_576;
/** The kernel's buffers take a part of it. */
const LARGE = 32 * MB;
const MEMORY = { clientMemoryBytes: 40 * MB };

interface Reader {
  readonly client: RawClient;
  readonly exchange: Exchange;
}

/** A client that reads nothing of a large response. */
async function stalled(run: RunningFront, give: (exchange: Exchange) => void = giveLarge): Promise<Reader> {
  const client = run.connect();
  client.pause();
  client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  const exchange = await run.held(run.handler.held.length + 1);
  const before = run.front.counters.bytesSent;
  give(exchange);
  await eventually(5_000, "the kernel is full", () => run.front.counters.bytesSent > before + 65_536);
  return { client, exchange };
}

function giveLarge(exchange: Exchange): void {
  begin(exchange, "", { length: LARGE });
  exchange.response.write(Buffer.alloc(LARGE, "x"));
}

describe("clients that leave too much in memory", () => {
  it("lose the one that has taken nothing for longest, with one line in the log", async (t) => {
    const run = await runFront(t, MEMORY);
    const first = await stalled(run);
    const second = await stalled(run);
    run.clock.advance(1);
    assert.deepEqual(run.handler.aborts, ["memory-short"]);
    assert.equal(run.front.counters.memoryCuts, 1);
    assert.ok(run.front.counters.clientMemoryBytes < MEMORY.clientMemoryBytes);
    assert.equal(run.log.lines.filter((line) => line.startsWith("warning")).length, 1);
    first.client.resume();
    assert.ok((await first.client.untilClosed()).length < LARGE);
    second.client.resume();
    second.exchange.response.end();
    await second.client.until({ test: (received) => received.length > LARGE });
    assert.equal(run.front.counters.clientMemoryBytes, 0);
  });

  it("do not lose one that goes on taking something", async (t) => {
    const run = await runFront(t, MEMORY);
    const first = await stalled(run);
    const second = await stalled(run, (exchange) => begin(exchange, "x".repeat(8 * MB)));
    const before = run.front.counters.bytesSent;
    first.client.resume();
    await eventually(5_000, "some is taken", () => run.front.counters.bytesSent > before + 4 * MB);
    first.client.pause();
    await stalled(run);
    run.clock.advance(1);
    second.client.resume();
    assert.ok((await second.client.untilClosed()).length < 8 * MB);
  });

  it("count only for what is theirs: a cache's bytes cost nothing", async (t) => {
    const run = await runFront(t, MEMORY);
    const cached = Buffer.alloc(LARGE, "x");
    const give = (exchange: Exchange): void => {
      exchange.response.start({ ...ownHead(200, LARGE), isShared: true }, cached, 0, 0, LARGE);
      exchange.response.end();
    };
    await stalled(run, give);
    await stalled(run, give);
    run.clock.advance(1);
    assert.equal(run.front.counters.memoryCuts, 0);
  });

  it("lose a request head that does not come to its end", async (t) => {
    const run = await runFront(t, { clientMemoryBytes: 150_000 });
    const slow = run.connect();
    const head = `GET / HTTP/1.1\r\nHost: a\r\n${"A: b\r\n".repeat(10)}B: ${"c".repeat(8_000)}\r\n`;
    slow.send(head + `D: ${"e".repeat(8_000)}\r\n`.repeat(10));
    await eventually(5_000, "it is counted", () => run.front.counters.clientMemoryBytes > 80_000);
    const other = run.connect();
    other.send(head + `D: ${"e".repeat(8_000)}\r\n`.repeat(10));
    await eventually(5_000, "both are", () => run.front.counters.clientMemoryBytes > 160_000);
    run.clock.advance(1);
    await slow.untilClosed();
    other.send("\r\n");
    assert.match(await other.until(/hello/), /^HTTP\/1.1 200/);
  });

  it("lose a WebSocket message that does not come to its end", async (t) => {
    const run = await runWebSocketFront(t, { clientMemoryBytes: 4 * MB });
    const { client } = await run.open();
    client.send(frame(BINARY, Buffer.alloc(5 * MB), { isLast: false }));
    await eventually(5_000, "it is counted", () => run.front.counters.clientMemoryBytes > 4 * MB);
    run.clock.advance(1);
    await client.rest();
    assert.equal(run.front.counters.clientMemoryBytes, 0);
  });

  it("lose streams of HTTP/2 that stand still, and not the others of the same connection", async (t) => {
    const run = await runFront(t, { clientMemoryBytes: MB }, { cleartextH2: true, versions: ["h2", "h1"] });
    const client = new H2Client(run.port).start();
    t.after(() => client.destroy());
    client.headers(1, request({ ":path": "/hold" }));
    const exchange = await run.held();
    begin(exchange, "", { length: -1 });
    exchange.response.write(Buffer.alloc(2 * MB));
    await eventually(5_000, "a full window", () => client.body(1).length === 65_535);
    client.send(F.windowUpdate(0, 100_000));
    run.clock.advance(2_000);
    assert.equal(await client.reset(1), F.CANCEL);
    assert.deepEqual(run.handler.aborts, ["memory-short"]);
    client.headers(3);
    assert.equal((await client.reply(3)).status, 200);
    assert.equal(run.front.counters.clientMemoryBytes, 0);
  });
});
