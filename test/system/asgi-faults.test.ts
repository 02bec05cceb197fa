// What an ASGI application does wrong: its client gets an answer or a clean break in bounded time, the log says what and where,
// the worker lives.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ask, RawClient, statuses } from "../harness/http-client.ts";
import { type Server, startServer } from "../harness/server.ts";
import { eventually } from "../harness/wait.ts";
import { handshake, WebSocketClient } from "../harness/web-socket-client.ts";

async function start(t: TestContext, ...args: string[]): Promise<Server> {
  const fixed = ["asgi.faults:app", "--host", "127.0.0.1", "--port", "0", "--lifespan", "off"];
  const server = await startServer(t, [...fixed, "--graceful-timeout", "2", ...args]);
  await server.logged(/Ready at/);
  return server;
}

/** Nothing was sent yet: 500, and what the log must say. */
const ANSWERED: Readonly<Record<string, RegExp>> = {
  "/raise-at-once": /ValueError: raised at once/,
  "/raise-after-receive": /ValueError: raised after receive/,
  "/raise-after-start": /ValueError: raised after the start/,
  "/nothing": /returned without sending a response/,
  "/start-only": /returned without/,
  "/start-twice": /http\.response\.start/,
  "/body-first": /http\.response\.body/,
  "/unknown-type": /http\.response\.nonsense/,
  "/no-type": /KeyError: 'type'|no type/,
  "/not-a-dict": /TypeError/,
  "/text-body": /bytes/,
  "/status-text": /status/,
  "/status-low": /status/,
  "/status-none": /status/,
  "/header-crlf": /x-bad/i,
  "/header-lf": /x-bad/i,
  "/header-nul": /x-bad/i,
  "/header-name": /x bad/i,
  "/header-name-empty": /header/i,
  "/header-name-crlf": /x-bad/i,
  "/header-int": /x-bad|bytes/i,
  "/header-single": /header|ValueError|TypeError/i,
  "/headers-none": /TypeError/,
  "/length-word": /content-length/i,
  "/length-negative": /content-length/i,
  "/length-twice": /content-length/i,
  "/deep": /RecursionError/,
};

/** Something was sent: the client must notice that it is not whole. */
const BROKEN: Readonly<Record<string, RegExp>> = {
  "/raise-after-piece": /ValueError: raised after the first piece/,
  "/no-end": /returned without finishing its response/,
  "/too-short": /Content-Length/,
};

/** The answer was complete: its client has it, and the log has the rest. */
const COMPLETE: Readonly<Record<string, RegExp>> = {
  "/raise-after-end": /ValueError: raised after the end/,
  "/answer-twice": /http\.response\.start/,
  "/too-long": /Content-Length/,
  "/raise-in-task": /ValueError: raised in a task/,
};

test("faults of an ASGI application in HTTP", async (t) => {
  const server = await start(t);
  const pid = (await ask(server.endpoint, { path: "/fine" })).body;
  const loggedSince = (before: number, pattern: RegExp): Promise<string> =>
    server.logged(new RegExp(`^[\\s\\S]{${before},}(?:${pattern.source})`, pattern.flags), 5_000);

  for (const [path, pattern] of Object.entries(ANSWERED)) {
    await t.test(`${path} is answered with 500 and logged`, async () => {
      const before = server.output.length;
      const reply = await ask(server.endpoint, { path });
      assert.equal(reply.status, 500);
      assert.doesNotMatch(reply.body, /Traceback|Error:|\.py/);
      assert.equal(reply.headers["x-evil"], undefined);
      await loggedSince(before, pattern);
      await loggedSince(before, new RegExp(`GET ${path}`));
    });
  }

  for (const [path, pattern] of Object.entries(BROKEN)) {
    await t.test(`${path} is broken off and logged`, async () => {
      const before = server.output.length;
      await assert.rejects(ask(server.endpoint, { path }));
      await loggedSince(before, pattern);
    });
  }

  for (const [path, pattern] of Object.entries(COMPLETE)) {
    await t.test(`${path} spoils no answer and is logged`, async () => {
      const before = server.output.length;
      assert.equal((await ask(server.endpoint, { path })).status, 200);
      await loggedSince(before, pattern);
    });
  }

  await t.test("the worker lived through all of it", async () => {
    assert.equal((await ask(server.endpoint, { path: "/fine" })).body, pid);
  });

  await t.test("a client that leaves an app that never returns is heard, and others are served", async () => {
    const client = new RawClient(server.endpoint);
    client.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.equal((await ask(server.endpoint, { path: "/fine" })).status, 200);
    client.destroy();
    await server.logged(/"GET \/never HTTP\/1\.1" 499/, 5_000);
  });

  await t.test("SystemExit is answered, and ends the worker once another one is ready", async () => {
    assert.equal((await ask(server.endpoint, { path: "/system-exit" })).status, 500);
    await server.logged(new RegExp(`worker exited [^\\n]*\\bpid=${pid}\\b`));
    assert.equal((await ask(server.endpoint, { path: "/fine" })).status, 200);
  });

  for (const [path, cause] of [
    ["/die", /worker exited.*\bcode=7\b/],
    ["/kill", /worker exited.*SIGKILL/],
  ] as const) {
    await t.test(`${path}: a POST that kills its worker gets 502, and the next one is served`, async () => {
      assert.equal((await ask(server.endpoint, { method: "POST", path, body: "x" })).status, 502);
      await server.logged(cause);
      assert.equal((await ask(server.endpoint, { path: "/fine" })).status, 200);
    });
  }
});

/** Path → what the handshake gets, or with what code the open WebSocket is closed; and what the log must say. */
const WEB_SOCKETS: Readonly<Record<string, readonly [outcome: number, logged: RegExp]>> = {
  "/raise-at-once": [500, /ValueError: raised before accept/],
  "/nothing": [500, /returned without accepting or closing/],
  "/send-first": [500, /websocket\.send/],
  "/accept-twice": [1011, /websocket\.accept/],
  "/raise-after-accept": [1011, /ValueError: raised after accept/],
  "/return-after-accept": [1000, /Ready/],
  "/both": [1011, /text or bytes/],
  "/neither": [1011, /text or bytes/],
  "/code": [1011, /1005/],
  "/subprotocol": [500, /subprotocol/],
  "/header": [500, /x-bad/],
  "/after-close": [1000, /websocket\.send/],
  "/denial-half": [500, /returned without|denial/],
};

test("faults of an ASGI application in a WebSocket", async (t) => {
  const server = await start(t);
  const pid = (await ask(server.endpoint, { path: "/fine" })).body;
  for (const [path, [outcome, pattern]] of Object.entries(WEB_SOCKETS)) {
    await t.test(`${path} ends with ${outcome} and is logged`, async () => {
      const client = new WebSocketClient(server.endpoint);
      try {
        if (outcome < 1000) {
          client.raw.send(handshake({ path }));
          const received = await client.raw.untilClosed(5_000);
          assert.deepEqual(statuses(received), [outcome]);
          assert.doesNotMatch(received, /x-evil/i);
        } else {
          assert.match(await client.open({ path }), /^HTTP\/1\.1 101 /);
          assert.match(await client.closed(), new RegExp(`^${outcome}\\b`));
        }
        await server.logged(pattern, 5_000);
      } finally {
        client.destroy();
      }
    });
  }
  assert.equal((await ask(server.endpoint, { path: "/fine" })).body, pid);
});

test("a stop is bounded by its grace although an app never returns and another swallows its cancellation", async (t) => {
  const server = await start(t);
  const clients = ["/never", "/swallow"].map((path) => {
    const client = new RawClient(server.endpoint);
    t.after(() => client.destroy());
    client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    return client;
  });
  await server.logged(/^swallowing$/m, 5_000);
  server.signal("SIGTERM");
  const exit = await server.exited(8_000);
  assert.equal(exit.code, 0);
  assert.match(exit.output, /still run.*GET \/swallow/);
  assert.match(exit.output, /did not end:[\s\S]*faults\.py.*swallow/);
  for (const client of clients) await client.untilClosed(1_000);
  await server.assertNothingLeft();
});

test("a blocked event loop is reported with the line that blocks it, and others are served meanwhile", async (t) => {
  const server = await start(t, "--workers", "2", "--loop-blocked", "0.3");
  const blocked = ask(server.endpoint, { path: "/block" });
  await server.logged(/event loop has been blocked[\s\S]*faults\.py", line \d+, in block_for/, 5_000);
  await Promise.all(Array.from({ length: 20 }, () => ask(server.endpoint, { path: "/fine" })));
  assert.equal((await blocked).status, 200);
  await server.logged(/event loop runs again after/, 5_000);
});

test("--limit-concurrency answers 503 beyond, at once, and serves again afterwards", async (t) => {
  const server = await startServer(t, [
    ...["asgi.plain:app", "--host", "127.0.0.1", "--port", "0", "--workers", "1", "--limit-concurrency", "3"],
    ...["--graceful-timeout", "2"],
  ]);
  await server.logged(/Ready at/);
  const clients = [1, 2, 3].map(() => {
    const client = new RawClient(server.endpoint);
    t.after(() => client.destroy());
    client.send("GET /long-poll HTTP/1.1\r\nHost: a\r\n\r\n");
    return client;
  });
  await server.logged(/(?:^polling$[\s\S]*){3}/m, 5_000);
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 503);
  clients[0]?.destroy();
  await server.logged(/^poll ended/m, 5_000);
  await eventually(
    5_000,
    "room",
    async () => (await ask(server.endpoint, { path: "/hello" })).status === 200,
  );
});
