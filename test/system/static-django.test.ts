import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { APPS, PYTHON, type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

interface Project {
  readonly env: Readonly<Record<string, string>>;
}

/** With a source of static files, and what collectstatic makes of them if it is run. */
function project(t: TestContext, isCollected: boolean): Project {
  const folder = temporaryFolder(t, {
    "source/site.css": "body { color: red }",
    "media/photo.txt": "a photo",
  });
  const env = {
    TEST_STATIC_SOURCE: join(folder, "source"),
    TEST_STATIC_ROOT: join(folder, "collected"),
    TEST_MEDIA_ROOT: join(folder, "media"),
    DJANGO_SETTINGS_MODULE: "django_project.settings",
  };
  const words = ["-m", "django", "collectstatic", "--noinput", "-v0"];
  if (isCollected) execFileSync(PYTHON, words, { cwd: APPS, env: { ...process.env, ...env } });
  return { env };
}

async function start(t: TestContext, env: Project["env"], ...options: string[]): Promise<Server> {
  const args = ["-w", "1", "-b", "127.0.0.1:0", ...options, "django_project.wsgi:application"];
  const server = await startServer(t, args, { env });
  await server.logged(/Ready at/);
  return server;
}

describe("--static-django", () => {
  it("serves what collectstatic gathered below STATIC_URL, hashed names for ever", async (t) => {
    const { env } = project(t, true);
    const server = await start(t, env, "--static-django");
    const base = `http://127.0.0.1:${server.port}`;
    const path = await (await fetch(`${base}/where`)).text();
    assert.match(path, /^\/static\/site\.[0-9a-f]{12}\.css$/);
    const answer = await fetch(base + path);
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), "body { color: red }");
    assert.equal(answer.headers.get("content-type"), "text/css; charset=utf-8");
    const isHashed = /^\/static\/site\.(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])/.test(path);
    if (isHashed) assert.equal(answer.headers.get("cache-control"), "max-age=31536000, immutable");
    assert.equal((await fetch(`${base}/static/site.css`)).status, 200);
    assert.equal((await fetch(`${base}/static/`)).status, 404);
    assert.equal(
      (await fetch(`${base}/media/photo.txt`)).status,
      404,
      "Django's own, for media was not asked for",
    );
    assert.match(server.output, /serving Django's files.*\/static\//i);
  });

  it("serves media where that is asked for", async (t) => {
    const { env } = project(t, true);
    const server = await start(t, env, "--static-django=all");
    const answer = await fetch(`http://127.0.0.1:${server.port}/media/photo.txt`);
    assert.equal(await answer.text(), "a photo");
  });

  it("serves on while every worker is down", async (t) => {
    const { env } = project(t, true);
    const server = await start(t, env, "--static-django");
    const base = `http://127.0.0.1:${server.port}`;
    await Promise.allSettled([fetch(`${base}/end`)]);
    for (let round = 0; round < 20; round++) {
      assert.equal((await fetch(`${base}/static/site.css`)).status, 200);
    }
  });

  it("says to run collectstatic where nothing was collected", async (t) => {
    const { env } = project(t, false);
    const server = await start(t, env, "--static-django");
    await server.logged(/STATIC_ROOT is .* does not exist yet; run manage\.py collectstatic/);
    const unset = await start(t, { ...env, TEST_STATIC_ROOT: "" }, "--static-django");
    await unset.logged(/STATIC_ROOT is not set; set it and run manage\.py collectstatic/);
  });

  it("says so where there is no Django", async (t) => {
    const server = await startServer(t, ["-b", "127.0.0.1:0", "--static-django", "plain:hello"]);
    await server.logged(/--static-django: the application has not loaded Django/);
  });
});
