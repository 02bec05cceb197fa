// --limit-rate with real processes: a client that asks too often hears when to come again, others notice nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { type Server, startServer } from "../harness/server.ts";

async function statuses(server: Server, client: string, count: number): Promise<number[]> {
  const all: number[] = [];
  for (let asked = 0; asked < count; asked += 1) {
    const { status } = await ask(server.endpoint, { path: "/", headers: { "X-Forwarded-For": client } });
    all.push(status);
  }
  return all;
}

test("a client that asks too often gets 429 with Retry-After, and others are served", async (t) => {
  const server = await startServer(t, [
    "-b",
    "127.0.0.1:0",
    "--limit-rate",
    "3/h",
    "--proxy-headers",
    "plain",
  ]);
  assert.deepEqual(await statuses(server, "192.0.2.1", 5), [200, 200, 200, 429, 429]);
  assert.deepEqual(await statuses(server, "192.0.2.2", 1), [200]);
  const refused = await ask(server.endpoint, { headers: { "X-Forwarded-For": "192.0.2.1" } });
  const wait = Number(refused.headers["retry-after"]);
  assert.ok(wait > 1_000 && wait <= 1_200, `in ${wait} seconds`);

  await t.test(
    "by the address that trusted proxies tell: what a client says of itself counts for nothing",
    async () => {
      const direct = [
        "-b",
        "127.0.0.1:0",
        "--limit-rate",
        "1/h",
        "--forwarded-allow-ips",
        "192.0.2.9",
        "plain",
      ];
      const other = await startServer(t, direct);
      assert.deepEqual(await statuses(other, "192.0.2.1", 1), [200]);
      assert.deepEqual(await statuses(other, "192.0.2.2", 1), [429]);
    },
  );
});
