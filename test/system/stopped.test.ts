// Processes that stand still (SIGSTOP, a debugger, a machine that sleeps): nobody is killed for it, and nothing is lost but what
// the one that stands still holds.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ask } from "../harness/http-client.ts";
import { type Server, startServer } from "../harness/server.ts";

/** Longer than the server's --timeout. */
const STANDSTILL_MS = 2_500;
const ARGS = ["-w", "2", "-b", "127.0.0.1:0", "--timeout", "1", "plain"];

function send(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // it ended meanwhile
    }
  }
}

/** Stops them, and sees to it that they go on when the test is over. */
function stop(t: TestContext, pids: readonly number[]): void {
  assert.ok(pids.length > 0);
  t.after(() => send(pids, "SIGCONT"));
  send(pids, "SIGSTOP");
}

async function start(t: TestContext): Promise<Server> {
  const server = await startServer(t, ARGS);
  await server.logged(/Ready at/);
  return server;
}

async function statuses(server: Server, count: number, path = "/pid"): Promise<number[]> {
  const replies = await Promise.all(Array.from({ length: count }, () => ask(server.endpoint, { path })));
  return replies.map(({ status }) => status);
}

function assertNobodyDied(server: Server): void {
  assert.doesNotMatch(server.output, /worker exited|WORKER TIMEOUT|front exited/);
}

test("requests are served without the arbiter and the forkserver, who murder nobody when they go on", async (t) => {
  const server = await start(t);
  const { forkservers } = server.tree;
  stop(t, [server.pid, ...forkservers]);
  assert.deepEqual(await statuses(server, 20), Array(20).fill(200));
  await delay(STANDSTILL_MS); // it is this pause that is tested
  send([server.pid, ...forkservers], "SIGCONT");
  assert.deepEqual(await statuses(server, 20), Array(20).fill(200));
  assertNobodyDied(server);
  await server.stop();
});

test("clients of a front that stands still wait, and are all answered when it goes on", async (t) => {
  const server = await start(t);
  const { fronts } = server.tree;
  stop(t, fronts);
  const waiting = statuses(server, 10);
  await delay(STANDSTILL_MS);
  send(fronts, "SIGCONT");
  assert.deepEqual(await waiting, Array(10).fill(200));
  assertNobodyDied(server);
  await server.stop();
});

test("a worker that stands still costs the one request that it holds, and is replaced", async (t) => {
  const server = await start(t);
  const [worker] = server.tree.workers;
  stop(t, [worker ?? 0]);
  const found = await statuses(server, 20);
  assert.deepEqual(
    found.filter((status) => status !== 200),
    [504],
  );
  await server.logged(new RegExp(`worker exited[^\\n]*pid=${worker}[^\\n]*cause=request-timeout`));
  assert.deepEqual(await statuses(server, 10), Array(10).fill(200));
  await server.stop();
});

test("a worker that goes on in time is left alone, idle or not", async (t) => {
  const server = await start(t);
  const { workers } = server.tree;
  stop(t, workers);
  await delay(STANDSTILL_MS);
  const waiting = statuses(server, 4);
  send(workers, "SIGCONT");
  assert.deepEqual(await waiting, Array(4).fill(200));
  assertNobodyDied(server);
  await server.stop();
});

test("when all stand still at once, as a machine that sleeps, no request is late afterwards", async (t) => {
  const server = await start(t);
  const { fronts, forkservers, workers } = server.tree;
  const all = [server.pid, ...fronts, ...forkservers, ...workers];
  const slow = ask(server.endpoint, { path: "/slow?s=0.5" });
  await statuses(server, 1);
  stop(t, all);
  await delay(STANDSTILL_MS);
  send(all, "SIGCONT");
  assert.equal((await slow).status, 200);
  assertNobodyDied(server);
  await server.stop();
});
