// Each of uvicorn's flags on the command line and in its variable, and what it does here.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Config } from "../../../src/config/config.ts";
import { variableOf } from "../../../src/config/environment.ts";
import { ACCESS_FORMAT_DEFAULT, ACCESS_FORMAT_UVICORN } from "../../../src/config/settings/logging.ts";
import { FLAGS, isUvicornOnly } from "../../../src/config/settings.ts";
import { configFrom, type Env, loaded, problemsFrom } from "./support.ts";

type Effect = Partial<Config>;

/** Flags with a value. */
const VALUES: readonly (readonly [flag: string, value: string, effect: Effect])[] = [
  ["--host", "::1", { bind: [{ kind: "tcp", host: "::1", port: 8000 }] }],
  ["--port", "0", { bind: [{ kind: "tcp", host: "127.0.0.1", port: 0 }] }],
  ["--uds", "/run/a.sock", { bind: [{ kind: "unix", path: "/run/a.sock" }] }],
  ["--fd", "3", { bind: [{ kind: "fd", fd: 3 }] }],
  ["--workers", "4", { workers: 4 }],
  ["--loop", "uvloop", { loop: "uvloop" }],
  ["--loop", "my.loops:new_event_loop", { loop: "my.loops:new_event_loop" }],
  ["--ws", "none", { wsEnabled: false }],
  ["--ws", "wsproto", { wsEnabled: true }],
  ["--ws-max-size", "1000", { wsMaxSize: 1000 }],
  ["--ws-max-queue", "5", { wsMaxQueue: 5 }],
  ["--ws-ping-interval", "1.5", { wsPingIntervalMs: 1500 }],
  ["--ws-ping-timeout", "2", { wsPingTimeoutMs: 2000 }],
  ["--ws-per-message-deflate", "false", { wsPerMessageDeflate: false }],
  ["--lifespan", "on", { lifespan: "on" }],
  ["--interface", "asgi2", { interface: "asgi2", workerClass: "asgi" }],
  ["--interface", "wsgi", { interface: "wsgi", workerClass: "sync" }],
  ["--log-config", "log.yaml", { logConfig: "/srv/log.yaml" }],
  ["--log-level", "trace", { logLevel: "trace" }],
  ["--forwarded-allow-ips", "10.0.0.0/8,proxy", { forwardedAllowIps: ["10.0.0.0/8", "proxy"] }],
  ["--root-path", "/api/", { rootPath: "/api" }],
  ["--header", "X-A: b:c", { headers: [["x-a", "b:c"]] }],
  ["--limit-concurrency", "100", { limitConcurrency: 100 }],
  ["--backlog", "64", { backlog: 64 }],
  ["--timeout-keep-alive", "5", { keepAliveMs: 5000 }],
  ["--timeout-graceful-shutdown", "10", { gracefulTimeoutMs: 10_000 }],
  ["--h11-max-incomplete-event-size", "16384", { limitRequestHead: 16_384 }],
  ["--app-dir", "src", { pythonPath: ["/srv/src"] }],
];

/** Flags that say all by themselves; the second is the same said by a variable that is false. */
const SWITCHES: readonly (readonly [flag: string, opposite: string, effect: Effect])[] = [
  ["--access-log", "--no-access-log", { accessLog: "-" }],
  ["--no-access-log", "--access-log", { accessLog: "" }],
  ["--use-colors", "--no-use-colors", { useColors: "on" }],
  ["--no-use-colors", "--use-colors", { useColors: "off" }],
  ["--proxy-headers", "--no-proxy-headers", { proxyHeaders: "on" }],
  ["--no-proxy-headers", "--proxy-headers", { proxyHeaders: "off" }],
  ["--server-header", "--no-server-header", { serverHeader: true }],
  ["--no-server-header", "--server-header", { serverHeader: false }],
  ["--date-header", "--no-date-header", { dateHeader: true }],
  ["--no-date-header", "--date-header", { dateHeader: false }],
];

/** For as long as they are refused; what takes their place is tested with its feature. */
const LATER: readonly (readonly [flag: string, value: string, feature: RegExp])[] = [
  ["--http2", "", /HTTP\/2/],
  ["--limit-max-requests", "1000", /replacing workers/],
  ["--limit-max-requests-jitter", "10", /replacing workers/],
];

const INERT: readonly (readonly [flag: string, value: string])[] = [
  ["--http", "httptools"],
  ["--timeout-worker-healthcheck", "30"],
  ["--reset-contextvars", ""],
  ["--ssl-version", "17"],
];

function sameIn(config: Config, effect: Effect): void {
  for (const [name, value] of Object.entries(effect)) {
    assert.deepEqual(config[name as keyof Config], value, name); // an Effect's names are Config's
  }
}

describe("uvicorn's flag", () => {
  for (const [flag, value, effect] of VALUES) {
    it(`${flag} ${value}`, () => {
      sameIn(configFrom([flag, value, "a"]), effect);
      sameIn(configFrom([`${flag}=${value}`, "a"]), effect);
      const quoted = flag === "--header" ? `'${value}'` : value;
      sameIn(configFrom("a", { [variableOf("UVICORN", flag)]: quoted }), effect);
    });
  }

  for (const [flag, opposite, effect] of SWITCHES) {
    it(`${flag}, and a variable that is true or whose opposite is false`, () => {
      sameIn(configFrom([flag, "a"]), effect);
      sameIn(configFrom("a", { [variableOf("UVICORN", flag)]: "true" }), effect);
      sameIn(configFrom("a", { [variableOf("UVICORN", opposite)]: "false" }), effect);
    });
  }

  for (const [flag, value, feature] of LATER) {
    if (FLAGS.get(flag)?.setting.status.kind !== "refused") continue;
    it(`${flag} is refused by naming the feature`, () => {
      const argv = value === "" ? [flag, "a"] : [flag, value, "a"];
      const [problem = "", ...others] = problemsFrom(argv);
      assert.deepEqual(others, []);
      assert.ok(problem.startsWith(flag) && feature.test(problem), problem);
      const variable = variableOf("UVICORN", flag);
      const [fromVariable = ""] = problemsFrom("a", { [variable]: value === "" ? "true" : value });
      assert.ok(fromVariable.startsWith(`$${variable}: `) && feature.test(fromVariable), fromVariable);
    });
  }

  for (const [flag, value] of INERT) {
    it(`${flag} is taken with a warning`, () => {
      const argv = value === "" ? [flag, "a"] : [flag, value, "a"];
      const { warnings } = loaded(argv);
      assert.equal(warnings.length, 1);
      assert.ok(warnings[0]?.startsWith(`${flag} has no effect: `) === true, String(warnings));
    });
  }

  it("--factory makes APP a call", () => {
    assert.equal(configFrom("main:make --factory").app, "main:make()");
    assert.equal(configFrom("main:make", { UVICORN_FACTORY: "true" }).app, "main:make()");
  });

  it("--header can be given several times, in one variable too", () => {
    const expected = [
      ["x-a", "1"],
      ["x-b", "2 3"],
    ];
    assert.deepEqual(configFrom(["--header", "X-A:1", "--header", "X-B:2 3", "a"]).headers, expected);
    assert.deepEqual(configFrom("a", { UVICORN_HEADER: "X-A:1 'X-B:2 3'" }).headers, expected);
  });

  for (const header of [
    "X",
    ":v",
    "X Y:1",
    "X:a\r\nY:b",
    "X:a\0",
    "X:日",
    "Content-Length:3",
    "Transfer-Encoding:chunked",
  ]) {
    it(`--header ${JSON.stringify(header)} is refused`, () => {
      assert.match(problemsFrom(["--header", header, "a"])[0] ?? "", /expected NAME:VALUE/);
    });
  }

  it("--loop names a loop or a factory", () => {
    assert.match(problemsFrom("--loop trio a")[0] ?? "", /expected auto, asyncio, uvloop, or MODULE:FACTORY/);
  });

  it("--root-path begins with a slash", () => {
    assert.match(problemsFrom("--root-path api a")[0] ?? "", /expected a path that begins with \//);
  });
});

describe("settings of ASGI and WebSocket", () => {
  it("have uvicorn's defaults, but for what is bounded here", () => {
    sameIn(configFrom("a"), {
      loop: "auto",
      lifespan: "auto",
      lifespanTimeoutMs: 120_000,
      lifespanShutdownTimeoutMs: 30_000,
      asgiDisconnectGraceMs: 0,
      rootPath: "",
      wsEnabled: true,
      wsMaxSize: 16_777_216,
      wsMaxQueue: 32,
      wsPingIntervalMs: 20_000,
      wsPingTimeoutMs: 20_000,
      wsPerMessageDeflate: true,
      wsAllowedOrigins: [],
      proxyHeaders: "auto",
      limitConcurrency: 0,
      headers: [],
      useColors: "auto",
    });
  });

  it("take gunicorn's flags as well", () => {
    sameIn(
      configFrom(
        "--asgi-loop asyncio --asgi-lifespan off --asgi-disconnect-grace-period 3 --websocket-max-message-size 1M --worker-connections 50 a",
      ),
      {
        loop: "asyncio",
        lifespan: "off",
        asgiDisconnectGraceMs: 3000,
        wsMaxSize: 2 ** 20,
        workerConnections: 50,
      },
    );
  });

  it("bound lifespan's start by the boot's", () => {
    assert.equal(configFrom("--lifespan-timeout 10 a").lifespanTimeoutMs, 10_000);
    assert.equal(configFrom("--lifespan-timeout 10m a").lifespanTimeoutMs, 120_000);
    assert.equal(configFrom("--lifespan-timeout 10m --boot-timeout 1h a").lifespanTimeoutMs, 600_000);
  });

  it("allow origins as browsers write them", () => {
    const origins = "https://Example.org,http://[::1]:8000 --ws-allowed-origins null";
    assert.deepEqual(configFrom(`--ws-allowed-origins ${origins} a`).wsAllowedOrigins, [
      "https://example.org",
      "http://[::1]:8000",
      "null",
    ]);
    assert.match(problemsFrom("--ws-allowed-origins example.org a")[0] ?? "", /expected an origin/);
    assert.match(problemsFrom("--ws-allowed-origins https://a/b a")[0] ?? "", /expected an origin/);
  });
});

describe("whose habits hold for the access log", () => {
  const GUNICORN = { accessLog: "-", accessLogFormat: ACCESS_FORMAT_DEFAULT };
  const UVICORN = { accessLog: "-", accessLogFormat: ACCESS_FORMAT_UVICORN };
  const OFF = { accessLog: "" };

  for (const [command, env, effect] of [
    ["a", {}, OFF],
    ["-w 4 -b :1 a", {}, OFF],
    ["-k uvicorn.workers.UvicornWorker -b :1 a", {}, OFF],
    ["--workers 4 --log-level info a", {}, OFF],
    ["a", { TUNICORN_HOST: "::1" }, OFF],
    ["a", { PORT: "80", WEB_CONCURRENCY: "2" }, OFF],
    ["--port 80 a", {}, UVICORN],
    ["-w 4 --host 0.0.0.0 a", {}, UVICORN],
    ["m:a --factory", {}, { ...UVICORN, app: "m:a()" }],
    ["a", { UVICORN_WORKERS: "2" }, UVICORN],
    ["", { UVICORN_APP: "a" }, UVICORN],
    ["a", { GUNICORN_CMD_ARGS: "--lifespan off" }, UVICORN],
    ["--access-log a", {}, UVICORN],
    ["--no-access-log a", {}, OFF],
    ["--port 80 --no-access-log a", {}, OFF],
    ["--port 80 a", { UVICORN_ACCESS_LOG: "false" }, OFF],
    ["--port 80 --log-level warning a", {}, OFF],
    ["--port 80 --log-level debug a", {}, UVICORN],
    ["--access-logfile - a", {}, GUNICORN],
    ["--access-logfile - --log-level error a", {}, GUNICORN],
    ["--port 80 --access-logfile - a", {}, GUNICORN],
    ["--port 80 --access-logformat %(s)s a", {}, { accessLog: "-", accessLogFormat: "%(s)s" }],
    ["--port 80 --access-logfile x.log a", {}, { ...GUNICORN, accessLog: "/srv/x.log" }],
  ] as readonly (readonly [string, Env, Effect])[]) {
    it(`is decided by ${command} ${JSON.stringify(env)}`, () => {
      sameIn(configFrom(command, env), effect);
    });
  }

  it("takes a flag for uvicorn's only where gunicorn has none of that name", () => {
    for (const flag of ["--host", "--port", "--lifespan", "--no-server-header", "--timeout-keep-alive"])
      assert.ok(isUvicornOnly(flag), flag);
    for (const flag of [
      "--workers",
      "--backlog",
      "--root-path",
      "--log-level",
      "--reload",
      "--bind",
      "--nonsense",
    ])
      assert.ok(!isUvicornOnly(flag), flag);
  });
});
