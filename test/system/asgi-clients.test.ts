// ASGI frameworks beyond plain requests, and clients that people use: WebSockets, Socket.IO, event streams, httpx's pool,
// files by pathsend, early hints, lifespan state, work after the response.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { ask, RawClient } from "../harness/http-client.ts";
import { runClient } from "../harness/python-client.ts";
import { type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { within } from "../harness/wait.ts";

const ANY_PORT = ["--host", "127.0.0.1", "--port", "0"];
const url = (server: Server, scheme: string): string => `${scheme}://127.0.0.1:${server.port}`;

for (const framework of ["FastAPI", "Starlette", "Django", "Litestar", "Quart"]) {
  test(`${framework} speaks WebSocket with Node's client`, async (t) => {
    const server = await startServer(t, [`asgi.${framework.toLowerCase()}_app:app`, ...ANY_PORT]);
    const client = new WebSocket(`${url(server, "ws")}/ws`, ["other", "chat"]);
    t.after(() => client.close());
    await opened(client);
    assert.equal(client.protocol, "chat");
    client.send("zoë");
    assert.equal(await message(client), "echo zoë");
    client.send("bye");
    const [closed] = (await within(5_000, "the close", once(client, "close"))) as [CloseEvent];
    assert.equal(closed.code, 4001);
    assert.equal(closed.reason, `bye, from ${framework}`);
    await server.stop();
  });
}

for (const framework of ["FastAPI", "Starlette", "Litestar", "Quart"]) {
  test(`${framework} works on after its response`, async (t) => {
    const server = await startServer(t, [`asgi.${framework.toLowerCase()}_app:app`, ...ANY_PORT]);
    assert.equal((await ask(server.endpoint, { path: "/background" })).body, "answered");
    await server.logged(new RegExp(`background work of ${framework} is done`), 5_000);
  });
}

test("an application hears how its WebSocket was closed", async (t) => {
  const server = await startServer(t, ["asgi.starlette_app:app", ...ANY_PORT]);
  const client = new WebSocket(`${url(server, "ws")}/ws`);
  await opened(client);
  client.close(3001, "tired");
  await server.logged(/Starlette: disconnected 3001 'tired'/, 5_000);
});

test("Channels' groups reach every WebSocket of a worker", async (t) => {
  const server = await startServer(t, ["asgi.django_app:app", ...ANY_PORT]);
  const clients = [1, 2, 3].map(() => new WebSocket(`${url(server, "ws")}/room`));
  t.after(() => {
    for (const client of clients) client.close();
  });
  assert.deepEqual(await Promise.all(clients.map(message)), ["welcome", "welcome", "welcome"]);
  const heard = Promise.all(clients.map(message));
  clients[1]?.send("to all");
  assert.deepEqual(await heard, ["to all", "to all", "to all"]);
});

test("the websockets library is served: subprotocol, deflate, fragments, ping, close, denial", async (t) => {
  const server = await startServer(t, ["asgi.starlette_app:app", ...ANY_PORT]);
  assert.deepEqual(await runClient("websockets_client", url(server, "ws")), {
    subprotocol: "chat",
    deflate: true,
    echoes: [true, true, true, true],
    ping_is_answered: true,
    closed: [4001, "bye, from Starlette"],
    denied: [402, "no seat", "come back later"],
  });
});

for (const [transports, transport] of [
  ["polling,websocket", "websocket"], // upgraded before connect() returns
  ["polling", "polling"],
  ["websocket", "websocket"],
] as const) {
  test(`python-socketio's client is served over ${transports}`, async (t) => {
    const server = await startServer(t, ["asgi.socketio_app:app", ...ANY_PORT, "--graceful-timeout", "1"]);
    assert.deepEqual(await runClient("socketio_client", url(server, "http"), transports), {
      welcome: { auth: { token: "t" }, transport },
      sum: 42,
      blob: 100_000,
      transport,
    });
  });
}

test("httpx is served over a pool of connections, with a body of unknown length", async (t) => {
  const server = await startServer(t, ["asgi.plain:app", ...ANY_PORT, "--workers", "2"]);
  assert.deepEqual(await runClient("httpx_client", url(server, "http")), {
    statuses: [200],
    bodies: 1,
    echo: true,
    head: [200, "14", ""],
  });
});

test("server-sent events flow at once, as a browser reads them, and end with their client", async (t) => {
  const server = await startServer(t, ["asgi.starlette_app:app", ...ANY_PORT]);
  const aborter = new AbortController();
  const response = await fetch(`${url(server, "http")}/ticks`, {
    headers: { Accept: "text/event-stream" },
    signal: aborter.signal,
  });
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assert.ok(response.body);
  const reader = response.body.getReader();
  let text = "";
  while (!/id: 2\ndata: tick 2\n\n/.test(text)) {
    const { value } = await within(5_000, "an event", reader.read());
    text += Buffer.from(value ?? []).toString();
  }
  assert.match(text, /^id: 0\ndata: tick 0\n\n/);
  aborter.abort();
  await server.logged(/Starlette: the events ended/, 1_500);
});

test("Starlette's files go by pathsend: whole, as ranges, and HEAD", async (t) => {
  const folder = temporaryFolder(t, { "data.bin": randomBytes(300_000).toString("hex") });
  const server = await startServer(t, ["asgi.starlette_app:app", ...ANY_PORT]);
  const path = `/file?path=${encodeURIComponent(join(folder, "data.bin"))}`;
  const whole = await ask(server.endpoint, { path });
  assert.equal(whole.body.length, 600_000);
  assert.equal(whole.headers["content-length"], "600000");
  const part = await ask(server.endpoint, { path, headers: { Range: "bytes=100-199" } });
  assert.equal(part.status, 206);
  assert.equal(part.body, whole.body.slice(100, 200));
  const head = await ask(server.endpoint, { path, method: "HEAD" });
  assert.deepEqual([head.status, head.headers["content-length"], head.body], [200, "600000", ""]);
  const none = await ask(server.endpoint, { path: "/file?path=%2Fno%2Fsuch%2Ffile" });
  assert.equal(none.status, 500);
});

test("Starlette's early hints come before the response", async (t) => {
  const server = await startServer(t, ["asgi.starlette_app:app", ...ANY_PORT]);
  const outgoing = request({ host: "127.0.0.1", port: server.port, path: "/hints", agent: false });
  const hinted = once(outgoing, "information");
  const answered = once(outgoing, "response");
  outgoing.end();
  const [information] = (await within(5_000, "103", hinted)) as [{ statusCode: number; headers: object }];
  assert.equal(information.statusCode, 103);
  assert.deepEqual(
    { ...information.headers },
    { link: "</style.css>; rel=preload; as=style, </code.js>; rel=preload" },
  );
  const [response] = await within(5_000, "200", answered);
  assert.equal(response.statusCode, 200);
  response.resume();
});

test("lifespan's state is copied for each request, and what is in it is shared", async (t) => {
  const server = await startServer(t, ["asgi.starlette_app:app", ...ANY_PORT, "--workers", "1"]);
  for (const counts of [1, 2, 3]) {
    const { body } = await ask(server.endpoint, { path: "/count" });
    assert.deepEqual(JSON.parse(body), { counts, is_fresh: true });
  }
  await server.stop();
  assert.match(server.output, /Starlette: lifespan began[\s\S]*Starlette: lifespan ended/);
});

test("trailers and zero-copy pieces reach the client", async (t) => {
  const folder = temporaryFolder(t, { "data.txt": "0123456789abcdefghij0123456789" });
  const server = await startServer(t, ["asgi.plain:app", ...ANY_PORT]);
  const client = new RawClient(server.endpoint);
  t.after(() => client.destroy());
  client.send("GET /trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n");
  assert.match(await client.until(/x-sum: 6\r\n\r\n$/i), /\r\n6\r\nsummed\r\n0\r\nx-sum: 6\r\n\r\n$/i);
  assert.equal((await ask(server.endpoint, { path: `/zero-copy?${folder}/data.txt` })).body, "abcdefghij");
});

async function opened(client: WebSocket): Promise<void> {
  await within(5_000, "the handshake", once(client, "open"));
}

async function message(client: WebSocket): Promise<unknown> {
  const [event] = (await within(5_000, "a message", once(client, "message"))) as [MessageEvent];
  return event.data;
}
