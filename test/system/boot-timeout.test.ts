// --boot-timeout ends who hangs, not who is busy or was stopped.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { runTunicorn, type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

const ARGS = ["-b", "127.0.0.1:0", "--boot-timeout", "1"];
const APP = `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"here"]
`;

function folderOf(t: TestContext, atImport: string): string {
  return temporaryFolder(t, { "app.py": `${atImport}\n${APP}` });
}

async function serves(server: Server): Promise<void> {
  await server.logged(/Ready at/);
  assert.equal((await ask(server.endpoint)).body, "here");
  await server.stop();
}

test("an import that computes for longer than the timeout, never letting go of the interpreter, is waited for", async (t) => {
  const cwd = folderOf(
    t,
    "import time\nend = time.process_time() + 3\nwhile time.process_time() < end: sum(range(10**6))",
  );
  const server = await startServer(t, [...ARGS, "app:app"], { cwd });
  await server.logged(/is not ready in time: it is waited for as long as it computes/);
  await serves(server);
});

test("a worker that was stopped while it boots is named and waited for", async (t) => {
  const cwd = folderOf(t, "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)");
  const server = await startServer(t, [...ARGS, "app:app"], { cwd });
  const output = await server.logged(/stopped by a signal: it is waited for/);
  const [, pid] = /Booting worker with pid: (\d+)/.exec(output) ?? [];
  process.kill(Number(pid), "SIGCONT");
  await serves(server);
});

test("an import that waits for ever is ended", async (t) => {
  const cwd = folderOf(t, "import time\ntime.sleep(3600)");
  const exit = await runTunicorn(t, [...ARGS, "app:app"], { cwd });
  assert.equal(exit.code, 3, exit.output);
  assert.match(exit.output, /Worker failed to boot: it was not ready after/);
});
