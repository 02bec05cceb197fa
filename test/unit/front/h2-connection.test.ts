import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { FrontConfig } from "../../../src/front/context.ts";
import * as F from "../../../src/h2/frames.ts";
import { frame, H2Client, headerBlock, request } from "../../harness/h2-client.ts";
import { answer, begin, collect, type RunningFront, runFront } from "../../harness/running-front.ts";
import { eventually } from "../../harness/wait.ts";

interface Pair {
  readonly run: RunningFront;
  readonly client: H2Client;
}

async function pair(t: TestContext, changes: Partial<FrontConfig> = {}): Promise<Pair> {
  const run = await runFront(t, changes, { cleartextH2: true, versions: ["h2"] });
  return { run, client: another(t, run) };
}

function another(t: TestContext, run: RunningFront): H2Client {
  const client = new H2Client(run.port).start();
  t.after(() => client.destroy());
  return client;
}

const path = (value: string): (readonly [string, string])[] => request({ ":path": value });
const post = (value: string, length = -1): (readonly [string, string])[] =>
  request({
    ":method": "POST",
    ":path": value,
    ...(length < 0 ? {} : { "content-length": String(length) }),
  });

describe("an HTTP/2 connection", () => {
  it("answers requests on streams of their own, and keeps the last one in mind", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, path("/a")).headers(3, path("/b")).headers(5, path("/b"));
    assert.equal((await client.reply(1)).body, "hello /a");
    const { status, fields, body } = await client.reply(3);
    assert.deepEqual([status, body, fields["server"]], [200, "hello /b", "tunicorn"]);
    assert.equal(fields["content-length"], "8");
    assert.match(fields["date"] ?? "", /GMT$/);
    assert.equal((await client.reply(5)).body, "hello /b");
    assert.equal(run.front.counters.requests, 3);
    await eventually(5_000, "three lines", () => run.access.records.length === 3);
    assert.equal(run.access.records[1]?.requestLine, "GET /b HTTP/2");
    assert.equal(run.access.records[1]?.status, 200);
  });

  it("is read however its bytes are split", async (t) => {
    const { client } = await pair(t);
    const text =
      frame(F.HEADERS, 0, 1, headerBlock(post("/echo")).slice(0, 7)) +
      frame(F.CONTINUATION, F.END_HEADERS, 1, headerBlock(post("/echo")).slice(7)) +
      frame(F.DATA, F.PADDED, 1, "\x03abc\0\0\0") +
      frame(F.DATA, F.END_STREAM, 1, "def");
    for (const byte of text) client.send(byte);
    assert.equal((await client.reply(1)).body, "abcdef");
  });

  it("sends a response that is longer than the windows as they open", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, path("/hold"));
    const exchange = await run.held();
    begin(exchange, "x".repeat(200_000));
    exchange.response.end();
    await eventually(5_000, "a window full", () => client.body(1).length === 65_535);
    client.send(F.windowUpdate(0, 200_000));
    client.send(F.windowUpdate(1, 1_000));
    await eventually(5_000, "a little more", () => client.body(1).length === 66_535);
    client.send(F.windowUpdate(1, 200_000));
    assert.equal((await client.reply(1)).body.length, 200_000);
  });

  it("lets streams take turns, and tells handlers what has left", async (t) => {
    const { run, client } = await pair(t);
    client.send(F.windowUpdate(0, 1_000_000));
    client.headers(1, path("/hold")).headers(3, path("/hold"));
    await run.held(2);
    for (const exchange of run.handler.held) begin(exchange, "", { length: -1 });
    for (const exchange of run.handler.held) exchange.response.write(Buffer.alloc(50_000, "y"));
    await eventually(
      5_000,
      "both bodies",
      () => client.body(3).length === 50_000 && client.body(1).length === 50_000,
    );
    const order = client.frames.filter(({ type }) => type === F.DATA).map(({ streamId }) => streamId);
    assert.deepEqual(order.slice(0, 4), [1, 3, 1, 3]);
    await eventually(5_000, "credit", () => run.handler.drained === 100_000);
    for (const exchange of run.handler.held) exchange.response.end();
    await client.reply(1);
  });

  it("gives a window back only for what the handler has taken", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, post("/hold"), 0);
    client.data(1, "z".repeat(16_384)).data(1, "z".repeat(16_384)).data(1, "z".repeat(16_384));
    const exchange = await run.held();
    const updates = (): number =>
      client.frames.filter(({ type, streamId }) => type === F.WINDOW_UPDATE && streamId === 1).length;
    client.send(frame(F.PING, 0, 0, "12345678"));
    await client.frame("a pong", ({ type }) => type === F.PING);
    assert.equal(updates(), 0);
    exchange.body.read(collect((whole) => answer(exchange, String(whole.length))));
    await eventually(5_000, "a larger window", () => updates() > 0);
    exchange.body.pause();
    client.data(1, "z".repeat(1_000));
    exchange.body.resume();
    client.data(1, "", F.END_STREAM);
    assert.equal((await client.reply(1)).body, String(3 * 16_384 + 1_000));
  });

  it("says 100 when the body is wanted, and 103 when the handler does", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, [...post("/hold"), ["expect", "100-continue"]], 0);
    const exchange = await run.held();
    assert.ok(exchange.body.awaitsContinue);
    exchange.response.inform(103, Buffer.from("Link: </a.css>; rel=preload\r\n\r\n"));
    exchange.body.read(collect((body) => answer(exchange, body)));
    const early = await client.frame("103", ({ fields }) => fields[":status"] === "103");
    assert.equal(early.fields["link"], "</a.css>; rel=preload");
    await client.frame("100", ({ fields }) => fields[":status"] === "100");
    client.data(1, "body", F.END_STREAM);
    assert.equal((await client.reply(1)).body, "body");
  });

  it("sends no body with HEAD, 204 and 304, and drops what belongs to HTTP/1.1", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, request({ ":method": "HEAD" })).headers(3, path("/hold"));
    const head = await client.reply(1);
    assert.deepEqual([head.status, head.fields["content-length"], head.body], [200, "7", ""]);
    const exchange = await run.held();
    const block = "Connection: close\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\nX-Own: 1\r\n\r\n";
    const bytes = Buffer.from(block);
    const own = { status: 204, reason: "", contentLength: -1, hasServer: false, hasDate: false };
    exchange.response.start({ ...own, close: false, noBuffer: false }, bytes, 0, bytes.length, bytes.length);
    exchange.response.end();
    const { fields } = await client.reply(3);
    assert.deepEqual(Object.keys(fields).sort(), [":status", "date", "server", "x-own"]);
  });

  it("carries trailers both ways, out only to who asks for them", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, [...post("/hold"), ["te", "trailers"]], 0);
    client.data(1, "body");
    client.headers(1, [["x-sum", "7"]]);
    const exchange = await run.held();
    let told = "";
    exchange.body.read({
      chunk: () => {},
      end: (trailers) => {
        told = trailers.get("x-sum") ?? "";
      },
      abort: () => {},
    });
    assert.equal(told, "7");
    begin(exchange, "ok", { length: -1 });
    exchange.response.end(Buffer.from("X-Check: 8\r\n\r\n"));
    assert.equal((await client.reply(1)).trailers["x-check"], "8");
  });

  it("tells the handler of a client that took its request back", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, path("/hold"));
    await run.held();
    client.send(F.resetFrame(1, F.CANCEL));
    await eventually(5_000, "the end", () => run.handler.aborts.length === 1);
    assert.deepEqual(run.handler.aborts, ["client-left"]);
    client.headers(3, path("/still"));
    assert.equal((await client.reply(3)).status, 200);
    assert.equal(run.access.records[0]?.status, 499);
  });

  it("resets a stream whose response is shorter than promised, and no other", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, path("/hold"));
    const exchange = await run.held();
    begin(exchange, "short", { length: 10 });
    exchange.response.end();
    assert.equal(await client.reset(1), F.INTERNAL_ERROR);
    client.headers(3);
    assert.equal((await client.reply(3)).status, 200);
  });

  it("ends streams, not connections, when a response ends before the request's body", async (t) => {
    const { client } = await pair(t);
    client.headers(1, post("/ignore", 100_000), 0);
    assert.equal((await client.reply(1)).body, "hello /ignore");
    assert.equal(await client.reset(1), F.NO_ERROR);
    client.data(1, "late");
    client.headers(3);
    assert.equal((await client.reply(3)).status, 200);
  });

  it("tells every request that runs", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, path("/hold")).headers(3, path("/hold"));
    await run.held(2);
    assert.deepEqual(
      run.front.inFlight(10).map((one) => one.path),
      ["/hold", "/hold"],
    );
  });
});

describe("a request that HTTP/2 calls malformed", () => {
  const malformed: Record<string, (readonly [string, string])[]> = {
    "an upper-case name": request({ "X-A": "b" }),
    "a name with a space": request({ "x a": "b" }),
    "an empty name": request({ "": "b" }),
    "CR LF in a value": request({ "x-a": "b\r\nc: d" }),
    "NUL in a value": request({ "x-a": "b\0c" }),
    "a blank before a value": request({ "x-a": " b" }),
    "a control character in the path": request({ ":path": "/a\x01" }),
    Connection: request({ connection: "close" }),
    "Transfer-Encoding": request({ "transfer-encoding": "chunked" }),
    "te other than trailers": request({ te: "gzip" }),
    "an unknown pseudo-field": request({ ":other": "1" }),
    "a pseudo-field behind others": request({}, [
      ["x-a", "b"],
      [":authority", "c"],
    ]),
    "a repeated pseudo-field": request({}, [[":path", "/b"]]),
    "no path": request({ ":path": "" }),
    "a path without slash": request({ ":path": "a" }),
    "a fragment": request({ ":path": "/a#b" }),
    "a length for no body": request({ "content-length": "5" }),
    "two lengths": request({ "content-length": "0" }, [["content-length", "0"]]),
    "a :protocol without CONNECT": request({}, [[":protocol", "websocket"]]).sort(([a], [b]) =>
      a.localeCompare(b),
    ),
  };
  for (const [what, fields] of Object.entries(malformed)) {
    it(`is reset and never seen by the handler: ${what}`, async (t) => {
      const { run, client } = await pair(t);
      client.headers(1, fields);
      assert.equal(await client.reset(1), F.PROTOCOL_ERROR);
      client.headers(3);
      assert.equal((await client.reply(3)).status, 200);
      assert.deepEqual(run.handler.seen, ["GET /"]);
    });
  }

  const answered: Record<string, [number, (readonly [string, string])[]]> = {
    "a Host that differs": [400, request({ host: "other" })],
    "two Hosts": [
      400,
      request({}, [
        ["host", "test"],
        ["host", "test"],
      ]),
    ],
    "a malformed authority": [400, request({ ":authority": "user@test" })],
    "no host at all": [400, request({ ":authority": "" })],
    "two content types": [400, request({ "content-type": "a/b" }, [["content-type", "a/b"]])],
    "another scheme": [400, request({ ":scheme": "ftp" })],
    "a method in lower case": [400, request({ ":method": "get" })],
    "an expectation": [417, request({ expect: "more" })],
    "a long path": [414, request({ ":path": `/${"a".repeat(5_000)}` })],
    "a long field": [431, request({ "x-a": "b".repeat(9_000) })],
    "many fields": [
      431,
      request(
        {},
        Array.from({ length: 101 }, (_, i) => [`x-${i}`, "a"] as const),
      ),
    ],
    "a long list": [
      431,
      request(
        {},
        Array.from({ length: 9 }, (_, i) => [`x-${i}`, "a".repeat(8_000)] as const),
      ),
    ],
    "a plain CONNECT": [
      501,
      [
        [":method", "CONNECT"],
        [":authority", "test:80"],
      ],
    ],
  };
  for (const [what, [status, fields]] of Object.entries(answered)) {
    it(`is answered ${status} and never seen by the handler: ${what}`, async (t) => {
      const { run, client } = await pair(t, { limitRequestFields: 100 });
      client.send(F.headersFrames(1, headerBlock(fields), { flags: F.END_STREAM, frameBytesMax: 16_384 }));
      assert.equal((await client.reply(1)).status, status);
      assert.deepEqual(run.handler.seen, []);
      assert.equal(run.access.records[0]?.status, status);
    });
  }

  it("joins crumbs of cookies and puts the host first", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, request({ ":path": "/hold", cookie: "a=1" }, [["cookie", "b=2"]]));
    const { fields, authority, version } = (await run.held()).head;
    assert.deepEqual(fields.flat, ["host", "test", "cookie", "a=1; b=2"]);
    assert.deepEqual([authority, version], ["test", "2"]);
  });

  it("resets a body that differs from its length", async (t) => {
    const { run, client } = await pair(t);
    client.headers(1, post("/echo", 3), 0).data(1, "four", F.END_STREAM);
    client.headers(3, post("/echo", 3), 0).data(3, "2", F.END_STREAM);
    assert.equal(await client.reset(1), F.PROTOCOL_ERROR);
    assert.equal(await client.reset(3), F.PROTOCOL_ERROR);
    assert.deepEqual(run.handler.bodies, ["(aborted)", "2(aborted)"]);
  });

  it("answers 413 to a body beyond the limit, said or not", async (t) => {
    const { client } = await pair(t, { bodyBytesMax: 1_000 });
    client.headers(1, post("/echo", 1_001), 0);
    client.headers(3, post("/echo"), 0).data(3, "x".repeat(1_001));
    assert.equal((await client.reply(1)).status, 413);
    assert.equal((await client.reply(3)).status, 413);
  });
});
