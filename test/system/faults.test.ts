// What an application does wrong while it answers: the client gets 500 or a clean break, the log tells, the worker lives.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, exchangeRaw } from "../harness/http-client.ts";
import { startServer } from "../harness/server.ts";

/** Nothing was sent yet: an answer of status 500, and what the log must say. */
const ANSWERED: Readonly<Record<string, RegExp>> = {
  "/raise-in-call": /ValueError: raised in the call/,
  "/raise-after-start": /ValueError: raised after start_response/,
  "/raise-while-iterating": /ValueError: raised before the first piece/,
  "/return-none": /None|not iterable/,
  "/yield-str": /bytes/,
  "/return-str": /bytes|str/,
  "/no-start": /start_response/,
  "/start-twice": /start_response|already/,
  "/deep": /RecursionError/,
  "/status-word": /status/i,
  "/status-number": /status/i,
  "/status-low": /status/i,
  "/status-crlf": /status/i,
  "/header-crlf": /X-Bad/,
  "/header-lf": /X-Bad/,
  "/header-nul": /X-Bad/,
  "/header-name": /X Bad/,
  "/header-name-empty": /header/i,
  "/header-name-colon": /X-Bad/,
  "/header-not-str": /X-Bad|str/,
  "/header-bytes": /X-Bad|str/,
  "/header-not-latin1": /X-Bad|latin/,
  "/length-not-a-number": /Content-Length/i,
  "/length-negative": /Content-Length/i,
  "/length-twice": /Content-Length/i,
};

/** Something was sent: the client must notice that it is not whole. */
const BROKEN: Readonly<Record<string, RegExp>> = {
  "/raise-after-first-piece": /ValueError: raised after the first piece/,
  "/body-too-short": /Content-Length|short/i,
};

for (const kind of ["sync", "gthread"]) {
  test(`faults of the application in ${kind} workers`, async (t) => {
    const server = await startServer(t, ["-w", "1", "-k", kind, "-b", "127.0.0.1:0", "faults"]);
    const pid = (await ask(server.endpoint, { path: "/fine" })).body;

    for (const [path, logged] of Object.entries(ANSWERED)) {
      await t.test(`${path} is answered with 500 and logged`, async () => {
        const before = server.output.length;
        const reply = await ask(server.endpoint, { path });
        assert.equal(reply.status, 500);
        assert.doesNotMatch(reply.body, /Traceback|ValueError|\.py/);
        assert.equal(reply.headers["x-evil"], undefined);
        await server.logged(new RegExp(`^[\\s\\S]{${before},}(?:${logged.source})`, logged.flags), 5_000);
      });
    }

    for (const [path, logged] of Object.entries(BROKEN)) {
      await t.test(`${path} is broken off and logged`, async () => {
        await assert.rejects(ask(server.endpoint, { path }));
        await server.logged(logged, 5_000);
      });
    }

    await t.test("bytes beyond Content-Length are not sent", async () => {
      const received = await exchangeRaw(
        server.endpoint,
        "GET /body-too-long HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      );
      assert.match(received, /\r\n\r\nfour$/);
    });

    await t.test("close() that raises spoils nothing that was sent", async () => {
      assert.equal((await ask(server.endpoint, { path: "/raise-in-close" })).body, "body");
      await server.logged(/ValueError: raised in close/, 5_000);
    });

    await t.test("the worker lived through all of it", async () => {
      assert.equal((await ask(server.endpoint, { path: "/fine" })).body, pid);
    });

    await t.test("SystemExit is answered, and ends the worker once another one is ready", async () => {
      assert.equal((await ask(server.endpoint, { path: "/system-exit" })).status, 500);
      await server.logged(new RegExp(`worker exited [^\\n]*\\bpid=${pid}\\b`));
      assert.equal((await ask(server.endpoint, { path: "/fine" })).status, 200);
    });

    for (const [path, cause] of [
      ["/die", /worker exited.*\bcode=7\b/],
      ["/kill", /worker exited.*SIGKILL/],
      ["/segfault", /worker exited.*SIGSEGV/],
    ] as const) {
      await t.test(
        `${path}: a POST that kills its worker gets 502, the death is named, the next request is served`,
        async () => {
          assert.equal((await ask(server.endpoint, { method: "POST", path, body: "x" })).status, 502);
          await server.logged(cause);
          assert.equal((await ask(server.endpoint, { path: "/fine" })).status, 200);
        },
      );
    }
    await server.stop();
  });
}
