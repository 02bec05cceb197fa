// What an attacker sends, over the whole chain. Each request is answered once with an error, its connection is closed,
// and the application hears neither of it nor of the request that is smuggled behind it.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask, exchangeRaw, RawClient, statuses } from "../harness/http-client.ts";
import { startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

const SMUGGLED = "GET /evil HTTP/1.1\r\nHost: h\r\n\r\n";

/** A POST with these header lines and this body. */
function post(lines: string, body = "hello"): string {
  return `POST /echo HTTP/1.1\r\nHost: h\r\n${lines}\r\n\r\n${body}`;
}

function chunked(body: string): string {
  return post("Transfer-Encoding: chunked", body);
}

function get(lines: string): string {
  return `GET /hello HTTP/1.1\r\nHost: h\r\n${lines}\r\n\r\n`;
}

function target(text: string, method = "GET"): string {
  return `${method} ${text} HTTP/1.1\r\nHost: h\r\n\r\n`;
}

/** status → name → bytes */
const HOSTILE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  400: {
    "two different lengths": post("Content-Length: 5\r\nContent-Length: 6"),
    "the same length twice": post("Content-Length: 5\r\nContent-Length: 5"),
    "a list of lengths": post("Content-Length: 5, 5"),
    "a negative length": post("Content-Length: -5"),
    "a length with plus": post("Content-Length: +5"),
    "a hexadecimal length": post("Content-Length: 0x5"),
    "a length with a space": post("Content-Length: 5 0"),
    "an empty length": post("Content-Length:"),
    "length and transfer encoding": post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    "transfer encoding and length": post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"),
    "chunked twice": post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    "chunked in a list twice": post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"),
    "chunked before identity": post("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
    "chunked and a comma": post("Transfer-Encoding: chunked,", "0\r\n\r\n"),
    "coding without chunked": post("Transfer-Encoding: gzip", "0\r\n\r\n"),
    "a vertical tab before chunked": post("Transfer-Encoding: \x0bchunked", "0\r\n\r\n"),
    "chunked in HTTP/1.0": "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare LF lines": "GET /hello HTTP/1.1\nHost: h\n\n",
    "one bare LF": "GET /hello HTTP/1.1\r\nHost: h\nX-A: b\r\n\r\n",
    "a bare CR in a value": get("X-A: b\rX-C: d"),
    "CR and a letter at the end": "GET /hello HTTP/1.1\r\nHost: h\r\n\rX\r\n\r\n",
    "a folded line": get("X-A: b\r\n c"),
    "space before the colon": get("X-A : b"),
    "space before the name": "GET /hello HTTP/1.1\r\n Host: h\r\n\r\n",
    "an empty name": get(": b"),
    "no colon": get("X-A"),
    "NUL in a value": get("X-A: b\0c"),
    "NUL in a name": get("X\0A: b"),
    "a name that is no token": get("X(A): b"),
    "a name beyond ASCII": get("X-\xe9: b"),
    "no host": "GET /hello HTTP/1.1\r\n\r\n",
    "two hosts": get("Host: other"),
    "a host with a space": "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a host with a user": "GET /hello HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "a host with a slash": "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "two content types": get("Content-Type: a/b\r\nContent-Type: c/d"),
    "a lower case method": target("/hello", "get"),
    "a method that is no token": target("/hello", "G(T"),
    "a method without end": target("/hello", "G".repeat(40)),
    "a relative target": target("hello"),
    "an authority target for GET": target("h:80"),
    "an asterisk for GET": target("*"),
    "a space in the target": target("/hel lo"),
    "a control character in the target": target("/hel\x01lo"),
    "a byte beyond ASCII in the target": target("/hell\xf6"),
    "no version": "GET /hello\r\nHost: h\r\n\r\n",
    "a strange version": "GET /hello HTTP/1,1\r\nHost: h\r\n\r\n",
    "a chunk size with 0x": chunked("0x5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size with plus": chunked("+5\r\nhello\r\n0\r\n\r\n"),
    "a negative chunk size": chunked("-1\r\nhello\r\n0\r\n\r\n"),
    "a chunk size with a space": chunked("5 \r\nhello\r\n0\r\n\r\n"),
    "a chunk size with an underscore": chunked("0_5\r\nhello\r\n0\r\n\r\n"),
    "an empty chunk size": chunked("\r\nhello\r\n0\r\n\r\n"),
    "a chunk size beyond every number": chunked("fffffffffffffffff\r\nhello"),
    "a chunk size ended by LF": chunked("5\nhello\r\n0\r\n\r\n"),
    "LF in a chunk extension": chunked("5;\nhello\r\n0\r\n\r\n"),
    "an endless chunk extension": chunked(`5;${"x".repeat(40_000)}\r\nhello\r\n0\r\n\r\n`),
    "a chunk that is longer than it says": chunked("5\r\nhello!\r\n0\r\n\r\n"),
    "a chunk ended by LF": chunked("5\r\nhello\n0\r\n\r\n"),
    "a length in the trailers": chunked("0\r\nContent-Length: 5\r\n\r\n"),
    "a transfer encoding in the trailers": chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "a host in the trailers": chunked("0\r\nHost: other\r\n\r\n"),
    "a folded trailer": chunked("0\r\nX-A: b\r\n c\r\n\r\n"),
    "TLS where plain HTTP is spoken": `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${"\0".repeat(64)}`,
    rubbish: "\x00\xff\xfe rubbish \r\n\r\n",
  },
  413: { "a length beyond every number": post("Content-Length: 99999999999999999999") },
  414: { "a long request line": target(`/${"a".repeat(200_000)}`) },
  417: { "an unknown expectation": post("Content-Length: 5\r\nExpect: a-miracle") },
  431: {
    "a long field": get(`X-A: ${"b".repeat(2_000_000)}`),
    "many fields": get(Array.from({ length: 5_000 }, (_, number) => `X-${number}: a`).join("\r\n")),
    "many trailers": chunked(`0\r\n${"X-A: b\r\n".repeat(20_000)}\r\n`),
  },
  501: { "an unknown coding": post("Transfer-Encoding: xchunked", "0\r\n\r\n") },
  505: {
    "a later version": "GET /hello HTTP/1.2\r\nHost: h\r\n\r\n",
    "another major version": "GET /hello HTTP/3.0\r\nHost: h\r\n\r\n",
  },
};

/** Neighbours of the above that are fine, with what the application answers. */
const LEGITIMATE: Readonly<Record<string, readonly [string, string]>> = {
  "one empty line before the request": [`\r\n${get("Connection: close")}`, "Hello, world!\n"],
  "an absolute target": [
    "GET http://h/hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    "Hello, world!\n",
  ],
  "a chunk extension and a trailer": [
    post(
      "Transfer-Encoding: chunked\r\nConnection: close",
      '5;a="b;c"\r\nhello\r\n6;d\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n',
    ),
    "hello world",
  ],
  "bytes beyond ASCII in a value": [get("X-A: \xe9\r\nConnection: close"), "Hello, world!\n"],
  "chunked in capitals": [
    post("Transfer-Encoding: CHUNKED\r\nConnection: close", "2\r\nhi\r\n0\r\n\r\n"),
    "hi",
  ],
};

test("hostile requests", async (t) => {
  const calls = join(temporaryFolder(t), "calls");
  const args = ["-w", "1", "-b", "127.0.0.1:0", "plain:unchecked"];
  const server = await startServer(t, args, { env: { CALLS_FILE: calls } });

  for (const [status, requests] of Object.entries(HOSTILE)) {
    for (const [name, bytes] of Object.entries(requests)) {
      await t.test(`${name}: ${status}, closed, nothing smuggled`, async () => {
        const received = await exchangeRaw(server.endpoint, bytes + SMUGGLED);
        assert.deepEqual(statuses(received), [Number(status)], received.slice(0, 300));
        assert.match(received, /\r\nconnection: close\r\n/i);
      });
    }
  }

  await t.test("the application heard of none", () => {
    assert.equal(existsSync(calls) ? readFileSync(calls, "utf8") : "", "");
  });

  for (const [name, [bytes, body]] of Object.entries(LEGITIMATE)) {
    await t.test(`${name} is served`, async () => {
      const received = await exchangeRaw(server.endpoint, bytes);
      assert.deepEqual(statuses(received), [200]);
      assert.ok(received.endsWith(`\r\n\r\n${body}`), received);
    });
  }

  await t.test("no process died of it", async () => {
    assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
    assert.doesNotMatch(server.output, /exited|AssertionError|Traceback/);
  });
});

test("a body beyond the limit is refused before it is sent, while it is sent, and however it is framed", async (t) => {
  const calls = join(temporaryFolder(t), "calls");
  const args = ["--limit-request-body", "1000", "-b", "127.0.0.1:0", "plain"];
  const server = await startServer(t, args, { env: { CALLS_FILE: calls } });
  const expecting = "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n";
  assert.deepEqual(statuses(await exchangeRaw(server.endpoint, expecting)), [413]);
  assert.deepEqual(
    statuses(await exchangeRaw(server.endpoint, post("Content-Length: 1001", "x".repeat(1001)))),
    [413],
  );
  const piece = `100\r\n${"x".repeat(256)}\r\n`;
  assert.deepEqual(statuses(await exchangeRaw(server.endpoint, chunked(piece.repeat(5)))), [413]);
  assert.ok(!existsSync(calls));
  const whole = "x".repeat(1000);
  assert.equal((await ask(server.endpoint, { method: "POST", path: "/echo", body: whole })).body, whole);
});

test("100 Continue is sent once, and only when the body is wanted", async (t) => {
  const server = await startServer(t, ["-b", "127.0.0.1:0", "plain"]);
  const head =
    "POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  assert.deepEqual(statuses(await exchangeRaw(server.endpoint, `${head}hello`)).at(-1), 200);
  const client = new RawClient(server.endpoint);
  client.send(head);
  assert.match(await client.until(/\r\n\r\n/), /^HTTP\/1\.1 100 [^\r]*\r\n\r\n$/);
  client.send("hello");
  assert.deepEqual(statuses(await client.untilClosed()), [100, 200]);
});
