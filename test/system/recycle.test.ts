// Workers are replaced by number of requests, age and memory: a successor serves before the old one goes.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { Load } from "../harness/load.ts";
import { startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

const ANY_PORT = ["-b", "127.0.0.1:0"];

test("a single worker is replaced after its requests without a failed one", async (t) => {
  const server = await startServer(t, ["-w", "1", "--max-requests", "50", ...ANY_PORT, "plain"]);
  const load = new Load(server.endpoint, "/pid");
  t.after(() => load.stop());
  await server.logged(/(worker exited[^\n]*asked=max-requests[\s\S]*){4}/);
  const { failures, bodies } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(bodies.size >= 4, [...bodies].join(" "));
  await server.stop();
});

test("a worker is replaced at its age", async (t) => {
  const server = await startServer(t, ["--workers-lifetime", "1", ...ANY_PORT, "plain"]);
  const before = (await ask(server.endpoint, { path: "/pid" })).body;
  await server.logged(/worker exited[^\n]*cause=retire[^\n]*asked=max-age/);
  assert.notEqual((await ask(server.endpoint, { path: "/pid" })).body, before);
  await server.stop();
});

const HOARDER = `
import os
HOARD = []
def application(environ, start_response):
    if environ["PATH_INFO"] == "/hoard":
        HOARD.append(bytearray(os.urandom(1)) * 150_000_000)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % os.getpid()]
`;
/** Two looks, ten seconds apart, and the successor's boot. */
const TWO_LOOKS_MS = 40_000;

test("a worker that holds too much memory is replaced, successor first, without a failed request", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "hoarder.py"), HOARDER);
  const args = ["-w", "1", "--workers-max-rss", "100M", ...ANY_PORT, "hoarder"];
  const server = await startServer(t, args, { cwd: folder });
  const { body: before } = await ask(server.endpoint, { path: "/hoard" });
  const load = new Load(server.endpoint, "/");
  t.after(() => load.stop());
  const output = await server.logged(/worker exited[^\n]*cause=retire[^\n]*asked=max-rss/, TWO_LOOKS_MS);
  const { failures, bodies } = await load.stop();
  assert.deepEqual(failures, []);
  assert.equal(bodies.size, 2);
  assert.match(output, new RegExp(`worker exited[^\\n]*pid=${before} [^\\n]*asked=max-rss`));
  await server.stop();
});
