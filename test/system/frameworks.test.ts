// Real frameworks, unchanged: nine routes that use what frameworks use of PEP 3333 (those behind wsgiref.validate) and of ASGI.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { type Ask, ask } from "../harness/http-client.ts";
import { startServer } from "../harness/server.ts";

/** Name → what is served. */
const FRAMEWORKS: Readonly<Record<string, string>> = {
  Flask: "flask_app",
  "Django (WSGI)": "django_app",
  Pyramid: "pyramid_app",
  Bottle: "bottle_app",
  Falcon: "falcon_app",
  FastAPI: "asgi.fastapi_app:app",
  Starlette: "asgi.starlette_app:app",
  "Django (ASGI)": "asgi.django_app:app",
  Litestar: "asgi.litestar_app:app",
  Quart: "asgi.quart_app:app",
};
const HOST = "example.test:8000";

for (const [framework, target] of Object.entries(FRAMEWORKS)) {
  test(`${framework} applications are served unchanged`, async (t) => {
    const server = await startServer(t, ["-w", "1", "-b", "127.0.0.1:0", target]);
    const fetchPage = (options: Ask): ReturnType<typeof ask> =>
      ask(server.endpoint, { ...options, headers: { Host: HOST, ...options.headers } });

    await t.test("a plain view", async () => {
      const reply = await fetchPage({ path: "/" });
      assert.equal(reply.status, 200);
      assert.equal(reply.body, `hello from ${framework.split(" ")[0]}`);
    });

    await t.test("a path that is not ASCII", async () => {
      const reply = await fetchPage({ path: "/hello/zo%C3%AB%20%2b" });
      assert.equal(Buffer.from(reply.body, "latin1").toString(), "hello zoë +");
    });

    await t.test("query, scheme and host", async () => {
      const { body } = await fetchPage({ path: "/json?q=%C3%A9" });
      const parsed: unknown = JSON.parse(Buffer.from(body, "latin1").toString());
      assert.deepEqual(parsed, { query: "é", scheme: "http", host: HOST });
    });

    await t.test("a form", async () => {
      const form = { "Content-Type": "application/x-www-form-urlencoded" };
      const reply = await fetchPage({ method: "POST", path: "/form", headers: form, body: "field=a+value" });
      assert.equal(reply.body, "field=a value");
    });

    await t.test("a file upload beyond every memory limit", async () => {
      const file = randomBytes(3_000_000);
      const reply = await fetchPage({ method: "POST", path: "/upload", ...(await multipart(file)) });
      assert.equal(reply.body, sha256(file));
    });

    await t.test("a chunked body", async () => {
      const body = randomBytes(200_000);
      const headers = { "Transfer-Encoding": "chunked" };
      const reply = await fetchPage({ method: "POST", path: "/raw", headers, body });
      assert.equal(reply.body, sha256(body));
    });

    await t.test("a streamed response", async () => {
      const reply = await fetchPage({ path: "/stream" });
      assert.equal(reply.body, "piece 0\npiece 1\npiece 2\n");
      assert.equal(reply.headers["transfer-encoding"], "chunked");
    });

    await t.test("a redirect", async () => {
      const reply = await fetchPage({ path: "/redirect" });
      assert.match(String(reply.status), /^30[23]$/);
      assert.match(reply.headers.location ?? "", /\/hello\/there$/);
    });

    await t.test("a view that raises", async () => {
      const reply = await fetchPage({ path: "/error" });
      assert.equal(reply.status, 500);
      assert.doesNotMatch(reply.body, /Traceback/);
      await server.logged(/RuntimeError: a view raised/);
    });

    await t.test("HEAD and an unknown path", async () => {
      assert.equal((await fetchPage({ method: "HEAD", path: "/" })).body, "");
      assert.equal((await fetchPage({ path: "/no/such/page" })).status, 404);
    });
  });
}

async function multipart(file: Uint8Array<ArrayBuffer>): Promise<Pick<Ask, "headers" | "body">> {
  const form = new FormData();
  form.set("file", new Blob([file]), "file.bin");
  const encoded = new Response(form);
  return {
    headers: { "Content-Type": encoded.headers.get("content-type") ?? "" },
    body: new Uint8Array(await encoded.arrayBuffer()),
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
