// PEP 3333 from the client's side, over the whole chain, with both kinds of workers.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask, exchangeRaw, RawClient, statuses } from "../harness/http-client.ts";
import { APPS, type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

type Environ = Readonly<Record<string, unknown>>;

for (const kind of ["sync", "gthread"]) {
  test(`${kind} workers keep PEP 3333`, async (t) => {
    const threads = kind === "gthread" ? ["--threads", "4"] : [];
    const args = ["-w", "1", "-k", kind, ...threads, "-b", "127.0.0.1:0", "plain"];
    const server = await startServer(t, args);
    const folder = temporaryFolder(t);
    const get = async (path: string): Promise<string> => (await ask(server.endpoint, { path })).body;
    const post = async (path: string, body: string): Promise<string> =>
      (await ask(server.endpoint, { method: "POST", path, body })).body;

    await t.test("the environ is gunicorn's", async () => {
      const environ = await environOf(server, "/environ?x=1%20y");
      assert.equal(environ["REQUEST_METHOD"], "GET");
      assert.equal(environ["QUERY_STRING"], "x=1%20y");
      assert.equal(environ["RAW_URI"], "/environ?x=1%20y");
      assert.equal(environ["REQUEST_URI"], "/environ?x=1%20y");
      assert.equal(environ["SERVER_PROTOCOL"], "HTTP/1.1");
      assert.equal(environ["REMOTE_ADDR"], "127.0.0.1");
      assert.match(String(environ["REMOTE_PORT"]), /^\d+$/);
      assert.equal(environ["SERVER_PORT"], String(server.port));
      assert.equal(environ["SCRIPT_NAME"], "");
      assert.equal(environ["wsgi.url_scheme"], "http");
      assert.deepEqual(environ["wsgi.version"], [1, 0]);
      assert.equal(environ["wsgi.input_terminated"], true);
      assert.equal(environ["wsgi.multithread"], kind === "gthread");
      assert.equal(environ["wsgi.multiprocess"], false);
      assert.equal(environ["wsgi.run_once"], false);
    });

    await t.test("header fields: joined, underscore names dropped, hostile names harmless", async () => {
      const reply = await exchangeRaw(
        server.endpoint,
        "GET /environ HTTP/1.1\r\nHost: h\r\nX-Two: a\r\nX-Two: b\r\nX_Under: u\r\n__proto__: p\r\nConstructor: c\r\n" +
          "Content-Type: text/x\r\nConnection: close\r\n\r\n",
      );
      const environ = JSON.parse(reply.slice(reply.indexOf("{"), reply.lastIndexOf("}") + 1)) as Environ;
      assert.equal(environ["HTTP_X_TWO"], "a,b");
      assert.equal(environ["HTTP_X_UNDER"], undefined);
      assert.equal(environ["HTTP_CONSTRUCTOR"], "c");
      assert.equal(environ["CONTENT_TYPE"], "text/x");
      assert.equal(environ["HTTP_CONTENT_TYPE"], undefined);
    });

    await t.test("the body can be read in every way", async () => {
      assert.equal(await post("/echo?size=7", "a body in pieces"), "a body in pieces");
      assert.equal(await post("/lines", "one\ntwo\n\nlast"), "4:one\n4:two\n1:\n4:last");
      assert.equal(await post("/readlines", "one\ntwo\nthree"), "4+2");
      assert.equal(await get("/length"), "0");
      const large = "x".repeat(5_000_000);
      assert.equal(await post("/length", large), "5000000");
    });

    await t.test("an unread body does not disturb the next request", async () => {
      const client = new RawClient(server.endpoint);
      const body = "y".repeat(100_000);
      client.send(`POST /ignore-body HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      client.send("GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
      const received = await client.untilClosed();
      assert.deepEqual(statuses(received), [200, 200]);
      assert.match(received, /Hello, world!\n$/);
    });

    await t.test("write() and the returned iterable are one body", async () => {
      assert.equal(await get("/write"), "written, written again, returned");
    });

    await t.test("exc_info replaces headers that have not left", async () => {
      const reply = await ask(server.endpoint, { path: "/exc-info-before" });
      assert.equal(reply.status, 500);
      assert.equal(reply.reason, "Replaced");
      assert.equal(reply.headers["x-old"], undefined);
      assert.equal(reply.body, "replaced");
    });

    await t.test("exc_info after the headers breaks the response", async () => {
      await assert.rejects(
        ask(server.endpoint, { path: "/exc-info-after" }),
        /aborted|hang up|ECONNRESET|terminated/,
      );
      await server.logged(/ValueError: after the headers left/);
    });

    await t.test("a generator is streamed as it produces", async () => {
      const gate = join(folder, "gate");
      const client = new RawClient(server.endpoint);
      client.send(`GET /streaming?gate=${gate} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
      await client.until(/first\n/);
      writeFileSync(gate, "");
      assert.match(await client.untilClosed(), /second\n/);
    });

    await t.test("close() is called at the end, and when the client leaves", async () => {
      const ended = join(folder, "ended");
      await get(`/closing?closed=${ended}`);
      await eventually(2_000, "close() after the last piece", () => existsSync(ended));
      const left = join(folder, "left");
      const client = new RawClient(server.endpoint);
      client.send(`GET /closing?n=1000&closed=${left} HTTP/1.1\r\nHost: h\r\n\r\n`);
      await client.until(/first/);
      client.destroy();
      await eventually(5_000, "close() after the client left", () => existsSync(left));
    });

    await t.test("files by wsgi.file_wrapper arrive whole, and from where they stand", async () => {
      const text = readFileSync(join(APPS, "plain.py"), "latin1");
      assert.equal(await get("/file"), text);
      assert.equal(await get("/file?from=100"), text.slice(100));
      const large = join(folder, "large");
      writeFileSync(large, "z".repeat(3_000_000));
      assert.equal((await get(`/file?path=${large}`)).length, 3_000_000);
    });

    await t.test("early hints arrive before the response", async () => {
      const received = await exchangeRaw(
        server.endpoint,
        "GET /early-hints HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      );
      assert.deepEqual(statuses(received), [103, 200]);
      assert.match(
        received,
        /^HTTP\/1\.1 103 [^\r]*\r\nLink: <\/style\.css>; rel=preload; as=style\r\n\r\nHTTP/,
      );
    });

    await t.test("status, reason and repeated fields are the application's", async () => {
      const reply = await ask(server.endpoint, { path: "/custom-reason" });
      assert.equal(`${reply.status} ${reply.reason}`, "299 Rather Good");
      assert.deepEqual(reply.headers["set-cookie"], ["a=1", "b=2"]);
      assert.ok(reply.headers.date);
      assert.match(String(reply.headers["server"]), /tunicorn/);
    });

    await t.test("204, 304 and HEAD have no body", async () => {
      const requests = ["GET /no-content", "GET /not-modified", "HEAD /big?n=100"]
        .map((line) => `${line} HTTP/1.1\r\nHost: h\r\n\r\n`)
        .join("");
      const received = await exchangeRaw(
        server.endpoint,
        `${requests}GET /method HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
      );
      assert.deepEqual(statuses(received), [204, 304, 200, 200]);
      assert.match(received, /Content-Length: 100\r\n/i);
      assert.doesNotMatch(received, /xxx/);
      assert.match(received, /\r\n\r\nGET$/);
    });

    await t.test("HTTP/1.0 gets an unframed body and a close", async () => {
      const received = await exchangeRaw(server.endpoint, "GET /generator?n=2 HTTP/1.0\r\n\r\n");
      assert.match(received, /\r\n\r\npiece 0\npiece 1\n$/);
      assert.doesNotMatch(received, /transfer-encoding/i);
    });

    await t.test("a megabyte arrives whole, also in pieces", async () => {
      assert.equal((await get("/big?n=1000000")).length, 1_000_000);
      assert.equal((await get("/big-stream?n=64")).length, 64 * 65_536);
    });

    await t.test("wsgi.errors and stdout reach the operator", async () => {
      assert.equal(await get("/errors"), "said");
      await server.logged(/a line of wsgi\.errors/);
      await server.logged(/a line of stdout/);
    });

    await server.stop();
  });
}

test("SCRIPT_NAME is taken off the front of the path", async (t) => {
  const server = await startServer(t, ["--script-name", "/shop", "-b", "127.0.0.1:0", "plain"]);
  const environ = await environOf(server, "/shop/environ");
  assert.equal(environ["SCRIPT_NAME"], "/shop");
  assert.equal(environ["PATH_INFO"], "/environ");
});

test("a trusted peer sets the scheme, another one does not", async (t) => {
  const headers = { "X-Forwarded-Proto": "https" };
  const trusting = await startServer(t, ["-b", "127.0.0.1:0", "plain"]);
  assert.equal((await environOf(trusting, "/environ", headers))["wsgi.url_scheme"], "https");
  const careful = await startServer(t, ["--forwarded-allow-ips", "10.0.0.1", "-b", "127.0.0.1:0", "plain"]);
  assert.equal((await environOf(careful, "/environ", headers))["wsgi.url_scheme"], "http");
});

async function environOf(
  server: Server,
  path: string,
  headers: Record<string, string> = {},
): Promise<Environ> {
  const { body } = await ask(server.endpoint, { path, headers });
  return JSON.parse(body) as Environ;
}
