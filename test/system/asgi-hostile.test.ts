// Hostile clients of the whole program with an ASGI app: the peers' malformed requests and WebSocket handshakes
// and frames that no client sends by accident. The right answer, no process dies, memory stays flat.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import { ask, exchangeRaw, RawClient, statuses } from "../harness/http-client.ts";
import { MALFORMED } from "../harness/malformed.ts";
import { proportionalKib } from "../harness/process-tree.ts";
import { type Server, startServer } from "../harness/server.ts";
import { eventually } from "../harness/wait.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  closePayload,
  frame,
  handshake,
  PING,
  TEXT,
  WebSocketClient,
} from "../harness/web-socket-client.ts";

const GROWTH_KIB_MAX = 40_000;
const EVIL = "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n";

async function start(t: TestContext, ...args: string[]): Promise<Server> {
  const server = await startServer(t, [
    "asgi.plain:app",
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--lifespan",
    "off",
    ...args,
  ]);
  await server.logged(/Ready at/);
  return server;
}

const everybody = (server: Server): readonly number[] => Object.values(server.tree).flat();

function memoryKib(server: Server): number {
  return everybody(server).reduce((sum, pid) => sum + proportionalKib(pid), 0);
}

/** What the rows did: the same processes serve, they hold no more memory, and nothing was a fault of ours. */
async function assertUnharmed(
  server: Server,
  before: { pids: readonly number[]; kib: number },
): Promise<void> {
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  assert.deepEqual(everybody(server), before.pids);
  const growth = memoryKib(server) - before.kib;
  assert.ok(growth < GROWTH_KIB_MAX, `memory grew by ${growth} KiB`);
  assert.doesNotMatch(server.output, /\[ERROR\]|\[CRITICAL\]|Traceback|AssertionError/);
}

async function measured(server: Server): Promise<{ pids: readonly number[]; kib: number }> {
  await ask(server.endpoint, { path: "/hello" });
  return { pids: everybody(server), kib: memoryKib(server) };
}

test("malformed requests are answered by the front, and what follows them is not served", async (t) => {
  const server = await start(t);
  const before = await measured(server);
  for (const [name, input, status] of MALFORMED) {
    await t.test(`${name} gets ${status}`, async () => {
      const received = await exchangeRaw(server.endpoint, input + EVIL);
      assert.deepEqual(statuses(received), [status]);
    });
  }
  await assertUnharmed(server, before);
  assert.doesNotMatch(server.output, /evil/);
});

test("header names that mean something to JavaScript or to CGI reach the app as they are, or not at all", async (t) => {
  const server = await start(t);
  const lines = "__proto__: a\r\nconstructor: b\r\ntoString: c\r\nX_Under: d\r\nhasOwnProperty: e\r\n";
  const received = await exchangeRaw(server.endpoint, `GET /scope HTTP/1.0\r\nHost: a\r\n${lines}\r\n`);
  const { headers } = JSON.parse(received.slice(received.indexOf("\r\n\r\n") + 4));
  assert.deepEqual(headers, [
    ["b:host", "b:a"],
    ["b:constructor", "b:b"],
    ["b:tostring", "b:c"],
    ["b:hasownproperty", "b:e"],
  ]);
  const client = new WebSocketClient(server.endpoint);
  try {
    assert.match(await client.open({ path: "/scope", lines }), / 101 /);
    assert.match((await client.next()).payload.toString(), /b:hasownproperty/);
  } finally {
    client.destroy(); // a stop waits ten seconds for a client that does not answer its close
  }
});

const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const VERSION = "Sec-WebSocket-Version: 13\r\n";
const upgrade = (lines: string, start = "GET /ws HTTP/1.1\r\nHost: a\r\n"): string =>
  `${start}Upgrade: websocket\r\nConnection: Upgrade\r\n${lines}\r\n`;

const HANDSHAKES: readonly (readonly [name: string, input: string, status: number])[] = [
  ["another version", upgrade(`Sec-WebSocket-Version: 8\r\n${KEY}`), 426],
  ["no version", upgrade(KEY), 426],
  ["no key", upgrade(VERSION), 400],
  ["a key that is too short", upgrade(`${VERSION}Sec-WebSocket-Key: c2hvcnQ=\r\n`), 400],
  ["a key that is no base64", upgrade(`${VERSION}Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!!!\r\n`), 400],
  ["two keys", upgrade(VERSION + KEY + KEY), 400],
  ["a subprotocol that is not ASCII", upgrade(`${VERSION + KEY}Sec-WebSocket-Protocol: ch\xe4t\r\n`), 400],
  ["an empty subprotocol", upgrade(`${VERSION + KEY}Sec-WebSocket-Protocol: a,,b\r\n`), 400],
  [
    "65 kB of subprotocols",
    upgrade(`${VERSION + KEY}Sec-WebSocket-Protocol: ${"a,".repeat(32_500)}a\r\n`),
    431,
  ],
  [
    "65 kB of extensions",
    upgrade(`${VERSION + KEY}Sec-WebSocket-Extensions: ${"x".repeat(65_000)}\r\n`),
    431,
  ],
  ["POST", upgrade(VERSION + KEY, "POST /ws HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"), 400],
];

test("hostile WebSocket handshakes are refused", async (t) => {
  const server = await start(t);
  const before = await measured(server);
  for (const [name, input, status] of HANDSHAKES) {
    await t.test(`${name} gets ${status}`, async () => {
      const client = new RawClient(server.endpoint);
      t.after(() => client.destroy());
      client.send(input);
      await client.until(/\r\n\r\n/);
      assert.deepEqual(statuses(client.received), [status]);
      if (status === 426) assert.match(client.received, /\r\nSec-WebSocket-Version: 13\r\n/i);
    });
  }
  await assertUnharmed(server, before);
});

const FRAMES: readonly (readonly [name: string, frames: readonly Buffer[], code: string])[] = [
  ["without a mask", [frame(TEXT, "x", { isMasked: false })], "1002"],
  ["with a reserved bit", [frame(TEXT, "x", { reserved: 1 })], "1002"],
  ["of an unknown opcode", [frame(3, "x")], "1002"],
  ["of an unknown control opcode", [frame(11, "x")], "1002"],
  ["that continue nothing", [frame(CONTINUATION, "x")], "1002"],
  ["that begin a message within one", [frame(TEXT, "x", { isLast: false }), frame(TEXT, "y")], "1002"],
  ["of a ping in fragments", [frame(PING, "x", { isLast: false })], "1002"],
  ["of a ping of 126 bytes", [frame(PING, "x".repeat(126))], "1002"],
  ["of bad UTF-8", [frame(TEXT, Buffer.from([0xc3, 0x28]))], "1007"],
  [
    "of bad UTF-8 in a later fragment",
    [frame(TEXT, "a", { isLast: false }), frame(CONTINUATION, Buffer.from([0xff]))],
    "1007",
  ],
  ["of a close with half a code", [frame(CLOSE, "x")], "1002"],
  ["of a close with a code that is not for the wire", [frame(CLOSE, closePayload(1005))], "1002"],
  ["that say 4 PiB", [frame(BINARY, "x", { length: 2 ** 52 })], "1009"],
  ["of 20 MB", [frame(BINARY, "", { length: 20_000_000 })], "1009"],
];

test("hostile WebSocket frames close with the right code", async (t) => {
  const server = await start(t);
  const before = await measured(server);
  for (const [name, frames, code] of FRAMES) {
    await t.test(`frames ${name} get ${code}`, async () => {
      const client = new WebSocketClient(server.endpoint);
      t.after(() => client.destroy());
      await client.open({ path: "/ws" });
      client.send(...frames);
      assert.match(await client.closed(), new RegExp(`^${code}\\b`));
      await client.raw.untilClosed();
    });
  }
  await assertUnharmed(server, before);
});

test("a message of endless fragments is bounded, in bytes and in number", async (t) => {
  const server = await start(t, "--ws-max-size", "1000000");
  const before = await measured(server);
  for (const fragment of [Buffer.alloc(50_000), Buffer.alloc(0)]) {
    const client = new WebSocketClient(server.endpoint);
    t.after(() => client.destroy());
    await client.open({ path: "/ws" });
    client.send(frame(BINARY, fragment, { isLast: false }));
    const more = Buffer.concat(
      Array.from({ length: 100 }, () => frame(CONTINUATION, fragment, { isLast: false })),
    );
    await eventually(20_000, "the close", () => {
      client.send(more);
      return /\x88/.test(client.raw.received.slice(-40));
    });
    assert.match(await client.closed(), /^100[89]\b/);
  }
  await assertUnharmed(server, before);
});

test("a compressed message that inflates beyond the limit is refused before it does", async (t) => {
  const server = await start(t, "--ws-max-size", "1000000");
  const before = await measured(server);
  const client = new WebSocketClient(server.endpoint);
  t.after(() => client.destroy());
  const lines = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  assert.match(await client.open({ path: "/ws", lines }), /permessage-deflate/);
  const bomb = deflateRawSync(Buffer.alloc(200_000_000), { finishFlush: constants.Z_SYNC_FLUSH });
  client.send(frame(BINARY, bomb.subarray(0, -4), { reserved: 4 }));
  assert.match(await client.closed(), /^1009\b/);
  await assertUnharmed(server, before);
});

test("a thousand handshakes that are broken off at any place leave nothing behind", async (t) => {
  const server = await start(t);
  const before = await measured(server);
  const text = handshake({ path: "/ws" });
  for (let round = 0; round < 20; round += 1) {
    const clients = Array.from({ length: 50 }, () => new RawClient(server.endpoint));
    await Promise.all(
      clients.map(async (client, index) => {
        client.send(text.slice(0, Math.floor((text.length * (index + 1)) / 50)));
        if (index === 49) await client.until(/ 101 /);
      }),
    );
    for (const client of clients) client.reset();
  }
  await assertUnharmed(server, before);
});
