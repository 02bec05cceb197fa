// Figures of the whole server for Prometheus, whichever front is asked.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { type Server, startServer } from "../harness/server.ts";
import { eventually } from "../harness/wait.ts";

async function scrape(
  server: Server,
  path = "/metrics",
): Promise<{ status: number; body: string; type: string }> {
  const [, endpoint] = server.endpoints;
  assert.ok(endpoint);
  const { status, body, headers } = await ask(endpoint, { path });
  return { status, body, type: String(headers["content-type"]) };
}

/** Undefined where there is none. */
function sample(text: string, name: string): number | undefined {
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

test("--metrics tells of all fronts and workers at an address of its own", async (t) => {
  const server = await startServer(t, [
    ...["-w", "2", "--fronts", "2", "-b", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--access-logfile", "-"],
    "plain",
  ]);
  for (let count = 0; count < 20; count += 1) assert.equal((await ask(server.endpoint)).status, 200);
  const name = 'tunicorn_requests_total{app="app",method="GET",code="200"}';
  await eventually(
    10_000,
    "20 requests are counted",
    async () => sample((await scrape(server)).body, name) === 20,
  );

  await t.test("and of nothing else, and in no access log", async () => {
    const { body, type } = await scrape(server);
    assert.equal(type, "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(sample(body, 'tunicorn_workers{app="app",state="serving"}'), 2);
    assert.equal(sample(body, 'tunicorn_request_duration_seconds_count{app="app"}'), 20);
    assert.ok((sample(body, 'tunicorn_worker_resident_bytes{app="app",nr="1"}') ?? 0) > 1_000_000);
    assert.ok((sample(body, 'tunicorn_front_resident_bytes{nr="1"}') ?? 0) > 1_000_000);
    assert.equal((await scrape(server, "/")).status, 404);
    const clients = await ask(server.endpoint, { path: "/metrics" });
    assert.doesNotMatch(clients.body, /tunicorn_/, "clients come to the application");
    const lines = await server.logged(/GET \/metrics/);
    assert.equal(lines.match(/GET \/metrics/g)?.length, 1);
  });

  await t.test("a worker's end is counted by its cause", async () => {
    const [worker] = server.tree.workers;
    assert.ok(worker);
    process.kill(worker, "SIGKILL");
    const exits = 'tunicorn_worker_exits_total{app="app",cause="signal"}';
    await eventually(10_000, "it is counted", async () => sample((await scrape(server)).body, exits) === 1);
  });
});
