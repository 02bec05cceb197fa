// Health for load balancers: off the worker pool, out of the log, and first to know of a stop.

import assert from "node:assert/strict";
import { test } from "node:test";
import { newGate } from "../harness/gate.ts";
import { ask } from "../harness/http-client.ts";
import { startServer } from "../harness/server.ts";
import { eventually } from "../harness/wait.ts";

const QUICK_MS = 10_000;
const ANY_PORT = ["-b", "127.0.0.1:0"];

test("it is answered while every worker is busy, and not logged", async (t) => {
  const server = await startServer(t, ["--health", "--access-logfile", "-", ...ANY_PORT, "plain"]);
  await server.logged(/Ready at/);
  const gate = newGate(t);
  const reply = ask(server.endpoint, { path: gate.path });
  await gate.started();
  assert.equal((await ask(server.endpoint, { path: "/-/live" })).status, 200);
  const ready = await ask(server.endpoint, { path: "/-/ready" });
  assert.deepEqual(JSON.parse(ready.body), { status: "ready", workers: 1, waiting: 0, running: 1 });
  gate.open();
  assert.equal((await reply).status, 200);
  const { output } = await server.stop();
  assert.match(output, /GET \/gated/);
  assert.doesNotMatch(output, /\/-\//);
});

test("it is logged where that is asked for, below the prefix that is asked for", async (t) => {
  const args = ["--health=/up", "--health-access-log", "--access-logfile", "-", ...ANY_PORT, "plain"];
  const server = await startServer(t, args);
  assert.equal((await ask(server.endpoint, { path: "/up/live" })).status, 200);
  assert.match((await server.stop()).output, /GET \/up\/live/);
});

test("without --health those paths are the application's", async (t) => {
  const server = await startServer(t, [...ANY_PORT, "plain"]);
  await server.logged(/Ready at/);
  assert.notEqual(
    (await ask(server.endpoint, { path: "/-/live" })).headers["content-type"],
    "application/json",
  );
  await server.stop();
});

test("TERM fails readiness at once, while clients are still served for the drain delay", async (t) => {
  const server = await startServer(t, ["--health", "--drain-delay", "2", ...ANY_PORT, "plain"]);
  await server.logged(/Ready at/);
  server.signal("SIGTERM");
  await server.logged(/Shutting down: leaving/);
  // The log's line may be read before the fronts are told.
  await eventually(QUICK_MS, "readiness fails", async () => {
    const { status, body } = await ask(server.endpoint, { path: "/-/ready" });
    return status === 503 && JSON.parse(body).reason === "stopping";
  });
  assert.equal((await ask(server.endpoint, { path: "/-/live" })).status, 200);
  const hello = await ask(server.endpoint, { path: "/hello", headers: { connection: "keep-alive" } });
  assert.deepEqual([hello.status, hello.headers.connection], [200, "close"]);
  assert.equal((await server.exited(QUICK_MS)).code, 0);
  await server.assertNothingLeft();
});
