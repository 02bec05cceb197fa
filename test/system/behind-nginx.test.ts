// A real nginx in front, over every protocol that it speaks to applications.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { ask, exchangeRaw, RawClient } from "../harness/http-client.ts";
import { Load } from "../harness/load.ts";
import { NO_NGINX, NO_STREAM, startNginx } from "../harness/nginx.ts";
import { PROXY_V2 } from "../harness/proxy-headers.ts";
import { type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";
import { CLOSE, closePayload, frame, TEXT } from "../harness/web-socket-client.ts";

const TCP = ["-b", "127.0.0.1:0", "--access-logfile", "-"];
const KEPT = ["--keep-alive", "75"];

const PARAMS = [
  "QUERY_STRING $query_string",
  "REQUEST_METHOD $request_method",
  "CONTENT_TYPE $content_type",
  "REQUEST_URI $request_uri",
  "PATH_INFO $document_uri",
  "SERVER_PROTOCOL $server_protocol",
  "REQUEST_SCHEME $scheme",
  "REMOTE_ADDR $remote_addr",
  "REMOTE_PORT $remote_port",
  "SERVER_PORT $server_port",
  "SERVER_NAME $server_name",
];
const LENGTH = "CONTENT_LENGTH $content_length";
const FORWARDED = [
  "proxy_http_version 1.1;",
  'proxy_set_header Connection "";',
  "proxy_set_header Host $host;",
  "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
  "proxy_set_header X-Forwarded-Proto https;",
];

type Protocol = "uwsgi" | "fastcgi" | "scgi";

function passOf(protocol: Protocol, to: string, more: readonly string[] = []): string[] {
  // nginx sets SCGI's length by itself: it has to come first.
  const params = [protocol === "scgi" ? "SCGI 1" : LENGTH, ...PARAMS, ...more];
  return [...params.map((line) => `${protocol}_param ${line};`), `${protocol}_pass ${to};`];
}

/** A FastAPI application that shows what it was told. */
const SHOWING_APP = `
from fastapi import FastAPI, Request
app = FastAPI()

@app.get("/show")
async def show(request: Request):
    extensions = request.scope["extensions"]
    return {"client": request.client and request.client.host, "scheme": request.url.scheme,
            "root": request.scope["root_path"], "path": request.scope["path"],
            "user": extensions.get("remote_user", {}).get("name"),
            "stage": extensions.get("variables", {}).get("STAGE")}
`;

function startShowing(t: TestContext, words: readonly string[]): Promise<Server> {
  const cwd = temporaryFolder(t, { "showing.py": SHOWING_APP });
  return startServer(t, ["-w", "1", ...TCP, ...words, "showing:app"], { cwd });
}

async function show(port: number, path = "/show"): Promise<unknown> {
  const headers = { Host: "example.org", "X-Forwarded-For": "198.51.100.7" };
  const { status, body } = await ask({ port }, { path, headers });
  assert.equal(status, 200, body);
  return JSON.parse(body);
}

describe("behind nginx's proxy_pass", { skip: NO_NGINX }, () => {
  it("keeps connections, and believes what nginx says of the client", async (t) => {
    const format = ["--access-logformat", "port %({remote_port}e)s"];
    const server = await startServer(t, [...TCP, ...format, ...KEPT, "-w", "1", "--proxy-headers", "plain"]);
    const upstream = `upstream app { server 127.0.0.1:${server.port}; keepalive 4; }`;
    const port = await startNginx(t, { http: [upstream], pass: [...FORWARDED, "proxy_pass http://app;"] });
    const headers = { Host: "example.org", "X-Forwarded-For": "198.51.100.7" };
    for (let count = 0; count < 3; count++) {
      const { body } = await ask({ port }, { path: "/environ", headers });
      const environ = JSON.parse(body) as Record<string, string>; // test/apps/plain.py
      // The nearest that is no trusted proxy: nginx's client is one, being 127.0.0.1.
      assert.equal(environ["REMOTE_ADDR"], "198.51.100.7");
      assert.equal(environ["wsgi.url_scheme"], "https");
      assert.equal(environ["HTTP_HOST"], "example.org");
    }
    const output = await server.logged(/(?:^port \d+\s+){3}/m);
    const ports = [...output.matchAll(/^port (\d+)$/gm)].map(([, from]) => from);
    assert.equal(new Set(ports).size, 1, `one connection for all: ${ports}`);
    const echoed = await ask({ port }, { method: "POST", path: "/echo", body: "x".repeat(300_000) });
    assert.equal(echoed.body.length, 300_000);
  });

  it("speaks over a Unix socket", async (t) => {
    const path = join(temporaryFolder(t), "app.sock");
    const words = ["-b", `unix:${path}`, "--access-logfile", "-", "-w", "1"];
    const server = await startServer(t, [...words, "plain"]);
    const port = await startNginx(t, { pass: [...FORWARDED, `proxy_pass http://unix:${path}:;`] });
    const { status, body } = await ask({ port }, { path: "/environ", headers: { Host: "example.org" } });
    assert.equal(status, 200);
    const environ = JSON.parse(body) as Record<string, string>; // test/apps/plain.py
    assert.equal(environ["SERVER_NAME"], "example.org");
    assert.equal(environ["wsgi.url_scheme"], "https");
    await server.logged(/"GET \/environ HTTP\/1\.1" 200/);
  });

  it("speaks WebSocket", async (t) => {
    const server = await startServer(t, [...TCP, "-w", "1", "asgi.fastapi_app:app"]);
    const upgrade = ["proxy_set_header Upgrade $http_upgrade;", "proxy_set_header Connection upgrade;"];
    const pass = ["proxy_http_version 1.1;", ...upgrade, `proxy_pass http://127.0.0.1:${server.port};`];
    const client = new RawClient({ port: await startNginx(t, { pass }) });
    t.after(() => client.destroy());
    const version = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    client.send(`GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${version}\r\n`);
    await client.until(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\n/);
    client.send(frame(TEXT, "hello"));
    await client.until(/echo hello/);
    client.send(frame(TEXT, "bye"));
    await client.until(/bye, from FastAPI/);
    client.send(frame(CLOSE, closePayload(4001)));
    await client.untilClosed();
  });

  it("lets FastAPI know client and scheme", async (t) => {
    const server = await startShowing(t, ["--root-path", "/shop"]);
    const pass = [...FORWARDED, `proxy_pass http://127.0.0.1:${server.port};`];
    const seen = await show(await startNginx(t, { pass }));
    assert.deepEqual(seen, {
      client: "198.51.100.7",
      scheme: "https",
      root: "/shop",
      path: "/shop/show",
      user: null,
      stage: null,
    });
  });

  it("reloads under load without an answer of nginx's own", async (t) => {
    const server = await startServer(t, [...TCP, ...KEPT, "plain"]);
    const upstream = `upstream app { server 127.0.0.1:${server.port}; keepalive 8; }`;
    const port = await startNginx(t, { http: [upstream], pass: [...FORWARDED, "proxy_pass http://app;"] });
    await reloadUnderLoad(server, port);
  });
});

async function reloadUnderLoad(server: Server, port: number): Promise<void> {
  const load = new Load({ port }, "/pid");
  for (let nr = 1; nr <= 2; nr++) {
    await eventually(15_000, "some answers", () => load.answered > nr * 50);
    server.signal("SIGHUP");
    const finished = (): number => server.output.split("reload finished").length - 1;
    await eventually(20_000, `reload ${nr}`, () => finished() >= nr);
  }
  const { failures, bodies } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(bodies.size >= 2, "workers of more than one generation have answered");
}

describe("behind nginx's uwsgi_pass, fastcgi_pass and scgi_pass", { skip: NO_NGINX }, () => {
  for (const protocol of ["uwsgi", "fastcgi", "scgi"] as const) {
    it(`serves Flask over ${protocol}`, async (t) => {
      const server = await startServer(t, ["--protocol", protocol, ...TCP, "flask_app:app"]);
      const port = await startNginx(t, { pass: passOf(protocol, `127.0.0.1:${server.port}`) });
      const response = await ask({ port }, { path: "/no%20such?x=1" });
      assert.equal(response.status, 404);
      assert.match(String(response.headers["server"]), /nginx/);
      await server.logged(/127\.0\.0\.1 .*"GET \/no%20such\?x=1 HTTP\/1\.[01]" 404/);
      assert.equal((await ask({ port }, { path: "/no", method: "HEAD" })).status, 404);
      const body = "x".repeat(200_000);
      const post = await ask({ port }, { path: "/raw", method: "POST", body });
      assert.equal(post.body, createHash("sha256").update(body).digest("hex"));
    });

    it(`lets FastAPI know client, scheme, mount, user and variables over ${protocol}`, async (t) => {
      const server = await startShowing(t, ["--protocol", protocol, "--access-logformat", "user %(u)s"]);
      const more = ["SCRIPT_NAME /shop", "HTTPS on", "REMOTE_USER ada", "STAGE blue"];
      const pass = passOf(protocol, `127.0.0.1:${server.port}`, more);
      const seen = await show(await startNginx(t, { pass }));
      assert.deepEqual(seen, {
        client: "198.51.100.7", // nginx names 127.0.0.1, whose X-Forwarded-For is believed
        scheme: "https",
        root: "/shop",
        path: "/shop/show",
        user: "ada",
        stage: "blue",
      });
      await server.logged(/^user ada$/m);
    });
  }

  it("reloads under load without an answer of nginx's own, over uwsgi and a Unix socket", async (t) => {
    const path = join(temporaryFolder(t), "app.sock");
    const server = await startServer(t, ["--protocol", "uwsgi", "-b", `unix:${path}`, "plain"]);
    await reloadUnderLoad(server, await startNginx(t, { pass: passOf("uwsgi", `unix:${path}`) }));
  });

  it("keeps FastCGI connections that nginx wants kept, also in a reload", async (t) => {
    const server = await startServer(t, ["--protocol", "fastcgi", ...TCP, ...KEPT, "plain"]);
    const upstream = `upstream app { server 127.0.0.1:${server.port}; keepalive 8; }`;
    const pass = ["fastcgi_keep_conn on;", ...passOf("fastcgi", "app")];
    await reloadUnderLoad(server, await startNginx(t, { http: [upstream], pass }));
  });
});

describe("the PROXY protocol", () => {
  it("comes from nginx's stream module as version 1", { skip: NO_STREAM }, async (t) => {
    const server = await startServer(t, ["--proxy-protocol", ...TCP, "flask_app:app"]);
    const stream = [`proxy_pass 127.0.0.1:${server.port};`, "proxy_protocol on;"];
    const port = await startNginx(t, { stream });
    assert.equal((await ask({ port }, { path: "/no" })).status, 404);
    await server.logged(/127\.0\.0\.1 .*"GET \/no HTTP\/1\.1" 404/);
  });

  it("is taken in version 2", async (t) => {
    const server = await startServer(t, ["--proxy-protocol", "v2", ...TCP, "flask_app:app"]);
    const request = "GET /no HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert.match(await exchangeRaw(server.endpoint, PROXY_V2.toString("latin1") + request), / 404 /);
    await server.logged(/203\.0\.113\.9 .*"GET \/no HTTP\/1\.1" 404/);
  });
});
