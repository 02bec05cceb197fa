// --timeout: the client is answered at once, the log shows where the application hangs, and another worker takes over.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { type Server, startServer } from "../harness/server.ts";

const ARGS = ["-b", "127.0.0.1:0", "--timeout", "1"];

async function pidOf(server: Server): Promise<string> {
  return (await ask(server.endpoint, { path: "/pid" })).body;
}

for (const kind of ["sync", "gthread"]) {
  test(`a request that hangs in a ${kind} worker is answered 504, with its stack in the log`, async (t) => {
    const server = await startServer(t, [
      ...ARGS,
      "-k",
      kind,
      "--threads",
      kind === "sync" ? "1" : "2",
      "stuck",
    ]);
    const before = await pidOf(server);
    assert.equal((await ask(server.endpoint, { path: "/sleep" })).status, 504);
    assert.notEqual(await pidOf(server), before);
    await server.logged(new RegExp(`WORKER TIMEOUT \\(pid:${before}\\)[^\\n]*GET /sleep`));
    await server.logged(/sleep_for_ever/);
    await server.logged(
      new RegExp(`worker exited[^\\n]*pid=${before}[^\\n]*cause=request-timeout[^\\n]*signal=SIGABRT`),
    );
    await server.stop();
  });
}

test("C code that holds the interpreter is shown before the worker is ended", async (t) => {
  const server = await startServer(t, [...ARGS, "stuck"]);
  const before = await pidOf(server);
  assert.equal((await ask(server.endpoint, { path: "/hold" })).status, 504);
  assert.notEqual(await pidOf(server), before);
  await server.logged(
    /stacks of the worker that is killed nr=0 pid=\d+ cause=request-timeout\n[^[]*in hold_interpreter[\s\S]*worker exited[^\n]*cause=request-timeout[^\n]*signal=SIGABRT/,
  );
  await server.stop();
});

test("a worker that ignores the signal is killed", async (t) => {
  const server = await startServer(t, [...ARGS, "stuck"]);
  await ask(server.endpoint, { path: "/ignore" });
  await server.logged(/cause=request-timeout[^\n]*signal=SIGKILL/);
  await server.stop();
});

test("requests that wait behind a hanging one are answered by another worker", async (t) => {
  const server = await startServer(t, [...ARGS, "-w", "1", "stuck"]);
  for (let i = 0; i < 50; i += 1) await pidOf(server); // it is known as quick: more are sent ahead
  const hanging = ask(server.endpoint, { path: "/sleep" });
  const behind = await Promise.all(Array.from({ length: 5 }, () => ask(server.endpoint, { path: "/pid" })));
  assert.deepEqual(new Set(behind.map(({ status }) => status)), new Set([200]));
  assert.equal((await hanging).status, 504);
  await server.stop();
});

test("an answer that goes on arriving is not cut, one that falls silent is", async (t) => {
  const server = await startServer(t, [...ARGS, "-w", "2", "stuck"]);
  assert.equal((await ask(server.endpoint, { path: "/stream" })).body, ".".repeat(12));
  await assert.rejects(ask(server.endpoint, { path: "/silent" }));
  await server.logged(/WORKER TIMEOUT[^\n]*GET \/silent/);
  await server.stop();
});

test("an event loop that stands still is ended with its stack in the log", async (t) => {
  const server = await startServer(t, [...ARGS, "stuck:asgi"]);
  const before = await pidOf(server);
  const hanging = ask(server.endpoint, { path: "/sleep" });
  await server.logged(new RegExp(`worker exited[^\\n]*pid=${before}[^\\n]*cause=loop-stuck`));
  assert.match(server.output, /sleep_for_ever/);
  assert.ok((await hanging).status >= 500);
  assert.notEqual(await pidOf(server), before);
  await server.stop();
});

test("an event loop in C code that holds the interpreter is ended as well, with its stack in the log", async (t) => {
  const server = await startServer(t, [...ARGS, "stuck:asgi"]);
  const before = await pidOf(server);
  assert.equal((await ask(server.endpoint, { path: "/hold" })).status, 504);
  assert.notEqual(await pidOf(server), before);
  await server.logged(/in hold_interpreter[\s\S]*cause=loop-stuck[^\n]*signal=SIGABRT/);
  await server.stop();
});

test("without a limit a request may take its time", async (t) => {
  const server = await startServer(t, ["-b", "127.0.0.1:0", "--timeout", "0", "plain"]);
  assert.equal((await ask(server.endpoint, { path: "/slow?s=2" })).status, 200);
  await server.stop();
});

test("a WSGI application gives a request less time than --timeout does, or more", async (t) => {
  const server = await startServer(t, ["-b", "127.0.0.1:0", "--timeout", "1", "-w", "2", "stuck"]);
  assert.equal((await ask(server.endpoint, { path: "/slow?limit=30" })).status, 200);
  const begunMs = performance.now();
  assert.equal((await ask(server.endpoint, { path: "/sleep?limit=0.2" })).status, 504);
  assert.ok(performance.now() - begunMs < 900);
  await server.logged(/WORKER TIMEOUT[^\n]*GET \/sleep/);
  await server.logged(/sleep_for_ever/);
  await server.stop();
});

test("a WSGI application can have a deadline without --timeout", async (t) => {
  const server = await startServer(t, ["-b", "127.0.0.1:0", "--timeout", "0", "stuck"]);
  assert.equal((await ask(server.endpoint, { path: "/sleep?limit=0.2" })).status, 504);
  await server.logged(/cause=request-timeout/);
  assert.equal((await ask(server.endpoint, { path: "/pid" })).status, 200);
  await server.stop();
});

test("an ASGI request whose own time is over is answered and cancelled, and its worker goes on", async (t) => {
  const server = await startServer(t, [...ARGS, "stuck:asgi"]);
  const before = await pidOf(server);
  assert.equal((await ask(server.endpoint, { path: "/wait?limit=0.2" })).status, 504);
  await server.logged(/request timeout[^\n]*\/wait/);
  await server.logged(/GET \/wait ran longer than its time limit[\s\S]*wait_for_ever/);
  await server.logged(/wait was cancelled/);
  assert.equal(await pidOf(server), before);
  await server.stop();
});
