// Applications that fork (multiprocessing, os.fork): their children have nothing of the worker's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { startServer } from "../harness/server.ts";

const ONE = ["-w", "1", "-b", "127.0.0.1:0"];
const KINDS: readonly (readonly [string, readonly string[]])[] = [
  ["sync", [...ONE, "forks"]],
  ["gthread", [...ONE, "--threads", "2", "forks"]],
  ["asgi", [...ONE, "--loop", "asyncio", "forks:asgi"]],
  ["asgi with uvloop", [...ONE, "--loop", "uvloop", "forks:asgi"]],
];

/** It is in the worker's process group, which the forkserver ends. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // ESRCH: it has ended
  }
}

for (const [kind, args] of KINDS) {
  test(`${kind}: a child that is terminated ends, and its worker stays`, async (t) => {
    const server = await startServer(t, args);
    const { body: pid } = await ask(server.endpoint, { path: "/pid" });
    assert.equal((await ask(server.endpoint, { path: "/terminated" })).body, "-15");
    assert.equal((await ask(server.endpoint, { path: "/pid" })).body, pid);
    assert.doesNotMatch(server.output, /worker exited/);
    await server.stop();
  });

  test(`${kind}: the client of a worker that died hears of it while the worker's child lives on`, async (t) => {
    const server = await startServer(t, args);
    assert.equal((await ask(server.endpoint, { path: "/die", method: "POST" })).status, 502);
    const [, child] = /forked (\d+)\n/.exec(await server.logged(/forked \d+\n/)) ?? [];
    killIfThere(Number(child));
    assert.equal((await ask(server.endpoint, { path: "/pid" })).status, 200);
    await server.stop();
  });

  test(`${kind}: a child that returns into the server ends and answers nobody`, async (t) => {
    const server = await startServer(t, args);
    assert.equal((await ask(server.endpoint, { path: "/back" })).body, "70");
    await server.stop();
  });
}
