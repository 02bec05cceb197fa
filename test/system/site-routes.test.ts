// A whole site in one file: what nginx in front would do, done by routes. Each test is one server; its clients are real.

import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hashSync } from "bcryptjs";
import { Authority, NO_OPENSSL } from "../harness/certificates.ts";
import { missingCurl } from "../harness/curl.ts";
import { uwsgiPacket } from "../harness/gateway-packets.ts";
import { type Ask, ask, type Endpoint, RawClient, type Reply } from "../harness/http-client.ts";
import { Load } from "../harness/load.ts";
import { PYTHON, runTunicorn, type Server, startServer } from "../harness/server.ts";
import { type Owner, temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";
import { WebSocketClient } from "../harness/web-socket-client.ts";

const SOON_MS = 15_000;
const NO_CURL = missingCurl() ?? NO_OPENSSL;

/** WSGI: says what it was given. */
const SHOP = `
import json, sys

def app(environ, start_response):
    if environ["PATH_INFO"].endswith("/protected"):
        start_response("200 OK", [("X-Accel-Redirect", "/kept/secret.txt")])
        return []
    if environ["PATH_INFO"].endswith("/broken"):
        start_response("500 Oops", [("Content-Type", "text/plain")])
        return [b"the application's own words"]
    length = sum(len(piece) for piece in iter(lambda: environ["wsgi.input"].read(65536), b""))
    names = ("SCRIPT_NAME", "PATH_INFO", "REMOTE_USER", "wsgi.url_scheme", "HTTP_HOST")
    seen = {name: environ.get(name) for name in names}
    start_response("200 OK", [("Content-Type", "application/json"), ("X-From", "shop")])
    return [json.dumps({"app": "shop", "prefix": sys.prefix, "length": length, **seen}).encode()]
`;

/** ASGI: likewise, and over WebSockets. */
const API = `
import json

def seen(scope):
    names = ("type", "path", "root_path", "scheme")
    user = scope["extensions"].get("remote_user", {}).get("name")
    return json.dumps({"app": "api", "user": user, **{name: scope[name] for name in names}})

async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": seen(scope)})
        await receive()
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": seen(scope).encode()})
    else:
        raise NotImplementedError
`;

const APPS = `
[apps.shop]
app = "main:app"
chdir = "shop"

[apps.api]
app = "main:app"
chdir = "api"
worker_class = "asgi"
`;
const HEAD = 'bind = "127.0.0.1:0"\nworkers = 1\nhealth = "/-/"\n';

/** A folder with both applications and these files. */
function newSite(owner: Owner, toml: string, files: Readonly<Record<string, string>> = {}): string {
  const all = { "shop/main.py": SHOP, "api/main.py": API, "tunicorn.toml": toml, ...files };
  return temporaryFolder(owner, all);
}

async function startSite(owner: Owner, folder: string): Promise<Server> {
  const server = await startServer(owner, [], { cwd: folder });
  await eventually(SOON_MS, "ready", async () => {
    const { status } = await ask(server.endpoints.at(-1) ?? server.endpoint, { path: "/-/ready" });
    return status === 200;
  });
  return server;
}

function basic(name: string, password: string): { readonly Authorization: string } {
  return { Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}` };
}

function users(): string {
  return `ann:${hashSync("secret", 4)}\n`;
}

/** What the application says that it saw. */
async function seen(endpoint: Endpoint, what: Ask): Promise<Record<string, unknown>> {
  const { status, body } = await ask(endpoint, what);
  equal(status, 200, body);
  return JSON.parse(body);
}

test("a WSGI application and an ASGI one live side by side, by host, by prefix and mounted", async (t) => {
  const toml = `${HEAD}${APPS}
[[routes]]
match.host = "api.example.org"
app = "api"
[[routes]]
match.path = "/v2/*"
app = "api"
mount = true
[[routes]]
match.path = "/old/shop/*"
app = "shop"
mount = "/old"
[[routes]]
match.path = "/raw/*"
app = "api"
[[routes]]
app = "shop"
`;
  const server = await startSite(t, newSite(t, toml));
  const { endpoint } = server;
  const byHost = await seen(endpoint, { path: "/v2/x", headers: { Host: "API.example.org:80" } });
  deepEqual([byHost["app"], byHost["path"], byHost["root_path"]], ["api", "/v2/x", ""]);
  const mounted = await seen(endpoint, { path: "/v2/a%20b?q=1" });
  deepEqual([mounted["app"], mounted["path"], mounted["root_path"]], ["api", "/v2/a b", "/v2"]);
  const raw = await seen(endpoint, { path: "/raw/x" });
  deepEqual([raw["app"], raw["path"], raw["root_path"]], ["api", "/raw/x", ""]);
  const wsgi = await seen(endpoint, { path: "/old/shop/x" });
  deepEqual([wsgi["app"], wsgi["SCRIPT_NAME"], wsgi["PATH_INFO"]], ["shop", "/old", "/shop/x"]);
  const rest = await seen(endpoint, { path: "/v2x", headers: { Host: "www.example.org" } });
  deepEqual([rest["app"], rest["SCRIPT_NAME"], rest["PATH_INFO"]], ["shop", "", "/v2x"]);
  equal((await ask(endpoint, { path: "/raw/../v2/x" })).status, 400);
  await server.stop();
});

test("a password and an address guard requests and WebSockets, and applications learn the name", async (t) => {
  const toml = `${HEAD}forwarded_allow_ips = "127.0.0.1"\n${APPS}
[[routes]]
match.path = "/admin/*"
app = "shop"
mount = true
basic_auth = { users = "users", realm = "Office" }
[[routes]]
match.path = "/live/*"
app = "api"
mount = true
basic_auth = "users"
[[routes]]
match.path = "/inside/*"
app = "shop"
allow = ["10.0.0.0/8", "127.0.0.1"]
deny = "10.6.6.6"
[[routes]]
app = "shop"
`;
  const server = await startSite(t, newSite(t, toml, { users: users() }));
  const { endpoint } = server;
  const refused = await ask(endpoint, { path: "/admin/x" });
  equal(refused.status, 401);
  match(`${refused.headers["www-authenticate"]}`, /^Basic realm="Office"/);
  equal((await ask(endpoint, { path: "/admin", headers: basic("ann", "guess") })).status, 401);
  const known = await seen(endpoint, { path: "/admin/x", headers: basic("ann", "secret") });
  deepEqual([known["REMOTE_USER"], known["SCRIPT_NAME"], known["PATH_INFO"]], ["ann", "/admin", "/x"]);
  equal((await seen(endpoint, { path: "/", headers: { "Remote-User": "ann" } }))["REMOTE_USER"], null);

  const stranger = new WebSocketClient(endpoint);
  match(await stranger.open({ path: "/live/feed" }), /^HTTP\/1\.1 401 /);
  stranger.destroy();
  const ann = new WebSocketClient(endpoint);
  const lines = `Authorization: ${basic("ann", "secret").Authorization}\r\n`;
  match(await ann.open({ path: "/live/feed", lines }), /^HTTP\/1\.1 101 /);
  deepEqual(JSON.parse(await ann.text()), {
    app: "api",
    user: "ann",
    type: "websocket",
    path: "/live/feed",
    root_path: "/live",
    scheme: "ws",
  });
  ann.destroy();

  const from = async (address: string): Promise<number> =>
    (await ask(endpoint, { path: "/inside/x", headers: { "X-Forwarded-For": address } })).status;
  deepEqual(await Promise.all(["10.1.2.3", "10.6.6.6", "192.0.2.1"].map(from)), [200, 403, 403]);
  equal((await ask(endpoint, { path: "/inside/x" })).status, 200);
  await server.stop();
});

test("bodies, fields, pages, redirections, fixed answers and files follow their routes", async (t) => {
  const toml = `${HEAD}limit_request_body = "1k"\n${APPS}
[[routes]]
match.path = "/upload/*"
app = "shop"
max_body = "64k"
[[routes]]
match = { path = "/static/*", method = "GET" }
files = { root = "public", max_age = "1h" }
headers = { Access-Control-Allow-Origin = "*" }
[[routes]]
match = { path = "/kept/*", internal = true }
files = "kept"
[[routes]]
match.path = "/moved/*"
redirect = { to = "https://new.example.org$uri", status = 308 }
[[routes]]
match.path = "/robots.txt"
respond = { body = "User-agent: *\\n", type = "text/plain" }
[[routes]]
match.path = "/gone"
respond = 410
[[routes]]
app = "shop"
error_pages = { 404 = "pages/404.html", 5xx = "pages/5xx.html" }
headers = { X-Frame-Options = "DENY", X-From = "" }
`;
  const folder = newSite(t, toml, {
    "public/a.css": "body {}",
    "kept/secret.txt": "for those whom the application lets in",
    "pages/404.html": "our 404",
    "pages/5xx.html": "our 5xx",
  });
  const server = await startSite(t, folder);
  const get = (path: string, more: Ask = {}): Promise<Reply> => ask(server.endpoint, { path, ...more });
  const post = (path: string, bytes: number, headers = {}): Promise<Reply> =>
    get(path, { method: "POST", body: "x".repeat(bytes), headers });
  const chunked = { "Transfer-Encoding": "chunked" };
  equal((await post("/upload/x", 65_536)).status, 200);
  equal((await post("/upload/x", 65_537)).status, 413);
  equal((await post("/upload/x", 65_536, chunked)).status, 200);
  equal((await post("/upload/x", 65_537, chunked)).status, 413);
  equal((await post("/x", 1024)).status, 200);
  equal((await post("/x", 1025)).status, 413);
  equal((await post("/x", 1025, chunked)).status, 413);

  const file = await get("/static/a.css");
  equal(file.body, "body {}");
  deepEqual(
    [
      file.headers["cache-control"],
      file.headers["access-control-allow-origin"],
      file.headers["content-type"],
    ],
    ["max-age=3600", "*", "text/css; charset=utf-8"],
  );
  equal((await get("/static/none.css")).status, 404);
  const wrong = await get("/static/a.css", { method: "DELETE" });
  equal(wrong.status, 200, "the route behind takes other methods");

  const moved = await get("/moved/x?a=1");
  deepEqual([moved.status, moved.headers.location], [308, "https://new.example.org/moved/x?a=1"]);
  const robots = await get("/robots.txt");
  deepEqual(
    [robots.status, robots.body, robots.headers["content-type"]],
    [200, "User-agent: *\n", "text/plain"],
  );
  equal((await get("/gone")).status, 410);

  const plain = await get("/x");
  deepEqual([plain.headers["x-frame-options"], plain.headers["x-from"]], ["DENY", undefined]);
  const broken = await get("/broken");
  deepEqual([broken.status, broken.body, broken.headers["x-frame-options"]], [500, "our 5xx", "DENY"]);
  equal((await get("/kept/secret.txt")).body.includes("for those"), false);
  const kept = await get("/protected");
  deepEqual([kept.status, kept.body], [200, "for those whom the application lets in"]);
  await server.stop();
});

test("listeners speak TLS with several certificates, send plain clients to https, and take uwsgi", {
  skip: NO_CURL,
}, async (t) => {
  const authority = new Authority(t);
  const [one, other] = [authority.issue({ names: ["one.test"] }), authority.issue({ names: ["other.test"] })];
  const pair = ({ certificate, key }: typeof one): string =>
    `{ certificate = ${JSON.stringify(certificate)}, key = ${JSON.stringify(key)} }`;
  const toml = `workers = 1\nhealth = "/-/"\n${APPS}
[[listeners]]
address = "127.0.0.1:0"
name = "https"
tls = { certificates = [${pair(one)}, ${pair(other)}] }
[[listeners]]
address = "127.0.0.1:0"
redirect_to_tls = 8443
[[listeners]]
address = "127.0.0.1:0"
name = "nginx"
protocol = "uwsgi"
[[listeners]]
address = "127.0.0.1:0"
[[routes]]
match.listener = "nginx"
app = "shop"
headers = { X-Way = "uwsgi" }
[[routes]]
match.host = "other.test"
app = "api"
[[routes]]
app = "shop"
`;
  const server = await startSite(t, newSite(t, toml));
  const [https = server.endpoint, plain = server.endpoint, uwsgi = server.endpoint] = server.endpoints;
  const port = "port" in https ? https.port : 0;
  const secure = (host: string): string =>
    execFileSync(
      "curl",
      [
        ...["-sS", "--max-time", "10", "--cacert", authority.certificate],
        ...["--resolve", `${host}:${port}:127.0.0.1`, `https://${host}:${port}/x`],
      ],
      { encoding: "utf8" },
    );
  const shop = JSON.parse(secure("one.test"));
  deepEqual([shop.app, shop["wsgi.url_scheme"]], ["shop", "https"]);
  const api = JSON.parse(secure("other.test"));
  deepEqual([api.app, api.scheme], ["api", "https"]);

  const sent = await ask(plain, { path: "/a?b=1", headers: { Host: "one.test" } });
  deepEqual([sent.status, sent.headers.location], [301, "https://one.test:8443/a?b=1"]);

  const nginx = new RawClient(uwsgi);
  t.after(() => nginx.destroy());
  const variables = { REQUEST_METHOD: "GET", REQUEST_URI: "/x", PATH_INFO: "/x", HTTP_HOST: "one.test" };
  nginx.send(uwsgiPacket({ ...variables, SERVER_PROTOCOL: "HTTP/1.1", REMOTE_ADDR: "192.0.2.1" }));
  const answer = await nginx.until(/"app": "shop".*\}/);
  match(answer, /x-way: uwsgi/i);
  await server.stop();
});

test("HUP changes routes under load without a failed request", async (t) => {
  const toml = (name: string): string => `${HEAD}${APPS}
[[routes]]
match.path = "/x"
app = "${name}"
[[routes]]
match.path = "/word"
respond = { body = "${name}" }
[[routes]]
app = "${name === "shop" ? "api" : "shop"}"
`;
  const folder = newSite(t, toml("shop"));
  const server = await startSite(t, folder);
  const load = new Load(server.endpoint, "/x");
  for (const name of ["api", "shop"]) {
    const { answered } = load;
    await eventually(SOON_MS, "requests", () => load.answered > answered + 20);
    writeFileSync(join(folder, "tunicorn.toml"), toml(name));
    server.signal("SIGHUP");
    await eventually(
      SOON_MS,
      `${name} answers`,
      async () =>
        (await ask(server.endpoint, { path: "/word" })).body === name &&
        (await ask(server.endpoint, { path: "/x" })).body.includes(`"app": "${name}"`),
    );
  }
  const { failures, bodies, answered } = await load.stop();
  deepEqual(failures, []);
  equal(bodies.size, 2);
  ok(answered > 40);
  await server.stop();
});

test("a site without applications serves, and a reload adds one and takes it away again", async (t) => {
  const routes = `
[[routes]]
match.path = "/static/*"
files = "public"
`;
  const last = '[[routes]]\nrespond = { body = "nothing else" }\n';
  const folder = newSite(t, `${HEAD}${routes}${last}`, { "public/a.txt": "a file" });
  const file = join(folder, "tunicorn.toml");
  const { code, output } = await runTunicorn(t, ["--check-config"], { cwd: folder });
  equal(code, 0, output);
  const server = await startSite(t, folder);
  await server.logged(/Ready at .*: no applications/);
  const get = async (path: string): Promise<string> => (await ask(server.endpoint, { path })).body;
  equal(await get("/static/a.txt"), "a file");
  equal(await get("/"), "nothing else");
  deepEqual(server.tree.workers, []);

  writeFileSync(
    file,
    `${HEAD}[apps.shop]\napp = "main:app"\nchdir = "shop"\n${routes}[[routes]]\napp = "shop"\n`,
  );
  server.signal("SIGHUP");
  await eventually(SOON_MS, "the application answers", async () =>
    (await get("/")).includes('"app": "shop"'),
  );
  match(await get("/-/ready"), /"status":"ready","workers":1/);

  writeFileSync(file, `${HEAD}${routes}${last}`);
  server.signal("SIGHUP");
  await server.logged(/application removed/);
  await eventually(SOON_MS, "no application", async () => (await get("/")) === "nothing else");
  await eventually(SOON_MS, "its workers end", () => server.tree.workers.length === 0);
  equal((await ask(server.endpoint, { path: "/-/ready" })).status, 200);
  equal((await server.stop()).code, 0);
});

test("--check-config tells every fault of a site at its place, and loads each application", async (t) => {
  const check = async (toml: string, files = {}): Promise<{ code: number | null; output: string }> =>
    runTunicorn(t, ["--check-config"], { cwd: newSite(t, `${HEAD}${toml}`, files) });
  const good = await check(
    `${APPS}[[routes]]\nmatch.path = "/v2/*"\napp = "api"\n[[routes]]\napp = "shop"\n`,
  );
  equal(good.code, 0, good.output);
  const wrong = await check(`${APPS}[[routes]]\napp = "shpo"\n[[routes]]\nmatch.path = "a"\nfile = "x"\n`);
  equal(wrong.code, 1);
  match(wrong.output, /tunicorn\.toml.*14.*did you mean shop/);
  match(wrong.output, /did you mean files/);
  const broken = await check(
    `${APPS}[[routes]]\nmatch.path = "/v2/*"\napp = "api"\n[[routes]]\napp = "shop"\n`,
    {
      "api/main.py": "raise RuntimeError('not today')\n",
    },
  );
  notEqual(broken.code, 0);
  match(broken.output, /not today/);
});

test("an application's own .venv is found before $VIRTUAL_ENV", async (t) => {
  const folder = newSite(
    t,
    `${HEAD}[apps.shop]\napp = "main:app"\nchdir = "shop"\n[[routes]]\napp = "shop"\n`,
  );
  const venv = join(folder, "shop/.venv");
  execFileSync(PYTHON, ["-m", "venv", "--without-pip", venv]);
  const server = await startSite(t, folder);
  equal((await seen(server.endpoint, {}))["prefix"], venv);
  await server.stop();
});
