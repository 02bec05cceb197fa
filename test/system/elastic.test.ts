// -w N..N under real load: it grows while requests wait, and goes back when nobody asks.

import assert from "node:assert/strict";
import { test } from "node:test";
import { newGate } from "../harness/gate.ts";
import { ask } from "../harness/http-client.ts";
import { startServer } from "../harness/server.ts";
import { eventually } from "../harness/wait.ts";

const QUICK_MS = 15_000;

test("workers come while requests wait, and go when they are idle", async (t) => {
  const args = ["-w", "1..3", "--workers-idle", "1", "-b", "127.0.0.1:0", "plain"];
  const server = await startServer(t, args);
  await server.logged(/Ready at/);
  assert.equal(server.tree.workers.length, 1);
  const gates = [newGate(t), newGate(t), newGate(t), newGate(t)];
  const replies = gates.map((gate) => ask(server.endpoint, { path: gate.path }));
  await eventually(QUICK_MS, "three workers", () => server.tree.workers.length === 3);
  for (const gate of gates) gate.open();
  for (const reply of replies) assert.equal((await reply).status, 200);
  await eventually(QUICK_MS, "one worker again", () => server.tree.workers.length === 1);
  await server.stop();
});
