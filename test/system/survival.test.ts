// kill -9 of each kind of process under load: what is lost is at most what the dead one held, and service goes on.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { Load } from "../harness/load.ts";
import { type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const ARGS = ["-w", "2", "-b", "127.0.0.1:0", "plain"];
const RECOVERY_MS = 15_000;

test("killed workers cost no idempotent request and are replaced", async (t) => {
  const server = await startServer(t, ARGS);
  await allWorkers(server);
  const load = new Load(server.endpoint, "/pid");
  for (let round = 0; round < 5; round += 1) {
    await moreAnswers(load, 100);
    const victim = server.tree.workers[round % 2];
    assert.ok(victim);
    process.kill(victim, "SIGKILL");
    await server.logged(new RegExp(`worker exited[^\\n]*\\b${victim}\\b[^\\n]*SIGKILL`));
    await eventually(RECOVERY_MS, "a new worker", () => otherWorkers(server, victim));
  }
  await moreAnswers(load, 100);
  const { failures, bodies } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(bodies.size >= 4, "several workers answered");
  await server.stop();
});

test("a killed front loses only what it held, and no connection is refused", async (t) => {
  const server = await startServer(t, ARGS);
  await allWorkers(server);
  const load = new Load(server.endpoint, "/pid");
  for (let round = 1; round <= 3; round += 1) {
    await moreAnswers(load, 100);
    const [front] = server.tree.fronts;
    assert.ok(front);
    process.kill(front, "SIGKILL");
    await eventually(RECOVERY_MS, "a new front", () => server.tree.fronts.some((pid) => pid !== front));
    await moreAnswers(load, 100);
  }
  const { failures } = await load.stop();
  assert.ok(failures.length <= 3 * load.clients, failures.join("\n"));
  assert.ok(
    failures.every((failure) => !/REFUSED|not within/.test(failure)),
    failures.join("\n"),
  );
  await server.stop();
});

test("a killed forkserver and its workers are replaced", async (t) => {
  const server = await startServer(t, ARGS);
  await allWorkers(server);
  const load = new Load(server.endpoint, "/pid");
  await moreAnswers(load, 100);
  const [forkserver] = server.tree.forkservers;
  assert.ok(forkserver);
  process.kill(forkserver, "SIGKILL");
  await eventually(RECOVERY_MS, "a new forkserver", () =>
    server.tree.forkservers.some((pid) => pid !== forkserver),
  );
  await allWorkers(server);
  await moreAnswers(load, 100);
  const { failures } = await load.stop();
  assert.ok(failures.length <= load.clients, failures.join("\n"));
  await server.stop();
});

test("nothing outlives a killed arbiter by a second", async (t) => {
  const server = await startServer(t, ARGS);
  await allWorkers(server);
  const { fronts, forkservers, workers } = server.tree;
  assert.deepEqual([fronts.length, forkservers.length, workers.length], [1, 1, 2]);
  server.signal("SIGKILL");
  await server.exited();
  await server.assertNothingLeft(1_000);
});

test("a busy worker does not outlive its arbiter either", async (t) => {
  const server = await startServer(t, ARGS);
  const reply = ask(server.endpoint, { path: "/slow?s=20" }).catch(() => undefined);
  await allWorkers(server);
  await ask(server.endpoint, { path: "/hello" });
  server.signal("SIGKILL");
  await server.exited();
  await server.assertNothingLeft(1_000);
  await reply;
});

test("a worker that cannot boot any more is tried again until it can", async (t) => {
  const folder = temporaryFolder(t, {
    "fragile.py":
      "import os\nif os.path.exists('broken'): raise RuntimeError('broken now')\n\n" +
      "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'fine']\n",
  });
  const server = await startServer(t, ["-w", "1", "-b", "127.0.0.1:0", "fragile"], { cwd: folder });
  assert.equal((await ask(server.endpoint)).body, "fine");
  writeFileSync(join(folder, "broken"), "");
  for (const pid of server.tree.workers) process.kill(pid, "SIGKILL");
  await server.logged(/broken now/);
  rmSync(join(folder, "broken"));
  await eventually(RECOVERY_MS, "it serves again", async () => (await ask(server.endpoint)).status === 200);
  await server.stop();
});

async function allWorkers(server: Server): Promise<void> {
  await eventually(RECOVERY_MS, "two workers", () => server.tree.workers.length === 2);
}

function otherWorkers(server: Server, victim: number): boolean {
  const { workers } = server.tree;
  return workers.length === 2 && !workers.includes(victim);
}

async function moreAnswers(load: Load, count: number): Promise<void> {
  const goal = load.answered + count;
  await eventually(RECOVERY_MS, `${count} more answers`, () => load.answered >= goal);
}
