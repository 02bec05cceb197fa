// Compression, the fields of every response and own error pages, as real clients see them over the whole chain.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { createGunzip } from "node:zlib";
import { curl, missingCurl } from "../harness/curl.ts";
import { ask, exchangeRaw } from "../harness/http-client.ts";
import { runClient } from "../harness/python-client.ts";
import { startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const ARGS = ["-w", "1", "-b", "127.0.0.1:0"];

test("a page is compressed for clients that accept it", async (t) => {
  const server = await startServer(t, [...ARGS, "--compress", "zstd,br,gzip", "responses:app"]);
  const url = `http://127.0.0.1:${server.port}/page`;
  const plain = (await ask(server.endpoint, { path: "/page" })).body;

  for (const [coding, feature] of [
    ["gzip", "libz"],
    ["br", "brotli"],
    ["zstd", "zstd"],
  ] as const) {
    await t.test(`${coding}, which curl decodes`, { skip: missingCurl(feature) }, async () => {
      const coded = await curl("-H", `Accept-Encoding: ${coding}`, url);
      assert.ok(coded.length < plain.length / 5, `${coded.length} of ${plain.length}`);
      const decoded = await curl("--compressed", "-H", `Accept-Encoding: ${coding}`, url);
      assert.equal(decoded.toString("latin1"), plain);
    });
  }

  await t.test("httpx gets what the application sent", async () => {
    const reply = await runClient("compressed_client", url);
    assert.deepEqual(reply, { encoding: "gzip", length: plain.length, head: "gzip", notModified: 304 });
  });

  await t.test("one that does not gets it as it is, told that others do not", async () => {
    const reply = await ask(server.endpoint, { path: "/page", headers: { "Accept-Encoding": "identity" } });
    assert.equal(reply.headers["content-encoding"], undefined);
    assert.equal(reply.headers["vary"], "Accept-Encoding");
    assert.equal(reply.headers["etag"], '"v1"');
  });

  await t.test("its weak tag brings 304 with the same tag", async () => {
    const headers = { "Accept-Encoding": "gzip" };
    const etag = (await ask(server.endpoint, { path: "/page", headers })).headers.etag ?? "";
    assert.equal(etag, 'W/"v1"');
    const again = await ask(server.endpoint, {
      path: "/page",
      headers: { ...headers, "If-None-Match": etag },
    });
    assert.deepEqual([again.status, again.headers.etag, again.headers.vary], [304, etag, "Accept-Encoding"]);
  });

  await t.test("a connection serves compressed and plain responses in turn", async () => {
    const paths = ["/page", "/hello", "/page", "/large?mb=1&length=1", "/page"].map(
      (path) => `http://127.0.0.1:${server.port}${path}`,
    );
    const bytes = await curl("--compressed", ...paths);
    assert.equal(bytes.length, 3 * plain.length + 5 + 1_048_576);
  });
});

test("what an application streams reaches the client piece by piece, compressed", async (t) => {
  const server = await startServer(t, [...ARGS, "--compress", "gzip", "responses:app"]);
  const go = join(temporaryFolder(t), "go");
  const response = await begin(server.port, `/stream?go=${go}`);
  assert.equal(response.headers["content-encoding"], "gzip");
  let text = "";
  response.pipe(createGunzip({ flush: 2 })).on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  await eventually(5_000, "the first line", () => text === "first line\n");
  writeFileSync(go, "");
  await eventually(5_000, "the second line", () => text === "first line\nsecond line\n");
});

test("event streams are left alone", async (t) => {
  const server = await startServer(t, [
    ...ARGS,
    "--compress",
    "gzip",
    "--compress-types",
    "text/*",
    "responses:app",
  ]);
  const go = join(temporaryFolder(t), "go");
  const response = await begin(server.port, `/events?go=${go}`);
  assert.equal(response.headers["content-encoding"], undefined);
  let text = "";
  response.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  await eventually(5_000, "the first event", () => text === "data: 1\n\n");
  writeFileSync(go, "");
  await eventually(5_000, "the second event", () => text === "data: 1\n\ndata: 2\n\n");
});

test("security fields and own pages are on every response, the server's own included", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "down.html"), "<h1>back soon</h1>");
  writeFileSync(join(folder, "413.txt"), "too large");
  const pages = ["--error-page", `5xx=${folder}/down.html`, "--error-page", `413=${folder}/413.txt`];
  const args = [...ARGS, "--security-headers", "--limit-request-body", "1k", ...pages, "responses:app"];
  const server = await startServer(t, args);
  const nosniff = "x-content-type-options";

  await t.test("the application's 503, with its Retry-After", async () => {
    const reply = await ask(server.endpoint, { path: "/busy" });
    assert.deepEqual([reply.status, reply.body], [503, "<h1>back soon</h1>"]);
    assert.equal(reply.headers["retry-after"], "7");
    assert.equal(reply.headers["content-type"], "text/html; charset=utf-8");
    assert.equal(reply.headers[nosniff], "nosniff");
  });

  await t.test("the 502 for a worker that died", async () => {
    const reply = await ask(server.endpoint, { method: "POST", path: "/crash" });
    assert.deepEqual([reply.status, reply.body], [502, "<h1>back soon</h1>"]);
    assert.equal(reply.headers[nosniff], "nosniff");
  });

  await t.test("the 413 for a body that is too large, announced or not", async () => {
    const announced = await ask(server.endpoint, { method: "POST", path: "/echo", body: "x".repeat(2_000) });
    assert.deepEqual([announced.status, announced.body], [413, "too large"]);
    const headers = { "Transfer-Encoding": "chunked" };
    const body = "x".repeat(2_000);
    const chunked = await ask(server.endpoint, { method: "POST", path: "/echo", headers, body });
    assert.deepEqual([chunked.status, chunked.body], [413, "too large"]);
    assert.equal(chunked.headers["content-type"], "text/plain; charset=utf-8");
  });

  await t.test("a request that cannot be read has the fields", async () => {
    const reply = await exchangeRaw(server.endpoint, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    assert.match(reply, /^HTTP\/1\.1 400 /);
    assert.match(reply, /\r\nX-Content-Type-Options: nosniff\r\n/);
  });

  await t.test("HEAD tells of the page without sending it", async () => {
    const reply = await ask(server.endpoint, { method: "HEAD", path: "/busy" });
    assert.deepEqual([reply.status, reply.body, reply.headers["content-length"]], [503, "", "18"]);
  });

  await t.test("Strict-Transport-Security waits for https", async () => {
    const plain = await ask(server.endpoint, { path: "/hello" });
    assert.equal(plain.headers["strict-transport-security"], undefined);
    const proxied = await ask(server.endpoint, { path: "/hello", headers: { "X-Forwarded-Proto": "https" } });
    assert.equal(proxied.headers["strict-transport-security"], "max-age=15552000");
  });

  await t.test("a page that was changed is sent as it is now", async () => {
    writeFileSync(join(folder, "down.html"), "<h1>tomorrow</h1>");
    await eventually(5_000, "the new page", async () => {
      return (await ask(server.endpoint, { path: "/busy" })).body === "<h1>tomorrow</h1>";
    });
  });
});

function begin(port: number, path: string): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { "Accept-Encoding": "gzip" };
  get({ host: "127.0.0.1", port, path, headers, agent: false }, resolve).on("error", reject);
  return promise;
}
