// Clients that leave, and servers that stop: the app hears of it within a second, and nothing that only waits holds a stop.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ask, RawClient } from "../harness/http-client.ts";
import { type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { CLOSE, closePayload, frame, WebSocketClient } from "../harness/web-socket-client.ts";

/** Issue 4, part 6. */
const NOTICE_MS = 1_000;
const GRACE = ["--stream-grace", "1", "--graceful-timeout", "3"];

async function start(t: TestContext, ...args: string[]): Promise<Server> {
  const server = await startServer(t, ["asgi.plain:app", "--host", "127.0.0.1", "--port", "0", ...args]);
  await server.logged(/Ready at/);
  return server;
}

function connect(t: TestContext, server: Server, request: string): RawClient {
  const client = new RawClient(server.endpoint);
  t.after(() => client.destroy());
  client.send(request);
  return client;
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

const WAYS: Readonly<Record<string, (client: RawClient) => void>> = {
  closes: (client) => client.destroy(),
  "sends FIN": (client) => client.end(),
  "sends RST": (client) => client.reset(),
};

for (const [name, leave] of Object.entries(WAYS)) {
  test(`a long poll whose client ${name} hears http.disconnect within a second`, async (t) => {
    const server = await start(t);
    const client = connect(t, server, get("/long-poll"));
    await server.logged(/^polling$/m, 5_000);
    leave(client);
    await server.logged(/^poll ended: http\.disconnect$/m, NOTICE_MS);
    await server.logged(/"GET \/long-poll HTTP\/1\.1" 499/, 5_000);
  });

  test(`an event stream whose client ${name} hears http.disconnect within a second`, async (t) => {
    const server = await start(t);
    const client = connect(t, server, get("/events"));
    await client.until(/data: first\n\n/);
    leave(client);
    await server.logged(/^events ended: http\.disconnect$/m, NOTICE_MS);
  });

  test(`an event stream that only sends gets an OSError when its client ${name}`, async (t) => {
    const server = await start(t);
    const client = connect(t, server, get("/no-listener"));
    await client.until(/data: tick\n\n/);
    leave(client);
    await server.logged(/^send raised OSError/m, NOTICE_MS);
    assert.doesNotMatch(server.output, /Traceback/);
  });

  test(`an upload whose client ${name} in its midst ends with http.disconnect`, async (t) => {
    const server = await start(t);
    const head = "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n";
    const client = connect(t, server, `${head}twenty bytes of them`);
    await ask(server.endpoint, { path: "/hello" });
    leave(client);
    await server.logged(/^upload broke off after \d+$/m, NOTICE_MS);
  });

  test(`a WebSocket whose client ${name} ends with 1006`, async (t) => {
    const server = await start(t);
    const client = new WebSocketClient(server.endpoint);
    t.after(() => client.destroy());
    await client.open({ path: "/ws" });
    leave(client.raw);
    await server.logged(/^websocket ended: 1006\b/m, NOTICE_MS);
  });
}

test("a client that sends FIN with its request still gets a quick answer", async (t) => {
  const server = await start(t);
  const client = connect(t, server, get("/hello"));
  client.end();
  assert.match(await client.untilClosed(), /Hello, world!\n$/);
});

test("a request that waits in line is dropped with 499 when its client sends FIN; a running WSGI one is answered", async (t) => {
  const gate = join(temporaryFolder(t), "gate");
  const args = ["-w", "1", "-b", "127.0.0.1:0", "--access-logfile", "-", "plain:unchecked"];
  const server = await startServer(t, args);
  await server.logged(/Ready at/);
  const running = connect(t, server, get(`/streaming?gate=${gate}`));
  await running.until(/first\n/);
  const waiting = connect(t, server, get("/hello?waits"));
  running.end();
  waiting.end();
  await server.logged(/"GET \/hello\?waits HTTP\/1\.1" 499/, 5_000);
  assert.equal(waiting.received, "");
  writeFileSync(gate, "");
  assert.match(await running.untilClosed(), /0\r\n\r\n$/);
});

test("work after the response goes on when the client has left", async (t) => {
  const server = await start(t);
  const client = connect(t, server, get("/after"));
  await client.until(/answered$/);
  client.reset();
  await server.logged(/^after: http\.disconnect$/m, NOTICE_MS);
  await server.logged(/^background is done$/m, 5_000);
});

test("--asgi-disconnect-grace-period cancels an app that goes on for nobody", async (t) => {
  const server = await startServer(t, [
    ...["asgi.faults:app", "--host", "127.0.0.1", "--port", "0", "--lifespan", "off"],
    ...["--asgi-disconnect-grace-period", "0.2", "--graceful-timeout", "2"],
  ]);
  await server.logged(/Ready at/);
  const client = connect(t, server, get("/swallow"));
  await server.logged(/^swallowing$/m, 5_000);
  client.destroy();
  await server.logged(/^swallowed a cancellation$/m, 5_000);
});

for (const signal of ["SIGTERM", "SIGHUP"] as const) {
  test(`${signal} is not held by event streams, long polls and WebSockets beyond their grace`, async (t) => {
    const server = await start(t, ...GRACE);
    const [old] = server.tree.workers;
    const events = connect(t, server, get("/events"));
    await events.until(/data: first\n\n/);
    const poll = connect(t, server, get("/long-poll"));
    await server.logged(/^polling$/m, 5_000);
    const [polite, silent] = [new WebSocketClient(server.endpoint), new WebSocketClient(server.endpoint)];
    for (const client of [polite, silent]) {
      t.after(() => client.destroy());
      await client.open({ path: "/ws" });
    }
    server.signal(signal);
    assert.match(await polite.closed(), /^1012/);
    polite.send(frame(CLOSE, closePayload(1012)));
    await polite.raw.untilClosed(5_000);
    await events.untilClosed(5_000);
    await server.logged(/^events ended: http\.disconnect$/m, 5_000);
    await server.logged(/^websocket ended: 1012[\s\S]*^websocket ended: 1012/m, 5_000);
    if (signal === "SIGTERM") {
      assert.equal((await server.exited(8_000)).code, 0);
      await server.assertNothingLeft();
      await poll.untilClosed(5_000);
    } else {
      await server.logged(new RegExp(`worker exited [^\\n]*\\bpid=${old}\\b`), 8_000);
      await server.logged(/^polling$[\s\S]*^polling$/m, 5_000); // idempotent and not answered: the next worker has it
    }
    assert.match(await silent.closed(), /^1012/);
  });
}

for (const signal of ["SIGTERM", "SIGHUP"] as const) {
  test(`${signal} lets an event stream say a last word and end in order`, async (t) => {
    const server = await start(t, ...GRACE);
    const client = connect(t, server, get("/farewell"));
    await client.until(/data: first\n\n/);
    server.signal(signal);
    await client.until(/data: goodbye\n\n\r\n0\r\n\r\n$/);
    if (signal === "SIGHUP") await server.logged(/worker exited/, 8_000);
    else assert.equal((await server.exited(8_000)).code, 0);
  });
}

test("an event stream of a WSGI app is told too, and ends in order", async (t) => {
  const server = await startServer(t, ["-b", "127.0.0.1:0", "--threads", "3", ...GRACE, "plain"]);
  const client = connect(t, server, get("/events"));
  await client.until(/data: tick\n\n/);
  server.signal("SIGHUP");
  await client.until(/data: goodbye\n\n\r\n0\r\n\r\n$/);
  await server.logged(/worker exited[^\n]*cause=reload/, 8_000);
  await server.stop();
});

test("a reload loses no request, whatever waits beside", async (t) => {
  const server = await start(t, ...GRACE);
  const gate = join(temporaryFolder(t), "gate");
  const slow = ask(server.endpoint, { path: `/slow?${gate}` });
  await server.logged(/^slow began$/m, 5_000);
  const before = (await ask(server.endpoint, { path: "/pid" })).body;
  server.signal("SIGHUP");
  await server.logged(/Ready at[\s\S]*(?:Ready|reload)/i);
  for (let after = before; after === before; ) after = (await ask(server.endpoint, { path: "/pid" })).body;
  writeFileSync(gate, "");
  assert.equal((await slow).body, "slow done");
  await server.stop();
});
