import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { FrontConfig } from "../../../src/front/context.ts";
import * as F from "../../../src/h2/frames.ts";
import { frame, H2Client, headerBlock, request } from "../../harness/h2-client.ts";
import { answer, begin, type RunningFront, runFront } from "../../harness/running-front.ts";
import { eventually } from "../../harness/wait.ts";

interface Pair {
  readonly run: RunningFront;
  readonly client: H2Client;
}

async function pair(t: TestContext, changes: Partial<FrontConfig> = {}): Promise<Pair> {
  const run = await runFront(t, changes, { cleartextH2: true, versions: ["h2", "h1"] });
  return { run, client: another(t, run) };
}

function another(t: TestContext, run: RunningFront): H2Client {
  const client = new H2Client(run.port).start();
  t.after(() => client.destroy());
  return client;
}

const path = (value: string): (readonly [string, string])[] => request({ ":path": value });
const PING = frame(F.PING, 0, 0, "12345678");

/** Cut off with a reason, one line in the log, and nobody else notices. */
async function assertCalmed(t: TestContext, { run, client }: Pair): Promise<void> {
  assert.equal(await client.goAway(), F.ENHANCE_YOUR_CALM);
  client.end();
  await client.closed();
  assert.equal(run.log.lines.filter((line) => line.startsWith("warning")).length, 1);
  const neighbour = another(t, run);
  neighbour.headers(1);
  assert.equal((await neighbour.reply(1)).status, 200);
}

describe("an HTTP/2 client that floods", () => {
  const floods: Record<string, (client: H2Client) => void> = {
    "with requests taken back at once": (client) => {
      for (let id = 1; id < 2_000; id += 2)
        client.headers(id, path("/hold")).send(F.resetFrame(id, F.CANCEL));
    },
    "with malformed requests": (client) => {
      for (let id = 1; id < 2_000; id += 2) client.headers(id, request({ connection: "close" }));
    },
    "with pings": (client) => void client.send(PING.repeat(5_000)),
    "with settings": (client) => void client.send(F.settingsFrame([]).repeat(5_000)),
    "with priorities": (client) => void client.send(frame(F.PRIORITY, 0, 7, "\0\0\0\0\0").repeat(5_000)),
    "with windows": (client) => void client.send(F.windowUpdate(0, 1).repeat(5_000)),
    "with unknown frames": (client) => void client.send(frame(0xee, 0, 0, "").repeat(5_000)),
    "with empty DATA": (client) => {
      client.headers(1, request({ ":method": "POST", ":path": "/hold" }), 0);
      client.send(frame(F.DATA, 0, 1).repeat(5_000));
    },
    "with empty CONTINUATION": (client) => {
      client.send(frame(F.HEADERS, F.END_STREAM, 1, headerBlock(path("/"))));
      client.send(frame(F.CONTINUATION, 0, 1).repeat(1_000));
    },
    "with endless CONTINUATION": (client) => {
      client.send(frame(F.HEADERS, F.END_STREAM, 1, headerBlock(path("/"))));
      client.send(frame(F.CONTINUATION, 0, 1, headerBlock([["x-a", "b".repeat(10_000)]])).repeat(60));
    },
  };
  for (const [what, flood] of Object.entries(floods)) {
    it(`is cut off: ${what}`, async (t) => {
      const both = await pair(t);
      flood(both.client);
      await assertCalmed(t, both);
    });
  }

  it("is answered 431 to a list that unpacks to too much, and stays in step", async (t) => {
    const { run, client } = await pair(t);
    const bomb = `${headerBlock(path("/"))}\x40\x03x-a\x7f\xa1\x1e${"y".repeat(4_000)}${"\xbe".repeat(10_000)}`;
    client.send(F.headersFrames(1, bomb, { flags: F.END_STREAM, frameBytesMax: 16_384 }));
    assert.equal((await client.reply(1)).status, 431);
    client.headers(3);
    assert.equal((await client.reply(3)).status, 200);
    assert.equal(run.handler.seen.length, 1);
  });

  it("may have so many requests at a time and no more", async (t) => {
    const { run, client } = await pair(t);
    for (let id = 1; id <= 205; id += 2) client.headers(id, path("/hold"));
    assert.equal(await client.reset(201), F.REFUSED_STREAM);
    assert.equal(await client.reset(203), F.REFUSED_STREAM);
    assert.equal(run.handler.held.length, 100);
  });
});

describe("time on an HTTP/2 connection", () => {
  it("is short for a client that says nothing", async (t) => {
    const { run, client } = await pair(t);
    await client.frame("settings", ({ type }) => type === F.SETTINGS);
    run.clock.advance(10_500);
    client.end();
    await client.closed();
  });

  it("ends an idle connection in order", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1);
    await client.reply(1);
    run.clock.advance(4_000);
    client.send(PING); // no request
    await client.frame("a pong", ({ type }) => type === F.PING);
    run.clock.advance(2_000);
    assert.equal(await client.goAway(), F.NO_ERROR);
  });

  it("ends a connection whose head does not come to its end", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, path("/hold"));
    await run.held();
    client.send(frame(F.HEADERS, F.END_STREAM, 3, headerBlock(path("/")).slice(0, 5)));
    client.send(PING.slice(0, 5));
    await eventually(5_000, "the deadline", () => run.clock.timers > 0);
    await eventually(5_000, "the end", () => {
      run.clock.advance(3_000);
      return run.handler.aborts.length > 0;
    });
    assert.deepEqual(run.handler.aborts, ["deadline"]);
  });

  it("ends a request whose body does not come: 408", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, request({ ":method": "POST", ":path": "/echo" }), 0).data(1, "a");
    await eventually(5_000, "the request", () => run.handler.seen.length === 1);
    run.clock.advance(62_000);
    assert.equal((await client.reply(1)).status, 408);
    assert.deepEqual(run.handler.aborts, ["deadline"]);
    client.headers(3);
    assert.equal((await client.reply(3)).status, 200);
  });

  it("ends at once what waits for a client that has closed its side", async (t) => {
    const { run, client } = await pair(t);
    client.send(F.settingsFrame([[F.SETTINGS_INITIAL_WINDOW_SIZE, 0]]));
    client.headers(1).headers(3, request({ ":method": "POST", ":path": "/hold" }), F.END_HEADERS);
    await eventually(5_000, "both are there", () => run.handler.seen.length === 2);
    client.end();
    await client.closed();
    await eventually(5_000, "nothing is open", () => run.front.counters.exchangesOpen === 0);
  });

  it("ends a stream whose window the client keeps shut, and no other", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, path("/hold"));
    const exchange = await run.held();
    begin(exchange, "", { length: -1 });
    exchange.response.write(Buffer.alloc(100_000));
    await eventually(5_000, "a full window", () => client.body(1).length === 65_535);
    run.clock.advance(30_000);
    client.send(F.windowUpdate(0, 100_000));
    client.headers(3);
    assert.equal((await client.reply(3)).status, 200);
    run.clock.advance(32_000);
    assert.equal(await client.reset(1), F.CANCEL);
    assert.deepEqual(run.handler.aborts, ["response-stalled"]);
  });
});

describe("an HTTP/2 connection at a drain", () => {
  it("serves what is under way, then says that nothing more is taken, and ends", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, path("/hold"));
    const exchange = await run.held();
    const drained = run.front.drain(60_000);
    const first = await client.frame("GOAWAY", ({ type }) => type === F.GOAWAY);
    assert.equal(first.payload.readUInt32BE(0), 0x7fff_ffff);
    client.headers(3, path("/late"));
    assert.equal((await client.reply(3)).body, "hello /late");
    const ping = await client.frame("a ping", ({ type, flags }) => type === F.PING && flags === 0);
    client.send(frame(F.PING, F.ACK, 0, ping.payload.toString("latin1")));
    await eventually(
      5_000,
      "the second GOAWAY",
      () => client.frames.filter(({ type }) => type === F.GOAWAY).length === 2,
    );
    client.headers(5, path("/too-late"));
    assert.equal(await client.reset(5), F.REFUSED_STREAM);
    answer(exchange, "done");
    assert.equal((await client.reply(1)).body, "done");
    client.end();
    await drained;
    assert.deepEqual(run.handler.seen, ["GET /hold", "GET /late"]);
  });

  it("ends at once when nothing is open and the client agrees", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1);
    await client.reply(1);
    const drained = run.front.drain(60_000);
    const ping = await client.frame("a ping", ({ type, flags }) => type === F.PING && flags === 0);
    client.send(frame(F.PING, F.ACK, 0, ping.payload.toString("latin1")));
    client.end();
    await drained;
  });

  it("does not wait for a client that answers nothing", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1);
    await client.reply(1);
    const drained = run.front.drain(60_000);
    await client.frame("GOAWAY", ({ type }) => type === F.GOAWAY);
    run.clock.advance(2_000);
    run.clock.advance(6_000);
    await drained;
  });
});

describe("a plain listener that takes HTTP/2 by prior knowledge", () => {
  it("still speaks HTTP/1.1", async (t) => {
    const { run } = await pair(t);
    const client = run.connect();
    for (const byte of "PRI /x HTTP/1.1\r\nHost: a\r\n\r\n") client.send(byte);
    await eventually(5_000, "an answer", () => client.received.includes("hello /x"));
    assert.match(client.received, /^HTTP\/1\.1 200 /);
  });

  it("ends a client that sends nothing, or half a preface", async (t) => {
    const { run } = await pair(t);
    const client = run.connect();
    client.send("PRI * HT");
    await eventually(5_000, "both", () => run.front.counters.connectionsOpen === 2);
    run.clock.advance(10_500);
    await eventually(5_000, "their end", () => run.front.counters.connectionsOpen <= 1);
  });

  it("is no more than HTTP/1.1 where it was not asked for", async (t) => {
    const run = await runFront(t);
    const client = run.connect();
    client.send(F.PREFACE);
    await eventually(5_000, "an answer", () => client.received.includes("505"));
  });
});
