// --reload with real files, as a developer saves them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ask, RawClient, type Reply } from "../harness/http-client.ts";
import { type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const BOOT_MS = 15_000;
const BROWSER = { accept: "text/html" };

interface Stage {
  readonly server: Server;
  save(name: string, text: string): void;
  get(headers?: Readonly<Record<string, string>>): Promise<Reply>;
  /** Asks until the answer is of the code just saved: between a save and the kernel's word of it there is a moment. */
  until(body: RegExp, headers?: Readonly<Record<string, string>>): Promise<Reply>;
}

/** A server that has answered once, with its files. */
async function stage(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<Stage> {
  const folder = temporaryFolder(t, files);
  const server = await startServer(t, ["--reload", ...args, "-b", "127.0.0.1:0", "app:app"], {
    cwd: folder,
    env: { PYTHONDONTWRITEBYTECODE: undefined },
  });
  const get: Stage["get"] = (headers = {}) => ask(server.endpoint, { headers });
  await get();
  return {
    server,
    get,
    save: (name, text) => {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), text);
    },
    until: (body, headers) =>
      eventually(BOOT_MS, `an answer like ${body}`, async () => {
        const reply = await get(headers);
        return body.test(reply.body) ? reply : undefined;
      }),
  };
}

function wsgi(body: string, before = ""): string {
  return `${before}
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [${body}]
`;
}

function mayLimitWatches(): boolean {
  const command = "echo 100 >/proc/sys/user/max_inotify_watches";
  return spawnSync("unshare", ["-U", "-r", "sh", "-c", command], { stdio: "ignore" }).status === 0;
}

describe("a save", () => {
  test("is answered by the new code, also when it is as long as the old and as quick as a hand can be", async (t) => {
    const { save, until } = await stage(t, { "app.py": wsgi('b"one"') });
    for (const word of ["two", "six", "ten", "one"]) {
      save("app.py", wsgi(`b"${word}"`));
      assert.equal((await until(new RegExp(word))).status, 200);
    }
  });

  test("of an imported module, a template or a file that is new counts as well", async (t) => {
    const reading = 'import other\ntext = open("templates/page.html", "rb").read()';
    const files = { "app.py": wsgi("other.word + text", reading), "other.py": 'word = b"1"' };
    const { save, until } = await stage(t, { ...files, "templates/page.html": "a" });
    save("other.py", 'word = b"2"');
    await until(/^2a$/);
    save("templates/page.html", "b");
    await until(/^2b$/);
  });

  test("is noticed also where the system tells nothing of it", async (t) => {
    const files = { "app.py": wsgi('b"one"') };
    const { save, until } = await stage(t, files, ["--reload-engine", "poll"]);
    save("app.py", wsgi('b"another"'));
    await until(/another/);
  });

  test("is noticed also where no more files can be watched, and the log says what to do", async (t) => {
    if (!mayLimitWatches()) return t.skip("needs user namespaces");
    const folder = temporaryFolder(t, { "app.py": wsgi('b"one"'), "a/b/c/d/e.py": "" });
    const limited = 'echo 2 >/proc/sys/user/max_inotify_watches && exec "$@"';
    const wrapper = ["unshare", "-U", "-r", "sh", "-c", limited, "sh"];
    const server = await startServer(t, ["--reload", "-b", "127.0.0.1:0", "app:app"], {
      cwd: folder,
      wrapper,
    });
    await server.logged(/looked at instead.*advice=/);
    writeFileSync(join(folder, "app.py"), wsgi('b"another"'));
    await eventually(BOOT_MS, "the new code", async () => (await ask(server.endpoint)).body === "another");
    assert.equal(server.output.match(/looked at instead|go unnoticed/g)?.length, 1);
    await server.stop();
  });

  test("in an excluded folder is ignored", async (t) => {
    const { server, save, until } = await stage(t, { "app.py": wsgi('b"one"') }, [
      "--reload-exclude",
      "data",
    ]);
    save(".venv/lib/x.py", "1");
    save("data/x.py", "1");
    save("notes.txt", "1");
    save("app.py", wsgi('b"two"'));
    await until(/two/);
    const changed = server.output.match(/file changed[^\n]*/g) ?? [];
    assert.equal(changed.length, 1, changed.join("\n"));
    assert.match(changed[0] ?? "", /app\.py/);
  });

  test("of an extra file counts, also when the file is new", async (t) => {
    const { server, save } = await stage(t, { "app.py": wsgi('b"one"'), "conf/a.yaml": "" }, [
      "--reload-extra-file",
      "conf/*.yaml",
    ]);
    save("conf/new.yaml", "x: 1");
    await server.logged(/file changed[^\n]*new\.yaml/);
  });
});

describe("code that does not start", () => {
  for (const [kind, text] of [
    ["SyntaxError", "def app(:\n"],
    ["NameError", "nothing_of_this_name\n"],
    ["ModuleNotFoundError", "import nothing_of_this_name\n"],
  ] as const) {
    test(`(${kind}) is shown with its source, and recovers at the next save`, async (t) => {
      const { server, save, until, get } = await stage(t, { "app.py": wsgi('b"one"') });
      save("app.py", text);
      const page = await until(new RegExp(kind), BROWSER);
      assert.equal(page.status, 500);
      assert.match(page.headers["content-type"] ?? "", /text\/html/);
      assert.match(page.body, /<mark>/);
      assert.match((await get()).headers["content-type"] ?? "", /text\/plain/);
      save("app.py", wsgi('b"two"'));
      assert.equal((await until(/two/)).status, 200);
      await server.stop();
    });
  }

  test("is shown when it was to be preloaded, too", async (t) => {
    const { server, save, until } = await stage(t, { "app.py": wsgi('b"one"') }, ["--preload"]);
    save("app.py", "nothing_of_this_name\n");
    await until(/nothing_of_this_name/);
    save("app.py", wsgi('b"two"'));
    await until(/^two$/);
    await server.stop();
  });

  test("at the first start is no end either", async (t) => {
    const { save, until, get } = await stage(t, { "app.py": "raise ValueError('not yet')\n" });
    assert.match((await get()).body, /ValueError: not yet/);
    save("app.py", wsgi('b"one"'));
    await until(/one/);
  });
});

describe("a configuration file that cannot be used", () => {
  const app = { "app.py": wsgi('__import__("os").environ["WORD"].encode()') };

  test("in Python is shown, and recovers at the next save", async (t) => {
    const { server, save, until } = await stage(t, {
      ...app,
      "gunicorn.conf.py": 'raw_env = ["WORD=one"]\n',
    });
    save("gunicorn.conf.py", "nothing_of_this_name\n");
    const page = await until(/nothing_of_this_name/);
    assert.equal(page.status, 500);
    save("gunicorn.conf.py", "workers = 'many'\n");
    await until(/workers "many": expected/);
    save("gunicorn.conf.py", 'raw_env = ["WORD=two"]\n');
    await until(/^two$/);
    await server.stop();
  });

  test("in TOML is told of in the log while the old code serves, and recovers at the next save", async (t) => {
    const { server, save, until, get } = await stage(t, {
      ...app,
      "tunicorn.toml": 'raw_env = ["WORD=one"]\n',
    });
    save("tunicorn.toml", "workers = = 2\n");
    await server.logged(/tunicorn\.toml[\s\S]*reload failed/);
    assert.equal((await get()).body, "one");
    save("tunicorn.toml", 'raw_env = ["WORD=two"]\n');
    await until(/^two$/);
    await server.stop();
  });
});

test("a request that comes while the code starts waits for it", async (t) => {
  const { server, save, get } = await stage(t, { "app.py": wsgi('b"one"') });
  save("app.py", wsgi('b"two"', "import time; time.sleep(1)"));
  await server.logged(/worker exited/);
  const replies = await Promise.all(Array.from({ length: 20 }, () => get()));
  assert.deepEqual(new Set(replies.map(({ status, body }) => `${status} ${body}`)), new Set(["200 two"]));
});

test("an exception in a request is shown with its source", async (t) => {
  const raising = wsgi('b"never"').replace("    start", '    environ["no such key"]\n    start');
  const { get } = await stage(t, { "app.py": raising });
  const page = await get(BROWSER);
  assert.equal(page.status, 500);
  assert.match(page.body, /KeyError: &#39;no such key&#39;/);
  assert.match(page.body, /<mark>.*environ\[/);
});

const ASGI = `
import asyncio

async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
    elif scope["type"] == "http" and scope["path"] == "/events":
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while True:
            await send({"type": "http.response.body", "body": b"data: VERSION\\n\\n", "more_body": True})
            await asyncio.sleep(0.05)
    elif scope["type"] == "http":
        if scope["path"] == "/boom":
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"Internal Server Error"})
            raise LookupError("told afterwards")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"VERSION"})
    else:
        raise RuntimeError("no lifespan here")
`;

describe("an ASGI application", () => {
  test("leaves its WebSockets and event streams at once", async (t) => {
    const { server, save, until } = await stage(t, { "app.py": ASGI.replaceAll("VERSION", "one") });
    const socket = new RawClient(server.endpoint);
    const events = new RawClient(server.endpoint);
    t.after(() => {
      socket.destroy();
      events.destroy();
    });
    socket.send(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    events.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    await socket.until(/101 /);
    await events.until(/data: one/);
    save("app.py", ASGI.replaceAll("VERSION", "two"));
    // A close frame with 1012, service restart (RFC 6455 §5.5.1).
    await eventually(BOOT_MS, "the close frame", () => socket.received.includes("\u0003\u00f4"));
    socket.send(new Uint8Array([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf4]));
    socket.end();
    await events.untilClosed();
    assert.equal((await until(/two/)).status, 200);
  });

  test("has its exception shown also where a framework answers first and raises then", async (t) => {
    const { server } = await stage(t, { "app.py": ASGI });
    const reply = await ask(server.endpoint, { path: "/boom" });
    assert.equal(reply.status, 500);
    assert.match(reply.body, /LookupError: told afterwards/);
  });
});

for (const [name, module, route] of [
  ["Flask", "flask", "from flask import Flask\napp = Flask(__name__)\n@app.get('/')"],
  ["Quart", "quart", "from quart import Quart\napp = Quart(__name__)\n@app.get('/')"],
  ["Bottle", "bottle", "from bottle import Bottle\napp = Bottle()\n@app.get('/')"],
] as const) {
  test(`an exception in ${name} is shown with its source, without debug mode`, async (t) => {
    const { get } = await stage(t, {
      "app.py": `${route}\ndef index():\n    raise LookupError("in ${module}")\n`,
    });
    const reply = await get(BROWSER);
    assert.equal(reply.status, 500);
    assert.match(reply.body, /<h1>LookupError: .*in /);
    assert.match(reply.body, /<mark>.*raise LookupError/);
  });
}

test("a Django project is found, and has its applications' static files, as with runserver", async (t) => {
  const settings = `DEBUG = True
SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
STATIC_URL = "static/"
INSTALLED_APPS = ["django.contrib.staticfiles", "shop"]
`;
  const wsgiFile = `import os
from django.core.wsgi import get_wsgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = get_wsgi_application()
`;
  const folder = temporaryFolder(t, {
    "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n',
    "shop/__init__.py": "",
    "shop/settings.py": settings,
    "shop/urls.py": "urlpatterns = []\n",
    "shop/wsgi.py": wsgiFile,
    "shop/static/shop/site.css": "body { color: red }",
  });
  const server = await startServer(t, ["dev", "-b", "127.0.0.1:0"], { cwd: folder });
  const style = await ask(server.endpoint, { path: "/static/shop/site.css" });
  assert.deepEqual([style.status, style.body], [200, "body { color: red }"]);
  await server.stop();
});

test("nothing of this is there without --reload", async (t) => {
  const folder = temporaryFolder(t, { "app.py": wsgi('environ["no such key"]') });
  const server = await startServer(t, ["-b", "127.0.0.1:0", "app:app"], { cwd: folder });
  const reply = await ask(server.endpoint, { headers: BROWSER });
  assert.equal(reply.status, 500);
  assert.doesNotMatch(reply.body, /no such key|app\.py/);
});
