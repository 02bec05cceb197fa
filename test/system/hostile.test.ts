// Hostile clients against a front in this process, over real sockets: the corpus of invalid requests, the peers' table of
// malformed ones, the classes of the CVE table of HTTP servers, and resets at every moment.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { head, MALFORMED } from "../harness/malformed.ts";
import { type RunningFront, runFront } from "../harness/running-front.ts";
import { eventually } from "../harness/wait.ts";

const EVIL = "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n";
const STANDSTILL_LOOKS = 20;
const RESETS = 1_000;
const RESETS_AT_ONCE = 50;

interface InvalidCase {
  readonly name: string;
  readonly input: string;
  readonly status: number;
  readonly code: string;
  readonly limits?: unknown;
}

function invalidCases(): InvalidCase[] {
  const path = join(import.meta.dirname, "../corpus/h1/invalid.json");
  const all = JSON.parse(readFileSync(path, "utf8")) as InvalidCase[];
  return all.filter(({ limits }) => limits === undefined);
}

/** A front whose handler reads each body to its end before it answers. */
async function runReader(...[t, changes]: Parameters<typeof runFront>): Promise<RunningFront> {
  const running = await runFront(t, changes);
  running.handler.readsAll = true;
  return running;
}

/** The status of the last response, and whether the connection was closed after it (it was: this waits for that). */
async function lastStatus(running: RunningFront, input: string): Promise<number> {
  const client = running.connect();
  client.send(input);
  client.end();
  const text = await client.untilClosed();
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  return statuses.at(-1) ?? 0;
}

function sawEvil(running: RunningFront): boolean {
  return running.handler.seen.some((line) => line.includes("evil"));
}

describe("each invalid request of the corpus", () => {
  it("is answered with its status, ends the connection, and hides what follows it", async (t) => {
    const running = await runReader(t);
    for (const { name, input, status } of invalidCases()) {
      assert.equal(await lastStatus(running, input), status, name);
      assert.ok(!sawEvil(running), name);
    }
    await eventually(5_000, "all closed", () => running.front.counters.connectionsOpen === 0);
    assert.equal(running.front.counters.exchangesOpen, 0);
  });

  it("is known by its code, and leaves one line in the access log", async (t) => {
    const running = await runReader(t);
    for (const { name, input, code } of invalidCases()) {
      const before = running.front.counters.badRequests.get(code) ?? 0;
      const lines = running.access.records.filter(({ status }) => status >= 400).length;
      await lastStatus(running, input);
      assert.equal(running.front.counters.badRequests.get(code), before + 1, name);
      assert.equal(running.access.records.filter(({ status }) => status >= 400).length, lines + 1, name);
    }
  });
});

describe("the peers' malformed requests", () => {
  const rows: readonly (readonly [name: string, input: string, status: number])[] = [
    ...MALFORMED,
    ["two equal Content-Length", head("Content-Length: 0\r\nContent-Length: 0\r\n"), 400],
    ["chunked on HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
    ["TE: chunked, identity", head("Transfer-Encoding: chunked, identity\r\n"), 400],
    ["TE: chunked with VT", head("Transfer-Encoding: \x0bchunked\r\n"), 400],
    ["CR LF CR X", "GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n", 400],
  ];

  for (const [name, input, status] of rows) {
    it(`${name} gets ${status}, and the request behind it is not served`, async (t) => {
      const running = await runReader(t);
      assert.equal(await lastStatus(running, input + EVIL), status);
      assert.deepEqual(running.handler.seen, []);
    });
  }

  it("a chunk extension without end gets 400", async (t) => {
    const running = await runReader(t);
    const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert.equal(await lastStatus(running, `${chunked}5;${"x".repeat(20_000)}`), 400);
  });

  it("an evil second request in a segment of its own is not served either", async (t) => {
    const running = await runReader(t);
    const client = running.connect();
    client.send("bad\r\n\r\n");
    await client.until(/^HTTP\/1\.1 400 /);
    client.send(EVIL.repeat(100));
    client.end();
    await client.untilClosed();
    assert.deepEqual(running.handler.seen, []);
  });
});

describe("a flood of pipelined requests", () => {
  it("is answered in order and does not grow what is held", async (t) => {
    const running = await runFront(t);
    const count = 20_000;
    const client = running.connect();
    for (let i = 0; i < count; i += 100) client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100));
    await eventually(30_000, "all answered", () => running.front.counters.requests === count);
    await eventually(30_000, "all read", () => client.received.match(/HTTP\/1\.1 200 /g)?.length === count);
  });

  it("waits when its client does not read", async (t) => {
    const running = await runFront(t);
    const socket = connect(running.port, "127.0.0.1").pause();
    t.after(() => socket.destroy());
    socket.on("error", () => {}); // it is cut off at the end of the test
    const block = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(10_000);
    const writeOn = (): void => {
      while (socket.write(block) && socket.writableLength < 64 << 20);
    };
    socket.on("drain", writeOn);
    writeOn();
    const { counters } = running.front;
    let before = 0;
    let looksAlike = 0;
    await eventually(30_000, "standstill", () => {
      looksAlike = counters.requests === before && before > 0 ? looksAlike + 1 : 0;
      before = counters.requests;
      return looksAlike === STANDSTILL_LOOKS;
    });
    assert.ok(counters.bytesReceived < 64 << 20, `${counters.bytesReceived} bytes taken`);
  });
});

describe("resets", () => {
  const states: readonly (readonly [name: string, text: string])[] = [
    ["before a byte", ""],
    ["in the request line", "GET / HT"],
    ["in a header", "GET / HTTP/1.1\r\nHost: a\r\nX: y"],
    ["after the head, before the body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"],
    ["in a body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"],
    ["in a chunk size", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5"],
    ["in a chunk", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"],
    ["in trailers", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y"],
    ["while the handler works", "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["with a request waiting behind", `GET /hold HTTP/1.1\r\nHost: a\r\n\r\n${EVIL}`],
    ["after an answer", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["after a bad request", "bad\r\n\r\n"],
  ];

  for (const [name, text] of states) {
    it(`${name}, a thousand times, leave nothing behind`, async (t) => {
      const running = await runFront(t);
      const before = descriptors();
      for (let done = 0; done < RESETS; done += RESETS_AT_ONCE) {
        await Promise.all(Array.from({ length: RESETS_AT_ONCE }, () => connectAndReset(running.port, text)));
      }
      const { counters } = running.front;
      await eventually(
        10_000,
        "all closed",
        () => counters.connectionsOpen === 0 && counters.connectionsTotal > 0,
      );
      assert.equal(counters.exchangesOpen, 0);
      await eventually(10_000, "descriptors flat", () => descriptors() <= before);
      assert.equal(running.log.lines.filter((line) => !line.startsWith("debug ")).join("\n"), "");
    });
  }
});

async function connectAndReset(port: number, text: string): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}); // the front may have been faster
  await once(socket, "connect");
  if (text !== "") await new Promise<void>((resolve) => socket.write(text, "latin1", () => resolve()));
  socket.resetAndDestroy();
  if (!socket.closed) await once(socket, "close");
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
