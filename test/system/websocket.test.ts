// WebSockets over the whole chain: a client's frames, the front, the wire, an ASGI app.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ask, type Endpoint, statuses } from "../harness/http-client.ts";
import { proportionalKib } from "../harness/process-tree.ts";
import { type Server, startServer } from "../harness/server.ts";
import { eventually } from "../harness/wait.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  frame,
  type HandshakeOptions,
  handshake,
  TEXT,
  WebSocketClient,
} from "../harness/web-socket-client.ts";

const APP = "web_sockets:app";

async function serve(t: TestContext, ...args: string[]): Promise<Server> {
  const defaults = ["-w", "1", "-k", "asgi", "-b", "127.0.0.1:0", "--graceful-timeout", "2"];
  const server = await startServer(t, [...defaults, ...args, APP]);
  await server.logged(/Ready at/);
  return server;
}

function connect(t: TestContext, endpoint: Endpoint): WebSocketClient {
  const client = new WebSocketClient(endpoint);
  t.after(() => client.destroy());
  return client;
}

async function open(
  t: TestContext,
  endpoint: Endpoint,
  options?: HandshakeOptions,
): Promise<WebSocketClient> {
  const client = connect(t, endpoint);
  assert.match(await client.open(options), /^HTTP\/1\.1 101 /);
  return client;
}

/** Of the front and the workers, in kilobytes. */
function residentKb(server: Server): number {
  const { fronts, workers } = server.tree;
  return [...fronts, ...workers].reduce((sum, pid) => sum + proportionalKib(pid), 0);
}

test("an ASGI app speaks WebSocket", async (t) => {
  const server = await serve(t, "--access-logfile", "-");
  const { endpoint } = server;

  await t.test("and echoes messages of every length, whole", async () => {
    const client = await open(t, endpoint);
    for (const length of [0, 1, 125, 126, 65_535, 65_536, 3_000_000]) {
      const text = "é".repeat(length / 2).padEnd(length / 2 + 1, "x");
      client.send(frame(TEXT, text), frame(BINARY, Buffer.alloc(length, 7)));
      assert.ok((await client.text()) === text, `text of ${length} bytes`);
      const { opcode, payload } = await client.message();
      assert.deepEqual([opcode, payload.length, payload.every((byte) => byte === 7)], [BINARY, length, true]);
    }
    client.send(frame(CLOSE, closePayload(4000, "done")));
    assert.equal(await client.closed(), "4000");
    await server.logged(/ended 4000 done/);
    await server.logged(/"GET \/ HTTP\/1\.1" 101 \d+/);
  });

  await t.test("with a scope as uvicorn's", async () => {
    const lines = "Sec-WebSocket-Protocol: a, b\r\nX-Twice: 1\r\nX-Twice: 2\r\n__proto__: x\r\n";
    const client = await open(t, endpoint, { path: "/scope?a=%20b", lines });
    const scope: Record<string, unknown> = JSON.parse(await client.text());
    assert.equal(scope["type"], "websocket");
    assert.equal(scope["scheme"], "ws");
    assert.equal(scope["http_version"], "1.1");
    assert.equal(scope["query_string"], "a=%20b");
    assert.deepEqual(scope["subprotocols"], ["a", "b"]);
    assert.equal("method" in scope, false);
    const headers = scope["headers"] as [string, string][];
    assert.deepEqual(
      headers.filter(([name]) => name === "x-twice"),
      [
        ["x-twice", "1"],
        ["x-twice", "2"],
      ],
    );
  });

  await t.test("and chooses the subprotocol and further fields", async () => {
    const client = connect(t, endpoint);
    const head = await client.open({ lines: "Sec-WebSocket-Protocol: chat, talk\r\n" });
    assert.match(head, /\r\nSec-WebSocket-Protocol: chat\r\n/);
    assert.match(head, /\r\nx-app: echo\r\n/i);
  });

  await t.test("and denies with a response of its own, streamed", async () => {
    const client = connect(t, endpoint);
    client.raw.send(handshake({ path: "/deny" }));
    const received = await client.raw.untilClosed();
    assert.deepEqual(statuses(received), [401]);
    assert.match(received, /x-why: because/);
    assert.match(received, /4\r\nnot \r\n3\r\nyou\r\n0\r\n/);
    await server.logged(/"GET \/deny HTTP\/1\.1" 401 7/);
  });

  await t.test("and denies by closing, raising or saying nothing before accept", async () => {
    for (const [path, status] of [
      ["/close-early", 403],
      ["/raise-early", 500],
      ["/nothing", 500],
    ] as const) {
      const client = connect(t, endpoint);
      client.raw.send(handshake({ path }));
      assert.deepEqual(statuses(await client.raw.untilClosed()), [status]);
    }
    await server.logged(/raised before accept/);
  });

  await t.test("and closes with a code and a reason, or 1011 when it raises", async () => {
    const late = await open(t, endpoint, { path: "/close-late" });
    assert.equal(await late.text(), "last words");
    assert.equal(await late.closed(), "4001 enough");
    late.send(frame(CLOSE, closePayload(4001)));
    assert.deepEqual(await late.rest(), []);
    await server.logged(/ended 4001\n/);
    const raised = await open(t, endpoint, { path: "/raise-late" });
    assert.equal(await raised.closed(), "1011");
    await server.logged(/raised after accept/);
  });

  await t.test("and hears of a client that broke off, or broke the protocol", async () => {
    const gone = await open(t, endpoint);
    gone.raw.reset();
    await server.logged(/ended 1006 /);
    const wrong = await open(t, endpoint);
    wrong.send(frame(TEXT, "x", { isMasked: false }));
    assert.equal(await wrong.closed(), "1002");
    await server.logged(/ended 1002 /);
  });

  await t.test("and HTTP on the same port", async () => {
    assert.match((await ask(endpoint)).body, /^http \d+$/);
  });
});

test("an app that does not receive holds its client back, whatever that sends", async (t) => {
  const server = await serve(t);
  const client = await open(t, server.endpoint, { path: "/never-receive" });
  const before = residentKb(server);
  const empty = Buffer.concat(Array.from({ length: 10_000 }, () => frame(TEXT, "")));
  for (let i = 0; i < 200; i++) client.send(empty);
  const long = frame(BINARY, Buffer.alloc(1_000_000));
  for (let i = 0; i < 50; i++) client.send(long);
  await stalled(() => client.raw.unsentBytes);
  assert.ok(client.raw.unsentBytes > 40_000_000, "the client was not held back");
  assert.ok(residentKb(server) - before < 40_000, "memory grew");
});

test("a client that does not read holds its app back, whatever that sends", async (t) => {
  for (const path of ["/flood", "/flood-short"]) {
    const server = await serve(t);
    const client = await open(t, server.endpoint, { path });
    client.raw.pause();
    const before = residentKb(server);
    const sent = (): number => Number(server.output.match(/sent (\d+)\n$/)?.[1] ?? 0);
    await eventually(10_000, "some messages", () => sent() >= 1_000);
    await stalled(sent);
    assert.ok(sent() < 500_000, `the app sent ${sent()} messages to nobody`);
    assert.ok(residentKb(server) - before < 60_000, "memory grew");
    await server.stop("SIGQUIT");
  }
});

test("a worker's death closes its WebSockets with 1012, and others live on", async (t) => {
  const server = await serve(t, "-w", "2");
  const clients = await Promise.all(Array.from({ length: 4 }, () => open(t, server.endpoint)));
  const killer = await open(t, server.endpoint, { path: "/kill" });
  killer.send(frame(TEXT, "now"));
  assert.equal(await killer.closed(), "1012");
  for (const client of clients) client.send(frame(TEXT, "still here?"));
  const answers = await Promise.all(clients.map((client) => client.next()));
  const alive = answers.filter(({ opcode }) => opcode === TEXT).length;
  assert.ok(alive >= 2, `${alive} of 4 live on`);
  for (const { opcode, payload } of answers) {
    if (opcode === CLOSE) assert.equal(payload.readUInt16BE(), 1012);
  }
});

test("a stop closes WebSockets with 1012, tells the app, and does not wait for silent clients", async (t) => {
  const server = await serve(t);
  const [polite, silent] = [await open(t, server.endpoint), await open(t, server.endpoint)];
  server.signal("SIGTERM");
  assert.equal(await polite.closed(), "1012");
  polite.send(frame(CLOSE, closePayload(1012)));
  assert.equal(await silent.closed(), "1012");
  await server.logged(/ended 1012 [\s\S]*ended 1012 /);
  assert.equal((await server.exited()).code, 0);
});

test("a reload closes WebSockets with 1012, and their clients find the new workers", async (t) => {
  const server = await serve(t);
  const old = await open(t, server.endpoint, { path: "/pid" });
  const pid = await old.text();
  server.signal("SIGHUP");
  assert.equal(await old.closed(), "1012");
  old.send(frame(CLOSE, closePayload(1012)));
  const young = await open(t, server.endpoint, { path: "/pid" });
  assert.notEqual(await young.text(), pid);
});

test("a WSGI app answers a handshake as any other request", async (t) => {
  const server = await startServer(t, ["-w", "1", "-b", "127.0.0.1:0", "plain"]);
  const client = connect(t, server.endpoint);
  client.raw.send(handshake({ path: "/environ" }));
  assert.match(await client.raw.until(/\r\n\r\n[\s\S]+/), /^HTTP\/1\.1 200 /);
});

/** Waits until `value` has not changed for a while: nothing tells that nothing more will happen. */
async function stalled(value: () => number): Promise<void> {
  let last = -1;
  let same = 0;
  await eventually(30_000, "a standstill", () => {
    same = value() === last ? same + 1 : 0;
    last = value();
    return same >= 50;
  });
}
