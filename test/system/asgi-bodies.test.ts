// Bodies of ASGI requests and responses: they flow, each side waits for the other, and nobody holds what nobody takes.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask, RawClient, statuses } from "../harness/http-client.ts";
import { proportionalKib } from "../harness/process-tree.ts";
import { type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const MIB = 1_048_576;
const HUNDRED_MB = 100_000_000;
const PIECE_BYTES = 65_536;
/** What front and worker together may grow by while 100 MB wait: sockets' and our buffers, and some of the collector's slack. */
const WAITING_KIB_MAX = 60_000;
/** While 300 MB pass: V8 looks for unused buffers when there are 64 MB more of them. */
const PASSING_KIB_MAX = 110_000;
const LOOKS_ALIKE = 30;

/** Ready: until a worker says that the app is ASGI, bodies are collected. */
async function start(t: Parameters<typeof startServer>[0], ...args: string[]): Promise<Server> {
  const server = await startServer(t, ["asgi.plain:app", "--host", "127.0.0.1", "--port", "0", ...args]);
  await server.logged(/Ready at/);
  return server;
}

function memoryKib(server: Server): number {
  const { fronts, workers } = server.tree;
  return [...fronts, ...workers].reduce((sum, pid) => sum + proportionalKib(pid), 0);
}

/** Resolves when `value` does not change any more. */
async function settled(what: string, value: () => number): Promise<number> {
  let last = Number.NaN;
  let alike = 0;
  await eventually(20_000, what, () => {
    alike = value() === last ? alike + 1 : 0;
    last = value();
    return alike === LOOKS_ALIKE;
  });
  return last;
}

test("100 MB reach an app that takes them in pieces, in bounded memory", async (t) => {
  const server = await start(t);
  await ask(server.endpoint, { method: "POST", path: "/length", body: "warm" });
  const before = memoryKib(server);
  const body = Buffer.alloc(HUNDRED_MB, "x");
  const headers = { "Transfer-Encoding": "chunked" };
  for (const extra of [{}, { headers }, {}]) {
    const reply = await ask(server.endpoint, { method: "POST", path: "/length", body, ...extra });
    const { count, largest } = JSON.parse(reply.body);
    assert.equal(count, HUNDRED_MB);
    assert.ok(largest <= PIECE_BYTES * 4, `a piece of ${largest} bytes`);
  }
  const growth = memoryKib(server) - before;
  assert.ok(growth < PASSING_KIB_MAX, `grew by ${growth} KiB`);
});

test("an app that does not take its body holds its client back, and others are served", async (t) => {
  const server = await start(t);
  const gate = join(temporaryFolder(t), "gate");
  const before = memoryKib(server);
  const client = new RawClient(server.endpoint);
  t.after(() => client.destroy());
  client.send(`POST /gated?${gate} HTTP/1.1\r\nHost: a\r\nContent-Length: ${HUNDRED_MB}\r\n\r\n`);
  client.send(Buffer.alloc(HUNDRED_MB, "x"));
  await server.logged(/^took \d+$/m, 5_000);
  const unsent = await settled("the upload stands still", () => client.unsentBytes);
  assert.ok(unsent > HUNDRED_MB - 20 * MIB, `${HUNDRED_MB - unsent} bytes were taken`);
  assert.ok(memoryKib(server) - before < WAITING_KIB_MAX);
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  writeFileSync(gate, "");
  assert.match(await client.until(/\r\n\r\n\d+$/), new RegExp(`\\r\\n\\r\\n${HUNDRED_MB}$`));
});

test("a client that does not read holds its app back, and gets everything once it reads", async (t) => {
  const server = await start(t);
  const before = memoryKib(server);
  const client = new RawClient(server.endpoint);
  t.after(() => client.destroy());
  const pieces = 1_600;
  client.pause();
  client.send(`GET /download?${pieces} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  const sent = (): number => Number(/.*sending (\d+)\n/s.exec(server.output)?.[1] ?? 0);
  const standstill = await settled("the download stands still", sent);
  assert.ok(standstill < pieces / 3, `${standstill} of ${pieces} pieces were taken`);
  assert.ok(memoryKib(server) - before < WAITING_KIB_MAX);
  client.resume();
  const received = await client.untilClosed(30_000);
  assert.equal(received.length - received.indexOf("\r\n\r\n") - 4, pieces * PIECE_BYTES);
  await server.logged(/sent all/, 5_000);
});

test("pieces of a body reach the app before the body has ended, and its answer begins meanwhile", async (t) => {
  const server = await start(t);
  const client = new RawClient(server.endpoint);
  t.after(() => client.destroy());
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  await client.until(/\r\n3\r\none\r\n$/);
  client.send("3\r\ntwo\r\n");
  await client.until(/\r\n3\r\ntwo\r\n$/);
  client.send("0\r\n\r\n");
  await client.until(/\r\n0\r\n\r\n$/);
});

test("100 Continue is said when the app first receives, and never when it does not", async (t) => {
  const server = await start(t);
  const gate = join(temporaryFolder(t), "gate");
  const head = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`;
  const late = new RawClient(server.endpoint);
  t.after(() => late.destroy());
  late.send(head(`/late-receive?${gate}`));
  await server.logged(/waiting to receive/, 5_000);
  assert.equal(late.received, "");
  writeFileSync(gate, "");
  assert.equal(await late.until(/\r\n\r\n/), "HTTP/1.1 100 Continue\r\n\r\n");
  late.send("body");
  assert.deepEqual(statuses(await late.until(/got body$/)), [100, 200]);
  const never = new RawClient(server.endpoint);
  t.after(() => never.destroy());
  never.send(head("/ignore-body"));
  assert.deepEqual(statuses(await never.until(/not read$/)), [200]);
});

test("a body that is longer than allowed is refused before the app, or breaks off under it", async (t) => {
  const server = await start(t, "--limit-request-body", "1000");
  const announced = await ask(server.endpoint, { method: "POST", path: "/length", body: "x".repeat(1_001) });
  assert.equal(announced.status, 413);
  const headers = { "Transfer-Encoding": "chunked" };
  const body = "x".repeat(100_000);
  const found = await ask(server.endpoint, { method: "POST", path: "/length", headers, body });
  assert.equal(found.status, 413);
  const whole = await ask(server.endpoint, { method: "POST", path: "/length", body: "x".repeat(1_000) });
  assert.equal(JSON.parse(whole.body).count, 1_000);
});
