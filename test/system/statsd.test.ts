// gunicorn's metrics, as a statsd server receives them.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { DatagramReceiver } from "../harness/datagrams.ts";
import { ask } from "../harness/http-client.ts";
import { PYTHON, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const QUICK_MS = 10_000;
const WANTED = [
  /^shop\.gunicorn\.workers:2\|g\|#env:test$/,
  /^shop\.gunicorn\.requests:1\|c\|#env:test$/,
  /^shop\.gunicorn\.request\.status\.200:1\|c\|#env:test$/,
  /^shop\.gunicorn\.request\.duration:[\d.]+\|ms\|#env:test$/,
];

/** Beside WANTED: what only --enable-backlog-metric brings, of gunicorn's type. */
const BACKLOG = /^shop\.gunicorn\.backlog:0\|h\|#env:test$/;

function options(host: string): string[] {
  const metrics = ["--statsd-host", host, "--statsd-prefix", "shop", "--dogstatsd-tags", "env:test"];
  return ["-w", "2", "-b", "127.0.0.1:0", "--health", ...metrics, "plain"];
}

function hasAll(lines: readonly string[]): boolean {
  return WANTED.every((pattern) => lines.some((line) => pattern.test(line)));
}

test("they come by UDP, health requests excepted", async (t) => {
  const statsd = createSocket("udp4").bind(0, "127.0.0.1");
  t.after(() => void statsd.close());
  await once(statsd, "listening");
  const lines: string[] = [];
  statsd.on("message", (message) => lines.push(...String(message).split("\n")));
  const server = await startServer(t, options(`127.0.0.1:${statsd.address().port}`));
  assert.equal((await ask(server.endpoint, { path: "/-/live" })).status, 200);
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  await eventually(QUICK_MS, "all metrics", () => hasAll(lines));
  await server.stop();
});

test("the waiting line is measured when that is asked for", async (t) => {
  const statsd = createSocket("udp4").bind(0, "127.0.0.1");
  t.after(() => void statsd.close());
  await once(statsd, "listening");
  const lines: string[] = [];
  statsd.on("message", (message) => lines.push(...String(message).split("\n")));
  const host = `127.0.0.1:${statsd.address().port}`;
  const server = await startServer(t, ["--enable-backlog-metric", ...options(host)]);
  await eventually(QUICK_MS, "the backlog", () => lines.some((line) => BACKLOG.test(line)));
  await server.stop();
});

test("lines of the application's processes are counted too", async (t) => {
  const statsd = createSocket("udp4").bind(0, "127.0.0.1");
  t.after(() => void statsd.close());
  await once(statsd, "listening");
  const lines: string[] = [];
  statsd.on("message", (message) => lines.push(...String(message).split("\n")));
  const host = `127.0.0.1:${statsd.address().port}`;
  const server = await startServer(t, ["-b", "127.0.0.1:0", "--statsd-host", host, "faults"]);
  assert.equal((await ask(server.endpoint, { path: "/raise-in-call" })).status, 500);
  await eventually(QUICK_MS, "the exception's count", () => lines.includes("gunicorn.log.exception:1|c"));
  await server.stop();
});

test("they come to a Unix datagram socket, as dogstatsd's agent has it", async (t) => {
  const path = join(temporaryFolder(t), "dsd.sock");
  const statsd = await DatagramReceiver.open(t, PYTHON, path);
  const server = await startServer(t, options(`unix://${path}`));
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  await statsd.until("all metrics", QUICK_MS, hasAll);
  await server.stop();
});

test("a socket that is not there is named in the log, and the server serves", async (t) => {
  const path = join(temporaryFolder(t), "none.sock");
  const server = await startServer(t, options(`unix://${path}`));
  await server.logged(/WARNING.*no such socket.*none\.sock/);
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  await server.stop();
});
