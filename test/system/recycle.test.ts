// Workers are replaced by number of requests, age and memory: a successor serves before the old one goes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { Load } from "../harness/load.ts";
import { startServer } from "../harness/server.ts";

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
