// What an ASGI application is told, and by which words the server is told: the scope as uvicorn has it,
// proxies, root_path, Unix sockets, uvicorn's options and variables mixed with gunicorn's.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Ask, ask, exchangeRaw, RawClient } from "../harness/http-client.ts";
import { runTunicorn, type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { handshake, TEXT, WebSocketClient } from "../harness/web-socket-client.ts";

const ANY_PORT = ["--host", "127.0.0.1", "--port", "0"];
const APP = "asgi.plain:app";

type Scope = Readonly<Record<string, unknown>>;

async function scopeOf(server: Server, options: Ask = {}): Promise<Scope> {
  const { body } = await ask(server.endpoint, { path: "/scope", ...options });
  return JSON.parse(Buffer.from(body, "latin1").toString());
}

async function webSocketScope(server: Server, lines = ""): Promise<Scope> {
  const client = new WebSocketClient(server.endpoint);
  try {
    await client.open({ path: "/scope", lines });
    const frame = await client.next();
    assert.equal(frame.opcode, TEXT);
    return JSON.parse(frame.payload.toString());
  } finally {
    client.destroy();
  }
}

test("the scope of a request is uvicorn's, key by key", async (t) => {
  const server = await startServer(t, [APP, ...ANY_PORT]);
  const client = new RawClient(server.endpoint);
  t.after(() => client.destroy());
  client.send(
    "GET /x%20y/%C3%A9/scope?a=%20b&c HTTP/1.1\r\nHost: example.org:81\r\nX-One:  v\xe9 \r\nx-two: 1\r\nX-Two: 2\r\n" +
      "Connection: close\r\n\r\n",
  );
  const received = await client.untilClosed();
  const text = Buffer.from(received.slice(received.indexOf("\r\n\r\n") + 4), "latin1").toString();
  const { client: peer, ...scope } = JSON.parse(text);
  assert.deepEqual(scope, {
    type: "http",
    asgi: { version: "3.0", spec_version: "2.4" },
    http_version: "1.1",
    method: "GET",
    scheme: "http",
    path: "/x y/é/scope",
    raw_path: "b:/x%20y/%C3%A9/scope",
    query_string: "b:a=%20b&c",
    root_path: "",
    headers: [
      ["b:host", "b:example.org:81"],
      ["b:x-one", "b:vé"],
      ["b:x-two", "b:1"],
      ["b:x-two", "b:2"],
      ["b:connection", "b:close"],
    ],
    server: ["127.0.0.1", server.port],
    state: {},
    extensions: {
      "http.response.pathsend": {},
      "http.response.zerocopysend": {},
      "http.response.early_hint": {},
      "http.response.trailers": {},
      "tunicorn.timeout": {},
    },
  });
  assert.equal(peer[0], "127.0.0.1");
  assert.equal(typeof peer[1], "number");
});

test("the scope of a WebSocket is uvicorn's", async (t) => {
  const server = await startServer(t, [APP, ...ANY_PORT]);
  const lines = "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b, c\r\n";
  const { headers, client, ...scope } = await webSocketScope(server, lines);
  assert.deepEqual(scope, {
    type: "websocket",
    asgi: { version: "3.0", spec_version: "2.4" },
    http_version: "1.1",
    scheme: "ws",
    path: "/scope",
    raw_path: "b:/scope",
    query_string: "b:",
    root_path: "",
    subprotocols: ["a", "b", "c"],
    server: ["127.0.0.1", server.port],
    state: {},
    extensions: { "websocket.http.response": {} },
  });
  assert.ok(JSON.stringify(headers).includes('["b:sec-websocket-version","b:13"]'));
  assert.ok(Array.isArray(client));
});

test("HTTP/1.0 is named so", async (t) => {
  const server = await startServer(t, [APP, ...ANY_PORT]);
  const received = await exchangeRaw(server.endpoint, "GET /scope HTTP/1.0\r\n\r\n");
  assert.match(received, /"http_version": "1.0"/);
});

test("a trusted proxy's word is taken for client and scheme, of requests and of WebSockets", async (t) => {
  const server = await startServer(t, [APP, ...ANY_PORT, "--proxy-headers"]);
  const headers = { "X-Forwarded-For": "1.2.3.4, 8.8.8.8", "X-Forwarded-Proto": "https" };
  const scope = await scopeOf(server, { headers });
  assert.deepEqual([scope["client"], scope["scheme"]], [["8.8.8.8", 0], "https"]);
  const lines = "X-Forwarded-For: 1.2.3.4, 8.8.8.8\r\nX-Forwarded-Proto: https\r\n";
  const webSocket = await webSocketScope(server, lines);
  assert.deepEqual([webSocket["client"], webSocket["scheme"]], [["8.8.8.8", 0], "wss"]);
});

test("--forwarded-allow-ips names addresses and networks; all others are not believed", async (t) => {
  const headers = { "X-Forwarded-For": "1.2.3.4, 8.8.8.8, 10.1.1.1", "X-Forwarded-Proto": "https" };
  const believing = await startServer(t, [
    APP,
    ...ANY_PORT,
    "--forwarded-allow-ips",
    "127.0.0.1,8.8.8.8,10.0.0.0/8",
  ]);
  const scope = await scopeOf(believing, { headers });
  assert.deepEqual([scope["client"], scope["scheme"]], [["1.2.3.4", 0], "https"]);
  const everybody = await startServer(t, [APP, ...ANY_PORT, "--forwarded-allow-ips", "*"]);
  assert.deepEqual((await scopeOf(everybody, { headers }))["client"], ["1.2.3.4", 0]);
  const wary = await startServer(t, [APP, ...ANY_PORT, "--forwarded-allow-ips", "192.0.2.1"]);
  const unmoved = await scopeOf(wary, { headers });
  assert.deepEqual([(unmoved["client"] as string[])[0], unmoved["scheme"]], ["127.0.0.1", "http"]);
  const deaf = await startServer(t, [APP, ...ANY_PORT, "--no-proxy-headers"]);
  const ignored = await scopeOf(deaf, { headers });
  assert.deepEqual([(ignored["client"] as string[])[0], ignored["scheme"]], ["127.0.0.1", "http"]);
});

test("--root-path stands before path and raw_path", async (t) => {
  const server = await startServer(t, [APP, ...ANY_PORT, "--root-path", "/api"]);
  const scope = await scopeOf(server, { path: "/a%20b/scope" });
  assert.deepEqual(
    [scope["root_path"], scope["path"], scope["raw_path"]],
    ["/api", "/api/a b/scope", "b:/api/a%20b/scope"],
  );
  const webSocket = await webSocketScope(server);
  assert.deepEqual([webSocket["root_path"], webSocket["path"]], ["/api", "/api/scope"]);
});

test("on a Unix socket the client is None and the server its path", async (t) => {
  const path = join(temporaryFolder(t), "s");
  const server = await startServer(t, [APP, "--uds", path]);
  const scope = await scopeOf(server);
  assert.deepEqual([scope["client"], scope["server"]], [null, [path, null]]);
  const webSocket = await webSocketScope(server);
  assert.deepEqual([webSocket["client"], webSocket["server"]], [null, [path, null]]);
  await server.logged(/^INFO: {5}\S* - "GET \/scope HTTP\/1\.1" 200 OK$/m, 5_000);
});

test("uvicorn's and gunicorn's words mix, in variables, a file and the command line", async (t) => {
  const folder = temporaryFolder(t, { ".env": 'export TINT="dark \\"blue\\""\nKEPT=file\n' });
  const args = [
    ...["--factory", "asgi.plain:make", "-w", "1", "--port", "0", "--env-file", join(folder, ".env")],
    ...["--header", "X-Served:by us", "--header", "Server:mine", "--no-date-header", "--timeout", "20"],
  ];
  const env = { UVICORN_HOST: "127.0.0.1", UVICORN_ROOT_PATH: "/env", GUNICORN_CMD_ARGS: "--keep-alive 7" };
  const server = await startServer(t, args, { env: { ...env, KEPT: "environment" } });
  const reply = await ask(server.endpoint, { path: "/environment?TINT" });
  assert.equal(reply.body, 'dark "blue"');
  assert.deepEqual([reply.headers["x-served"], reply.headers["server"]], ["by us", "mine"]);
  assert.equal(reply.headers.date, undefined);
  assert.equal((await ask(server.endpoint, { path: "/environment?KEPT" })).body, "environment");
  assert.equal((await scopeOf(server))["root_path"], "/env");
});

test("each of uvicorn's flags is understood, or refused by name", async (t) => {
  const taken = [
    ...["--loop", "asyncio", "--http", "httptools", "--ws", "websockets", "--ws-max-size", "1000"],
    ...["--ws-max-queue", "8", "--ws-ping-interval", "5", "--ws-ping-timeout", "5"],
    ...["--ws-per-message-deflate", "false", "--lifespan", "off", "--interface", "asgi3", "--workers", "1"],
    ...["--no-access-log", "--no-use-colors", "--log-level", "trace", "--limit-concurrency", "100"],
    ...["--backlog", "64", "--timeout-keep-alive", "3", "--timeout-graceful-shutdown", "3"],
    ...["--h11-max-incomplete-event-size", "65536", "--app-dir", ".", "--no-server-header"],
  ];
  const server = await startServer(t, [APP, ...ANY_PORT, ...taken]);
  const reply = await ask(server.endpoint, { path: "/loop" });
  assert.match(reply.body, /^asyncio\b/);
  assert.equal(reply.headers["server"], undefined);
  assert.doesNotMatch((await server.stop()).output, /GET \/loop/);
  const refused = await runTunicorn(t, [APP, "--port", "0", "--ssl-keyfile", "k.pem", "--no-such-flag"]);
  assert.equal(refused.code, 2);
  assert.match(refused.output, /ssl/);
  assert.match(refused.output, /no-such-flag/);
});

test("uvloop runs the application where it is installed", async (t) => {
  const server = await startServer(t, [APP, ...ANY_PORT]);
  assert.equal((await ask(server.endpoint, { path: "/loop" })).body, "uvloop");
});

for (const [target, args] of [
  ["asgi.plain:app", ["-k", "uvicorn.workers.UvicornWorker"]],
  ["asgi.plain:app", ["-k", "uvicorn_worker.UvicornWorker"]],
  ["asgi.plain:app", ["-k", "asgi"]],
  ["asgi.plain:Asgi2", ["--interface", "asgi2"]],
  ["asgi.plain:Asgi2", []],
  ["asgi.plain:make", ["--factory"]],
  ["asgi.plain:make()", []],
] as const) {
  test(`${target} with ${args.join(" ") || "nothing more"} is served as ASGI`, async (t) => {
    const server = await startServer(t, [...args, "-b", "127.0.0.1:0", target]);
    assert.equal((await scopeOf(server))["type"], "http");
    assert.equal((await webSocketScope(server))["type"], "websocket");
  });
}

test("an app of the other interface than named is a failed start", async (t) => {
  const exit = await runTunicorn(t, ["-k", "asgi", "-b", "127.0.0.1:0", "plain:unchecked"]);
  assert.notEqual(exit.code, 0, exit.output);
});

test("the access log has uvicorn's lines, for WebSockets too", async (t) => {
  const server = await startServer(t, [APP, ...ANY_PORT]);
  await ask(server.endpoint, { path: "/hello?x=1" });
  await server.logged(/^INFO: {5}127\.0\.0\.1:\d+ - "GET \/hello\?x=1 HTTP\/1\.1" 200 OK$/m, 5_000);
  await webSocketScope(server);
  await server.logged(
    /^INFO: {5}127\.0\.0\.1:\d+ - "GET \/scope HTTP\/1\.1" 101 Switching Protocols$/m,
    5_000,
  );
  const refused = new RawClient(server.endpoint);
  t.after(() => refused.destroy());
  refused.send(handshake({ path: "/refuse" }));
  assert.match(await refused.untilClosed(), /^HTTP\/1\.1 403 /);
  await server.logged(/^INFO: {5}127\.0\.0\.1:\d+ - "GET \/refuse HTTP\/1\.1" 403 Forbidden$/m, 5_000);
});

test("--log-config shapes what the application logs", async (t) => {
  const config = {
    version: 1,
    formatters: { short: { format: "mine: %(message)s" } },
    handlers: { out: { class: "logging.StreamHandler", formatter: "short" } },
    root: { level: "INFO", handlers: ["out"] },
  };
  const folder = temporaryFolder(t, {
    "logs.json": JSON.stringify(config),
    "main.py":
      "import logging\n\nasync def app(scope, receive, send):\n    logging.getLogger('shop').info('sold %d', 3)\n" +
      "    await send({'type': 'http.response.start', 'status': 204, 'headers': []})\n" +
      "    await send({'type': 'http.response.body'})\n",
  });
  const args = ["main:app", ...ANY_PORT, "--lifespan", "off", "--log-config", "logs.json"];
  const server = await startServer(t, args, { cwd: folder });
  assert.equal((await ask(server.endpoint)).status, 204);
  await server.logged(/^mine: sold 3$/m, 5_000);
});
