// --preload: one import for all workers, shared memory, quick successors, and a reload that reloads.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { runTunicorn, type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const APP = `
import os, random
IMPORTER = os.getpid()
NUMBER = random.random()
LARGE = [object() for _ in range(500_000)]
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{IMPORTER} {os.getpid()} {random.random()} version 1".encode()]
`;
const ASGI_APP = `
import os
IMPORTER = os.getpid()
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("only http")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{IMPORTER} {os.getpid()}".encode()})
`;
const ARGS = ["-b", "127.0.0.1:0", "--preload", "app:app"];
const DEADLINE_MS = 10_000;

async function start(t: TestContext, folder: string, args: readonly string[]): Promise<Server> {
  const server = await startServer(t, args, { cwd: folder });
  await server.logged(/Ready at/);
  return server;
}

async function words(server: Server): Promise<readonly string[]> {
  return (await ask(server.endpoint)).body.split(" ");
}

test("the application is imported once, by the parent of all workers, and its memory is shared", async (t) => {
  const folder = temporaryFolder(t, { "app.py": APP });
  const socket = join(folder, "control");
  const args = ["-w", "2", "--log-level", "debug", "--control-socket", socket, ...ARGS];
  const server = await start(t, folder, args);
  const answers = await Promise.all(Array.from({ length: 20 }, () => words(server)));
  const importers = new Set(answers.map(([importer]) => importer));
  assert.equal(importers.size, 1);
  const workers = new Set(answers.map(([, worker]) => worker));
  assert.ok(!workers.has([...importers][0]), "no worker has imported it");
  assert.equal(new Set(answers.map(([, , random]) => random)).size, 20, "random numbers differ");
  const [, resident, shared] = /Memory after the fork: (\d+) KiB resident, (\d+) KiB of them shared/.exec(
    server.output,
  ) ?? [undefined, "0", "1"];
  assert.ok(Number(shared) > Number(resident) / 2, `${shared} of ${resident} KiB are shared`);
  const { output } = await runTunicorn(t, ["workers", "--json", "--socket", socket]);
  for (const { rssKib, sharedKib, proportionalKib } of JSON.parse(output).workers)
    assert.ok(sharedKib > rssKib / 2 && proportionalKib < rssKib && proportionalKib > 0, output);
  assert.doesNotMatch(server.output, /only one process may use/);
  await server.stop();
});

test("an ASGI application is preloaded as well", async (t) => {
  const folder = temporaryFolder(t, { "app.py": ASGI_APP });
  const server = await start(t, folder, ARGS);
  const [importer, worker] = await words(server);
  assert.notEqual(importer, worker);
  await server.stop();
});

test("a worker that dies is replaced without a new import", async (t) => {
  const folder = temporaryFolder(t, { "app.py": APP });
  const server = await start(t, folder, ARGS);
  const [importer, worker] = await words(server);
  process.kill(Number(worker), "SIGKILL");
  await eventually(DEADLINE_MS, "another worker answers", async () => (await words(server))[1] !== worker);
  assert.equal((await words(server))[0], importer);
  await server.stop();
});

test("HUP loads new code, and code that is broken keeps what serves", async (t) => {
  const folder = temporaryFolder(t, { "app.py": APP });
  const server = await start(t, folder, ARGS);
  writeFileSync(join(folder, "app.py"), "raise RuntimeError('broken deploy')\n");
  server.signal("SIGHUP");
  assert.match(await server.logged(/reload failed/), /RuntimeError: broken deploy/);
  assert.equal((await words(server)).at(-1), "1");
  writeFileSync(join(folder, "app.py"), APP.replace("version 1", "version 22"));
  server.signal("SIGHUP");
  await server.logged(/reload finished/);
  await eventually(DEADLINE_MS, "the new code serves", async () => (await words(server)).at(-1) === "22");
  await server.stop();
});

test("an application that cannot be preloaded ends the start with exit code 1", async (t) => {
  const folder = temporaryFolder(t, { "app.py": "import no_such_package\n" });
  const exit = await runTunicorn(t, ARGS, { cwd: folder });
  assert.equal(exit.code, 1, exit.output);
  assert.match(exit.output, /No module named 'no_such_package'/);
  assert.match(exit.output, /is no_such_package installed for/);
});

test("threads, event loops and sockets that workers would share are named before the fork", async (t) => {
  const text = `
import asyncio, socket, threading
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen()
client = socket.create_connection(server.getsockname())
loop = asyncio.new_event_loop()
threading.Thread(target=threading.Event().wait, name="poller", daemon=True).start()
print("PORT", server.getsockname()[1], flush=True)
${APP}`;
  const folder = temporaryFolder(t, { "app.py": text });
  const server = await start(t, folder, ARGS);
  const warning = /only one process may use: (.*)/.exec(server.output)?.[1] ?? "";
  const port = /PORT (\d+)/.exec(server.output)?.[1] ?? "none";
  assert.match(warning, /threads: poller/);
  assert.match(warning, /event loops: \w+/);
  assert.match(warning, new RegExp(`sockets: .*127\\.0\\.0\\.1:${port}`));
  await server.stop();
});
