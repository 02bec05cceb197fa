// One waiting line over real workers: a fast request never waits while a worker is idle.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask, RawClient, statuses } from "../harness/http-client.ts";
import { startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

test("slow requests never hold up fast ones while a worker is free", async (t) => {
  const server = await startServer(t, ["-w", "4", "-b", "127.0.0.1:0", "plain"]);
  const gate = join(temporaryFolder(t), "gate");
  await warmUp(server.port);
  const slow = Array.from({ length: 3 }, () => ask(server.endpoint, { path: `/gated?gate=${gate}` }));
  const fast = Array.from({ length: 60 }, () => ask(server.endpoint, { path: "/hello" }));
  const replies = await Promise.all(fast); // the gate is closed: a fast one behind a slow one would never come
  assert.ok(replies.every(({ status }) => status === 200));
  writeFileSync(gate, "");
  const pids = (await Promise.all(slow)).map(({ body }) => body);
  assert.equal(new Set(pids).size, 3);
  await server.stop();
});

test("one slow request in ten is spread over all workers", async (t) => {
  const server = await startServer(t, ["-w", "4", "-b", "127.0.0.1:0", "plain"]);
  await warmUp(server.port);
  const begun = performance.now();
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, number) =>
      ask(server.endpoint, { path: number % 10 === 0 ? "/slow?s=1" : "/hello" }),
    ),
  );
  const seconds = (performance.now() - begun) / 1000;
  assert.ok(replies.every(({ status }) => status === 200));
  assert.ok(seconds < 1.9, `four slow requests of 1 s on four workers took ${seconds.toFixed(2)} s`);
  await server.stop();
});

/** Pipelined short requests, until the workers are trusted with several ahead. */
async function warmUp(port: number): Promise<void> {
  const count = 500;
  const clients = Array.from({ length: 8 }, () => new RawClient({ port }));
  const close = "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  for (const client of clients)
    client.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n".repeat(count - 1) + close);
  for (const client of clients) assert.equal(statuses(await client.untilClosed()).length, count);
}
