// Deploys under load: nothing is lost, whatever comes together.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Server, startServer } from "../harness/server.ts";
import { SteadyClients } from "../harness/steady-clients.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const RELOADS = 20;
const RATE_MIN = 200;

const SLOW_APP = `
import os, time
time.sleep(0.3)
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d bytes" % len(body)]
`;

async function reloads(server: Server, times: number): Promise<void> {
  for (let nr = 1; nr <= times; nr += 1) {
    server.signal("SIGHUP");
    const finished = (): number => server.output.split("reload finished").length - 1;
    await eventually(20_000, `reload ${nr}`, () => finished() >= nr);
  }
}

for (const preload of [[], ["--preload"]]) {
  test(`reloads under load, with a slow import and max_requests, lose nothing ${preload.join(" ")}`, async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, "slow.py"), SLOW_APP);
    const args = ["-w", "2", "--max-requests", "50", ...preload, "-b", "127.0.0.1:0", "slow"];
    const server = await startServer(t, args, { cwd: folder });
    await server.logged(/Ready at/);
    const clients = new SteadyClients(server.port);
    t.after(() => clients.stop());
    await reloads(server, Number(process.env["TUNICORN_TEST_RELOADS"] ?? RELOADS));
    await clients.stop();
    assert.deepEqual(clients.failures, []);
    t.diagnostic(`${clients.answered} requests answered, ${Math.round(clients.rate)} in each second`);
    assert.ok(clients.rate >= RATE_MIN, String(clients.rate));
    await server.stop();
  });
}

test("code that is broken leaves the old one serving, and the next reload mends it", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "slow.py");
  writeFileSync(file, SLOW_APP);
  const server = await startServer(t, ["-w", "2", "-b", "127.0.0.1:0", "slow"], { cwd: folder });
  await server.logged(/Ready at/);
  const clients = new SteadyClients(server.port);
  t.after(() => clients.stop());
  writeFileSync(file, `${SLOW_APP}\nthis is no python\n`);
  server.signal("SIGHUP");
  await server.logged(/SyntaxError/);
  await server.logged(/reload failed: the code that served before keeps serving/);
  writeFileSync(file, SLOW_APP);
  await reloads(server, 1);
  await clients.stop();
  assert.deepEqual(clients.failures, []);
  await server.stop();
});
