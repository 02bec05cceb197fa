import assert from "node:assert/strict";
import { mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { answer, begin, collect, runFront } from "../../harness/running-front.ts";
import { eventually } from "../../harness/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const get = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

function temporaryFile(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "front-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "file"), text);
  return join(folder, "file");
}

describe("h1 connection", () => {
  it("answers with Server and Date and keeps the connection", async (t) => {
    const { connect, handler } = await runFront(t);
    const client = connect();
    client.send(GET);
    const first = await client.until(/hello \/$/);
    assert.match(first, /^HTTP\/1\.1 200 OK\r\nServer: tunicorn\r\nDate: [^\r]+ GMT\r\nContent-Type/);
    client.send(get("/b"));
    await client.until(/hello \/b$/);
    assert.equal(handler.seen.length, 2);
  });

  it("adds the configured fields to every response, and leaves out what was not wanted", async (t) => {
    const headers = [
      ["x-frame-options", "DENY"],
      ["x-frame-options", "SAMEORIGIN"],
    ] as const;
    const { connect } = await runFront(t, { headers, dateHeader: false });
    const client = connect();
    client.send(GET);
    const start = "Server: tunicorn\r\nx-frame-options: DENY\r\nx-frame-options: SAMEORIGIN\r\nContent-Type";
    assert.ok((await client.until(/hello \/$/)).startsWith(`HTTP/1.1 200 OK\r\n${start}`));
  });

  it("lets a configured Server field take the place of its own", async (t) => {
    const { connect } = await runFront(t, { headers: [["server", "shop"]] });
    const client = connect();
    client.send(GET);
    const answered = await client.until(/hello \/$/);
    assert.deepEqual(answered.match(/^server: .*$/gim), ["server: shop"]);
  });

  it("answers 431 to a head that is longer than allowed", async (t) => {
    const { connect } = await runFront(t, { limitRequestHead: 1024 });
    const client = connect();
    client.send(get("/", `X: ${"x".repeat(600)}\r\nY: ${"y".repeat(600)}\r\n`));
    assert.match(await client.until(/\r\n\r\n/), /^HTTP\/1\.1 431 /);
  });

  it("answers pipelined requests in order, however late the first is", async (t) => {
    const { connect, handler, held } = await runFront(t);
    const client = connect();
    client.send(get("/hold") + get("/b") + get("/c"));
    const exchange = await held();
    assert.deepEqual(handler.seen, ["GET /hold"]);
    answer(exchange, "first");
    const all = await client.until(/hello \/c$/);
    assert.match(all, /first[\s\S]*hello \/b[\s\S]*hello \/c/);
  });

  it("answers a request fed byte by byte", async (t) => {
    const { connect, handler } = await runFront(t);
    const client = connect();
    const text =
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
    for (const character of text) client.send(character);
    await client.until(/abcde$/);
    assert.deepEqual(handler.bodies, ["abcde"]);
  });

  it("sends 100 Continue once, and only when the body is read", async (t) => {
    const { connect, held } = await runFront(t);
    const client = connect();
    client.send("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    const exchange = await held();
    assert.equal(client.received, "");
    exchange.body.read(collect((body) => answer(exchange, `got ${body}`)));
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    client.send("abc");
    const all = await client.until(/got abc$/);
    assert.equal(all.match(/100 Continue/g)?.length, 1);
  });

  it("never sends 100 Continue to an HTTP/1.0 client", async (t) => {
    const { connect } = await runFront(t);
    const client = connect();
    client.send("POST /echo HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc");
    const all = await client.untilClosed();
    assert.match(all, /^HTTP\/1\.1 200 [\s\S]*abc$/);
  });

  it("closes after an answer to a client that still waits for 100 Continue", async (t) => {
    const { connect } = await runFront(t);
    const client = connect();
    client.send("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    const all = await client.untilClosed();
    assert.match(all, /Connection: close\r\n[\s\S]*hello \/ignore$/);
  });

  it("reads a small body that nobody wanted and keeps the connection", async (t) => {
    const { connect, handler } = await runFront(t);
    const client = connect();
    client.send("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    await client.until(/hello \/ignore$/);
    client.send(`cde${get("/next")}`);
    await client.until(/hello \/next$/);
    assert.deepEqual(handler.seen, ["POST /ignore", "GET /next"]);
  });

  it("streams in chunks to HTTP/1.1 and to the connection's end to HTTP/1.0", async (t) => {
    const { connect, held } = await runFront(t);
    const modern = connect();
    modern.send(get("/hold"));
    const first = await held(1);
    begin(first, "ab", { length: -1 });
    first.response.write(Buffer.from("cde"));
    first.response.end();
    assert.match(await modern.until(/0\r\n\r\n$/), /\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n$/);
    const old = connect();
    old.send("GET /hold HTTP/1.0\r\n\r\n");
    const second = await held(2);
    begin(second, "ab", { length: -1 });
    second.response.write(Buffer.from("cde"));
    second.response.end();
    assert.match(await old.untilClosed(), /\r\n\r\nabcde$/);
  });

  it("sends no body with HEAD, 204 and 304, and keeps the framing right", async (t) => {
    const { connect, held } = await runFront(t);
    const client = connect();
    client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.match(await client.until(/\r\n\r\n$/), /Content-Length: 8\r\n\r\n$/);
    for (const [nth, status] of [204, 304].entries()) {
      client.send(get("/hold"));
      const exchange = await held(nth + 1);
      begin(exchange, "dropped", { status, length: -1 });
      exchange.response.end();
      await client.until(new RegExp(`HTTP/1.1 ${status} [\\s\\S]*\\r\\n\\r\\n$`));
    }
    client.send(GET);
    const all = await client.until(/hello \/$/);
    assert.doesNotMatch(all, /dropped|Transfer-Encoding/);
  });

  it("breaks the connection when a response is shorter than its Content-Length", async (t) => {
    const { connect, held, log } = await runFront(t);
    const client = connect();
    client.send(get("/hold") + GET);
    const exchange = await held();
    begin(exchange, "abc", { length: 5 });
    exchange.response.end();
    assert.match(await client.untilClosed(), /abc$/);
    assert.ok(log.lines.includes("error response shorter than its Content-Length"));
  });

  it("never sends more than Content-Length", async (t) => {
    const { connect, held, log } = await runFront(t);
    const client = connect();
    client.send(get("/hold"));
    const exchange = await held();
    begin(exchange, "abc", { length: 5 });
    exchange.response.write(Buffer.from("defgh"));
    exchange.response.end();
    await client.until(/abcde$/);
    client.send(GET);
    assert.match(await client.until(/hello \/$/), /abcdeHTTP/);
    assert.ok(log.lines.includes("warning response longer than its Content-Length"));
  });

  it("answers with a page when a handler gives up before its head, and breaks off after it", async (t) => {
    const { connect, held, access } = await runFront(t);
    const client = connect();
    client.send(get("/hold"));
    (await held(1)).response.abort("app-aborted", 500, "");
    await client.until(/HTTP\/1\.1 500 [\s\S]*<\/html>/);
    client.send(get("/hold"));
    const second = await held(2);
    begin(second, "ab", { length: -1 });
    second.response.abort("app-aborted", 500, "");
    assert.match(await client.untilClosed(), /ab\r\n$/);
    assert.deepEqual(
      access.records.map(({ status, abortCause }) => `${status} ${abortCause}`),
      ["500 app-aborted", "200 app-aborted"],
    );
  });

  it("sends early hints before the response, never to HTTP/1.0", async (t) => {
    const { connect, held } = await runFront(t);
    const client = connect();
    client.send(get("/hold"));
    const exchange = await held(1);
    exchange.response.inform(103, Buffer.from("Link: </a.css>\r\n\r\n"));
    answer(exchange, "x");
    assert.match(
      await client.until(/x$/),
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a.css>\r\n\r\nHTTP\/1\.1 200/,
    );
    const old = connect();
    old.send("GET /hold HTTP/1.0\r\n\r\n");
    const second = await held(2);
    second.response.inform(103, Buffer.from("Link: </a.css>\r\n\r\n"));
    answer(second, "x");
    assert.match(await old.untilClosed(), /^HTTP\/1\.1 200/);
  });

  it("still answers a client that closed its sending side", async (t) => {
    const { connect, held } = await runFront(t);
    const client = connect();
    client.send(get("/hold"));
    const exchange = await held();
    const { promise, resolve } = Promise.withResolvers<void>();
    exchange.events = { onAbort: () => {}, onDrain: () => {}, onHalfClose: resolve };
    client.end();
    await promise;
    answer(exchange, "late");
    assert.match(await client.untilClosed(), /late$/);
  });

  it("tells of a half-close again with each request that was pipelined before it", async (t) => {
    const { connect, held, handler } = await runFront(t);
    const client = connect();
    client.send(get("/hold") + get("/hold"));
    client.end();
    const first = await held(1);
    await eventually(5_000, "the half-close", () => handler.halfCloses === 1);
    answer(first, "first");
    const second = await held(2);
    assert.equal(handler.halfCloses, 2);
    answer(second, "second");
    assert.match(await client.untilClosed(), /second$/);
  });

  it("tells the handler of a reset at once, and writes 499", async (t) => {
    const { connect, held, handler, access, front } = await runFront(t);
    const client = connect();
    client.send("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab");
    const exchange = await held();
    const ends: string[] = [];
    exchange.body.read(collect(() => {}, ends));
    client.reset();
    await eventually(5_000, "the connection ends", () => front.counters.connectionsOpen === 0);
    assert.deepEqual(handler.aborts, ["client-left"]);
    assert.deepEqual(ends, ["ab(aborted)"]);
    assert.deepEqual(
      access.records.map(({ status }) => status),
      [499],
    );
    answer(exchange, "nobody hears this"); // an exchange that is over ignores its handler
  });

  it("tells how much left for the client, and holds the handler's bytes meanwhile", async (t) => {
    const { connect, held, handler } = await runFront(t);
    const client = connect();
    client.send(get("/hold"));
    const exchange = await held();
    const piece = Buffer.alloc(1 << 20, "x");
    begin(exchange, "", { length: 16 * piece.length });
    for (let i = 0; i < 16; i++) exchange.response.write(piece);
    await eventually(10_000, "all bytes drained", () => handler.drained === 16 * piece.length);
    exchange.response.end();
    await client.until(/x$/);
    await eventually(10_000, "all bytes received", () => client.received.length > 16 * piece.length);
  });

  it("sends on what a handler writes when it is told of room", async (t) => {
    const { connect, held } = await runFront(t);
    const client = connect();
    client.send(get("/hold"));
    const exchange = await held();
    let left = 100;
    const onDrain = (): void => {
      if (left === 0) return;
      left--;
      exchange.response.write(Buffer.alloc(1_000, "y"));
      if (left === 0) exchange.response.end();
    };
    exchange.events = { onAbort: () => {}, onDrain };
    begin(exchange, "x", { length: -1 });
    await client.until(/0\r\n\r\n$/);
    client.send(GET);
    await client.until(/hello \/$/);
  });

  it("sends the rest of a response from a file and closes the descriptor", async (t) => {
    const { connect, held } = await runFront(t);
    const path = temporaryFile(t, "0123456789".repeat(50_000));
    const before = openDescriptors();
    const client = connect();
    client.send(get("/hold"));
    const exchange = await held();
    begin(exchange, "<", { length: 499_991 });
    exchange.response.endWithFile(openSync(path, "r"), 10, 499_990);
    await eventually(10_000, "the whole file", () => client.received.length > 499_991);
    assert.match(client.received.slice(-21), /^\d*0123456789$/);
    client.destroy();
    await eventually(5_000, "descriptors closed", () => openDescriptors() <= before);
  });

  it("breaks the connection when a file is shorter than promised", async (t) => {
    const { connect, held, log } = await runFront(t);
    const client = connect();
    client.send(get("/hold"));
    const exchange = await held();
    begin(exchange, "", { length: 100 });
    exchange.response.endWithFile(openSync(temporaryFile(t, "short"), "r"), 0, 100);
    assert.match(await client.untilClosed(), /short$/);
    assert.ok(log.lines.includes("error file response broken"));
  });

  it("pauses a body that the handler does not want yet", async (t) => {
    const { connect, held, front } = await runFront(t);
    const client = connect();
    const length = 8 << 20;
    client.send(`POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`);
    client.send(Buffer.alloc(length, "x"));
    const exchange = await held();
    await eventually(5_000, "some bytes", () => front.counters.bytesReceived > 65_536);
    assert.ok(front.counters.bytesReceived < length / 2);
    exchange.body.read(collect((body) => answer(exchange, String(body.length))));
    await client.until(new RegExp(`${length}$`));
  });

  it("counts what it did", async (t) => {
    const { connect, front, access } = await runFront(t);
    const client = connect();
    client.send(GET + GET);
    await client.until(/hello \/[\s\S]*hello \/$/);
    client.end();
    await client.untilClosed();
    await eventually(5_000, "closed", () => front.counters.connectionsOpen === 0);
    assert.equal(front.counters.requests, 2);
    assert.equal(front.counters.exchangesOpen, 0);
    assert.equal(front.counters.bytesReceived, GET.length * 2);
    assert.equal(front.counters.bytesSent, client.received.length);
    assert.deepEqual(
      access.records.map(({ status, bodyBytes }) => [status, bodyBytes]),
      [
        [200, 7],
        [200, 7],
      ],
    );
  });
});

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
