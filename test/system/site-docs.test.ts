// The sites of docs/routing.md and docs/replacing-nginx.md, run as they stand there: only folders and ports are others.

import { deepEqual, equal, match } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hashSync } from "bcryptjs";
import { Authority, NO_OPENSSL } from "../harness/certificates.ts";
import { missingCurl } from "../harness/curl.ts";
import { ask, type Endpoint } from "../harness/http-client.ts";
import { PYTHON, ROOT, runTunicorn, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

const WSGI = (name: string): string => `
def app(environ, start_response):
    found = not environ["PATH_INFO"].endswith("/missing")
    start_response("200 OK" if found else "404 Not Found", [("Content-Type", "text/plain")])
    seen = [environ.get(name, "") for name in ("wsgi.url_scheme", "SCRIPT_NAME", "REMOTE_USER")]
    return ["${name} {}".format(" ".join(seen)).encode()]

application = app
`;
const ASGI = `
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    user = scope["extensions"].get("remote_user", {}).get("name")
    text = f"api {scope['scheme']} {scope['root_path']} {user}"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})
`;
const USERS = `ann:${hashSync("secret", 4)}\n`;
const ANN = ["-u", "ann:secret"];

/** The first block of this language in the page. */
function block(page: string, language: string): string {
  const text = readFileSync(join(ROOT, "docs", page), "utf8");
  return new RegExp(`\`\`\`${language}\n(.*?)\n\`\`\``, "s").exec(text)?.[1] ?? "";
}

function portOf(endpoint: Endpoint | undefined): number {
  return endpoint !== undefined && "port" in endpoint ? endpoint.port : 0;
}

test("the site of docs/routing.md", async (t) => {
  const toml = block("routing.md", "toml").replace("0.0.0.0:8000", "127.0.0.1:0").replace("workers = 2", "");
  const folder = temporaryFolder(t, {
    "tunicorn.toml": toml,
    "shop/shop.py": WSGI("shop"),
    "api/api.py": ASGI,
    "public/a.txt": "a file",
    users: USERS,
  });
  execFileSync(PYTHON, ["-m", "venv", "--without-pip", join(folder, "shop/.venv")]);
  const { code, output } = await runTunicorn(t, ["--check-config"], { cwd: folder });
  equal(code, 0, output);
  const server = await startServer(t, [], { cwd: folder });
  for (const app of ["shop", "api"]) await server.logged(new RegExp(`Ready at .*app=${app}`));
  const get = async (path: string, headers = {}): Promise<string> => {
    const { status, body, headers: fields } = await ask(server.endpoint, { path, headers });
    return status === 200 ? body : `${status} ${fields.location ?? ""}`.trim();
  };
  const authorization = `Basic ${Buffer.from("ann:secret").toString("base64")}`;
  deepEqual(
    [
      await get("/"),
      await get("/static/a.txt"),
      await get("/old/x?a=1", { Host: "example.org" }),
      await get("/api/x"),
      await get("/api/x", { Authorization: authorization }),
    ],
    ["shop http  ", "a file", "308 https://example.org/old/x?a=1", "401", "api http /api ann"],
  );
  await server.stop();
});

test("the site of docs/replacing-nginx.md", { skip: missingCurl() ?? NO_OPENSSL }, async (t) => {
  const authority = new Authority(t);
  const certificates = {
    "example.org": authority.issue({ names: ["example.org", "www.example.org"] }),
    "api.example.org": authority.issue({ names: ["api.example.org"] }),
  };
  const pems = Object.entries(certificates).flatMap(([name, { certificate, key }]) => [
    [`live/${name}/fullchain.pem`, readFileSync(certificate, "utf8")],
    [`live/${name}/privkey.pem`, readFileSync(key, "utf8")],
  ]);
  const folder = temporaryFolder(t, {
    ...Object.fromEntries(pems),
    "srv/shop/mysite/wsgi.py": WSGI("shop"),
    "srv/api/main.py": ASGI,
    "srv/shop/acme/token": "proof",
    "srv/shop/static/a.css": "body {}",
    "srv/shop/media/a.txt": "upload",
    "srv/shop/pages/404.html": "our 404",
    "srv/shop/pages/50x.html": "our 50x",
    "srv/shop/users": USERS,
    "log/access.log": "",
  });
  const toml = block("replacing-nginx.md", "toml")
    .replaceAll("/etc/letsencrypt/live/", `${folder}/live/`)
    .replaceAll("/srv/", `${folder}/srv/`)
    .replaceAll("/var/log/shop/", `${folder}/log/`)
    .replaceAll(/0\.0\.0\.0:\d+/g, "127.0.0.1:0")
    .replaceAll(/^(?:user|group|errorlog) = .*$/gm, "")
    .replace("workers = 4", "workers = 1")
    .replace("10.0.0.0/8", "127.0.0.0/8");
  const cwd = join(folder, "srv/shop");
  const file = join(temporaryFolder(t, { "tunicorn.toml": toml }), "tunicorn.toml");
  const { code, output } = await runTunicorn(t, ["--check-config", "-c", file], { cwd });
  equal(code, 0, output);
  const server = await startServer(t, ["-c", file], { cwd });
  for (const app of ["shop", "api"]) await server.logged(new RegExp(`Ready at .*app=${app}`));
  const [https, plain] = server.endpoints.map(portOf);
  const curl = (host: string, path: string, ...more: string[]): string =>
    execFileSync(
      "curl",
      [
        ...["-sS", "--max-time", "10", "--cacert", authority.certificate, "--noproxy", "*", ...more],
        ...["--connect-to", `::127.0.0.1:${https}`, `https://${host}${path}`],
      ],
      { encoding: "utf8" },
    );
  const main = curl("example.org", "/", "-i");
  match(main, /shop https {2}$/m);
  match(main, /strict-transport-security: max-age=31536000/i);
  match(curl("www.example.org", "/x?a=1", "-i"), /301[\s\S]*location: https:\/\/example\.org\/x\?a=1/i);
  equal(curl("api.example.org", "/x"), "api https  None");
  match(curl("example.org", "/static/a.css", "-i"), /max-age=2592000[\s\S]*body \{\}$/);
  match(curl("example.org", "/media/a.txt", "-i"), /max-age=3600[\s\S]*upload$/);
  match(curl("example.org", "/admin/", "-i"), /^HTTP\/\S+ 401/);
  equal(curl("example.org", "/admin/", ...ANN), "shop https  ann");
  equal(curl("example.org", "/missing"), "our 404");
  equal(curl("example.org", "/.well-known/acme-challenge/token"), "proof");
  equal(curl("example.org", "/", "-H", "Host: other.org", "-o", "/dev/null", "-w", "%{http_code}"), "404");
  const sent = await ask({ port: plain ?? 0 }, { path: "/a", headers: { Host: "example.org" } });
  deepEqual([sent.status, sent.headers.location], [301, "https://example.org/a"]);
  await server.stop();
  match(readFileSync(join(folder, "log/access.log"), "utf8"), / - ann \[.*"GET \/admin\/ HTTP\/2" 200 /);
});
