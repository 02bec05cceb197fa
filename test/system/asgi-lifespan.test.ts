// The lifespan protocol of the whole program: state, auto, on and off, starts that fail, shutdown at the end.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { type Exit, runTunicorn, type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

const ANY_PORT = ["--host", "127.0.0.1", "--port", "0"];

async function start(t: TestContext, name: string, ...args: string[]): Promise<Server> {
  const server = await startServer(t, [`asgi.lifespans:app_${name}`, ...ANY_PORT, ...args]);
  await server.logged(/Ready at/);
  return server;
}

const run = (t: TestContext, name: string, ...args: string[]): Promise<Exit> =>
  runTunicorn(t, [`asgi.lifespans:app_${name}`, ...ANY_PORT, ...args]);

test("startup runs before the first request with its state, and shutdown on TERM", async (t) => {
  const server = await start(t, "complete");
  assert.match(server.output, /startup ran[\s\S]*Ready at/);
  assert.equal((await ask(server.endpoint)).body, "state: pool=open");
  const exit = await server.stop();
  assert.equal(exit.code, 0);
  assert.match(exit.output, /shutdown ran/);
});

test("shutdown runs at Ctrl-C too", async (t) => {
  const server = await start(t, "complete");
  server.signal("SIGINT");
  const exit = await server.exited(8_000);
  assert.equal(exit.code, 0);
  assert.match(exit.output, /shutdown ran/);
});

test("each worker has a lifespan of its own, the one after a reload too", async (t) => {
  const server = await start(t, "complete", "--workers", "2");
  server.signal("SIGHUP");
  await server.logged(/(?:startup ran[\s\S]*){4}/);
  await server.logged(/(?:shutdown ran[\s\S]*){2}/);
  assert.equal((await ask(server.endpoint)).body, "state: pool=open");
  await server.stop();
  assert.equal(server.output.match(/shutdown ran/g)?.length, 4);
});

for (const mode of ["auto", "on"]) {
  test(`startup.failed ends the start with code 3 and the app's words, with ${mode}`, async (t) => {
    const exit = await run(t, "fails", "--lifespan", mode);
    assert.equal(exit.code, 3, exit.output);
    assert.match(exit.output, /the database is not there/);
  });
}

for (const name of ["raises", "returns"]) {
  test(`an app whose lifespan ${name} is served without one, unless it must have one`, async (t) => {
    const server = await start(t, name);
    assert.equal((await ask(server.endpoint)).body, "state: ");
    await server.stop();
    const exit = await run(t, name, "--lifespan", "on");
    assert.equal(exit.code, 3, exit.output);
    if (name === "raises") assert.match(exit.output, /Traceback[\s\S]*RuntimeError: raised at startup/);
  });
}

for (const name of ["fails", "complete"]) {
  test(`--lifespan off never asks an app whose lifespan is "${name}"`, async (t) => {
    const server = await start(t, name, "--lifespan", "off");
    assert.equal((await ask(server.endpoint)).body, "state: ");
    assert.doesNotMatch((await server.stop()).output, /startup ran|shutdown ran/);
  });
}

test("a startup that does not end is given up, with code 3", async (t) => {
  const exit = await run(t, "never", "--lifespan-timeout", "0.3");
  assert.equal(exit.code, 3, exit.output);
  assert.match(exit.output, /lifespan startup did not end within 0.3 seconds/);
});

test("a shutdown that does not end, or fails, is logged and holds the stop no longer than its time", async (t) => {
  const hangs = await start(t, "never_shuts_down", "--lifespan-shutdown-timeout", "1");
  const stopped = await hangs.stop();
  assert.equal(stopped.code, 0);
  assert.match(stopped.output, /shutdown hangs[\s\S]*lifespan shutdown did not end within 1 seconds/);
  const fails = await start(t, "shutdown_fails");
  assert.match((await fails.stop()).output, /the pool would not close/);
});

test("a reload whose startup fails leaves the old workers serving", async (t) => {
  const folder = temporaryFolder(t);
  const switchFile = join(folder, "broken");
  const env = { BROKEN_IF_THERE: switchFile };
  const server = await startServer(t, ["asgi.lifespans:app_switched", ...ANY_PORT], { env });
  await server.logged(/Ready at/);
  writeFileSync(switchFile, "");
  server.signal("SIGHUP");
  await server.logged(/the switch is set/);
  await server.logged(/reload failed|keeps? serving|degraded/i);
  assert.equal((await ask(server.endpoint)).status, 200);
  assert.equal((await server.stop()).code, 0);
});
