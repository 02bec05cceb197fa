import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { NO_POLICY } from "../../../../src/config/route.ts";
import { filterServices, filtersOf } from "../../../../src/handlers/filters/chain.ts";
import { PageStore } from "../../../../src/handlers/filters/page-store.ts";
import type { Log } from "../../../../src/log/log.ts";
import {
  begin,
  ClientExchange,
  type Filtered,
  sum,
  throughFilters,
} from "../../../harness/filtered-exchange.ts";
import { quietLog } from "../../../harness/front-parts.ts";

interface Pages {
  readonly folder: string;
  readonly policy: { readonly errorPages: readonly { readonly status: string; readonly file: string }[] };
}

function makePages(t: TestContext): Pages {
  const folder = mkdtempSync(join(tmpdir(), "tunicorn-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "404.html"), "<h1>nöthing here</h1>");
  writeFileSync(join(folder, "error.json"), '{"error":true}');
  const errorPages = [
    { status: "404", file: join(folder, "404.html") },
    { status: "5xx", file: join(folder, "error.json") },
    { status: "503", file: join(folder, "missing.html") },
  ];
  return { folder, policy: { errorPages } };
}

function through(t: TestContext): Filtered {
  return throughFilters(makePages(t).policy);
}

describe("a route's error page", () => {
  it("takes the place of the application's, whose other fields are kept", (t) => {
    const { client, exchange, drained } = through(t);
    const fields = ["Content-Type: text/plain", "ETag: x", "Retry-After: 5", "Set-Cookie: a=b"];
    begin(exchange, { status: 404, fields, body: Buffer.from("theirs") });
    exchange.response.write(Buffer.from("more"));
    exchange.response.end();
    assert.equal(client.status, 404);
    assert.equal(client.bodyBytes.toString(), "<h1>nöthing here</h1>");
    assert.equal(
      client.block,
      "Content-Type: text/html; charset=utf-8\r\nContent-Length: 22\r\nRetry-After: 5\r\nSet-Cookie: a=b\r\n\r\n",
    );
    assert.equal(sum(drained), 10); // the application does not wait for a client that never gets its page
  });

  it("for a class of statuses has its type by its name", (t) => {
    const { client, exchange } = through(t);
    begin(exchange, { status: 500, fields: ["Content-Type: text/html"] });
    exchange.response.end();
    assert.match(client.block, /^Content-Type: application\/json; charset=utf-8\r\n/);
    assert.equal(client.bodyBytes.toString(), '{"error":true}');
  });

  it("takes the place of the server's own", (t) => {
    const { client } = through(t);
    const page = client.events?.errorPage?.(502, "the worker died");
    assert.equal(page?.body, '{"error":true}');
    assert.match(
      page?.block ?? "",
      /^Content-Type: application\/json; charset=utf-8\r\nContent-Length: 14\r\n\r\n$/,
    );
    assert.equal(client.events?.errorPage?.(400, "x"), undefined);
  });

  it("leaves other responses alone", (t) => {
    const { client, exchange, drained } = through(t);
    begin(exchange, { status: 410, body: Buffer.from("theirs") });
    exchange.response.end();
    client.events?.onDrain(6);
    assert.equal(client.bodyBytes.toString(), "theirs");
    assert.deepEqual(drained, [6]);
  });

  it("that cannot be read leaves what there was, and is complained of once", (t) => {
    const { policy } = makePages(t);
    const said: string[] = [];
    const log = { ...quietLog, error: (message: string) => said.push(message) } as Log;
    const filters = filtersOf(
      { ...NO_POLICY, ...policy },
      filterServices(log, () => said.length * 10_000),
    );
    for (let i = 0; i < 3; i++) {
      const client = new ClientExchange();
      const exchange = filters?.(client);
      assert.ok(exchange);
      begin(exchange, { status: 503, body: Buffer.from("theirs") });
      assert.equal(client.bodyBytes.toString(), "theirs");
    }
    assert.equal(said.length, 1);
  });

  it("lets the file of a response go that it replaces", (t) => {
    const { folder, policy } = makePages(t);
    const { client, exchange } = throughFilters(policy);
    const fd = openSync(join(folder, "404.html"), "r");
    begin(exchange, { status: 404, length: 5 });
    exchange.response.endWithFile(fd, 0, 5);
    assert.equal(client.file, undefined);
    assert.equal(client.bodyBytes.toString(), "<h1>nöthing here</h1>");
  });

  it("can be compressed and gets the route's fields as any other response", (t) => {
    const { policy } = makePages(t);
    const { client, exchange } = throughFilters(
      {
        ...policy,
        headers: [["x-frame-options", "DENY"]],
        compression: { codings: ["gzip"], types: ["text/html"], bytesMin: 1 },
      },
      { fields: ["Accept-Encoding", "gzip"] },
    );
    begin(exchange, { status: 404, fields: ["Content-Type: text/plain"] });
    exchange.response.end();
    assert.match(client.block, /^X-Frame-Options: DENY\r\nContent-Length: \d+\r\nContent-Encoding: gzip\r\n/);
  });
});

describe("the store of pages", () => {
  it("sees that a file changed, a second later at most", (t) => {
    const { folder } = makePages(t);
    let nowMs = 0;
    const store = new PageStore(quietLog, () => nowMs);
    const file = join(folder, "404.html");
    assert.equal(store.get(file)?.bytes.length, 22);
    writeFileSync(file, "new");
    nowMs = 999;
    assert.equal(store.get(file)?.bytes.length, 22);
    nowMs = 1_000;
    assert.equal(store.get(file)?.bytes.toString(), "new");
    assert.equal(store.get(file), store.get(file));
  });

  it("takes no folder, and no file that is too large to be kept in memory", (t) => {
    const { folder } = makePages(t);
    const store = new PageStore(quietLog, () => 0);
    mkdirSync(join(folder, "folder"));
    writeFileSync(join(folder, "large.html"), Buffer.alloc(1_048_577));
    assert.equal(store.get(join(folder, "folder")), undefined);
    assert.equal(store.get(join(folder, "large.html")), undefined);
  });
});
