// What README and examples/ promise.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { ROOT, startServer } from "../harness/server.ts";

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

test("npm run example serves the standard library and prints its address", async (t) => {
  const [command, ...args] = (manifest.scripts["example"] ?? "").split(" ");
  assert.equal(command, "bin/tunicorn");
  const server = await startServer(t, ["-b", "127.0.0.1:0", ...args], { cwd: ROOT });
  assert.match(server.output, /http:\/\/127\.0\.0\.1:\d+/);
  assert.match((await ask(server.endpoint)).body, /href="\/module\/json"/);
  assert.match((await ask(server.endpoint, { path: "/module/json" })).body, /JSONEncoder/);
  assert.match((await ask(server.endpoint, { path: "/search?q=def+urlsplit" })).body, /urllib\.parse/);
  assert.match((await ask(server.endpoint, { path: "/source/json" })).body, /^r?"""/);
  await server.stop();
});

test("the Flask example serves", async (t) => {
  const server = await startServer(t, ["-b", "127.0.0.1:0", "app:app"], {
    cwd: join(ROOT, "examples/flask"),
  });
  assert.equal((await ask(server.endpoint, { path: "/?name=Ada" })).body, "Hello from Flask, Ada!\n");
  await server.stop();
});

test("the Django example keeps a note", async (t) => {
  const server = await startServer(t, ["-b", "127.0.0.1:0", "mysite.wsgi"], {
    cwd: join(ROOT, "examples/django"),
  });
  const page = await ask(server.endpoint);
  const token = /name="csrfmiddlewaretoken" value="(\w+)"/.exec(page.body)?.[1] ?? "";
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  const body = `csrfmiddlewaretoken=${token}&note=buy+milk`;
  const posted = await ask(server.endpoint, {
    method: "POST",
    headers: { ...form, Cookie: cookies(page) },
    body,
  });
  assert.equal(posted.status, 302);
  const again = await ask(server.endpoint, { headers: { Cookie: cookies(posted) } });
  assert.match(again.body, /<li>buy milk<\/li>/);
  await server.stop();
});

function cookies(reply: { readonly headers: { readonly "set-cookie"?: string[] | undefined } }): string {
  return (reply.headers["set-cookie"] ?? []).map((cookie) => cookie.split(";")[0]).join("; ");
}
