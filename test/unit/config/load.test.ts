import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { layerOf } from "../../../src/config/layer.ts";
import { configOf, loadConfig } from "../../../src/config/load.ts";
import type { Problem } from "../../../src/config/problem.ts";
import { SETTING_ROWS } from "../../../src/config/settings.ts";
import { configFrom, load, loaded, problemsFrom } from "./support.ts";

describe("precedence", () => {
  const everywhere = {
    WEB_CONCURRENCY: "2",
    UVICORN_WORKERS: "3",
    GUNICORN_CMD_ARGS: "--workers 4",
    TUNICORN_WORKERS: "5",
  };

  it("goes from the default through the variables to the command line", () => {
    const { GUNICORN_CMD_ARGS, ...withoutArgs } = everywhere;
    const { TUNICORN_WORKERS, ...withoutOwn } = everywhere;
    assert.equal(GUNICORN_CMD_ARGS + TUNICORN_WORKERS, "--workers 45");
    assert.equal(configFrom("a").workers, 1);
    assert.equal(configFrom("a", { WEB_CONCURRENCY: "2" }).workers, 2);
    assert.equal(configFrom("a", { WEB_CONCURRENCY: "2", UVICORN_WORKERS: "3" }).workers, 3);
    assert.equal(configFrom("a", withoutOwn).workers, 4);
    assert.equal(configFrom("a", withoutArgs).workers, 5);
    assert.equal(configFrom("-w 6 a", everywhere).workers, 6);
  });

  it("puts configuration files between the platform's variables and the others", () => {
    const problems: Problem[] = [];
    const file = layerOf(
      "gunicorn.conf.py",
      { workers: 7, keepalive: 5, bind: [":1", ":2"], raw_env: ["A=1"] },
      problems,
    );
    const sources = {
      argv: ["a"],
      cwd: "/srv",
      files: [file],
      countWorkers: () => ({ workers: 1, arithmetic: "" }),
    };
    const weak = loadConfig({ ...sources, env: { WEB_CONCURRENCY: "2" } });
    const strong = loadConfig({ ...sources, env: { UVICORN_WORKERS: "3" } });
    assert.ok(weak.ok && strong.ok);
    assert.deepEqual(problems, []);
    assert.equal(weak.config.workers, 7);
    assert.equal(strong.config.workers, 3);
    assert.equal(weak.config.keepAliveMs, 5000);
    assert.equal(weak.config.bind.length, 2);
    assert.equal(weak.origins.workers.text, "gunicorn.conf.py: workers");
  });

  it("says which names of a configuration file it does not know", () => {
    const problems: Problem[] = [];
    layerOf("f.py", { worker: 7 }, problems);
    assert.deepEqual(problems, [
      { where: "f.py: worker", given: undefined, reason: "no such setting; did you mean workers?" },
    ]);
  });

  it("reads several values of a variable as words, and truth for switches", () => {
    const env = { TUNICORN_BIND: ":1 'unix:/a b'", TUNICORN_ENV: "A=1 B='x y'", UVICORN_ACCESS_LOG: "true" };
    const config = configFrom("a", { ...env, TUNICORN_NO_DATE_HEADER: "1", UVICORN_SERVER_HEADER: "off" });
    assert.deepEqual(config.bind[1], { kind: "unix", path: "/a b" });
    assert.deepEqual(config.env[1], ["B", "x y"]);
    assert.deepEqual([config.accessLog, config.dateHeader, config.serverHeader], ["-", false, false]);
    const opposite = configFrom("a", { UVICORN_ACCESS_LOG: "false", TUNICORN_NO_DATE_HEADER: "0" });
    assert.deepEqual([opposite.accessLog, opposite.dateHeader], ["", true]);
  });

  it("takes no notice of empty variables", () => {
    const config = configFrom("a", {
      WEB_CONCURRENCY: "",
      PORT: "",
      TUNICORN_WORKERS: "",
      GUNICORN_CMD_ARGS: "",
    });
    assert.equal(config.workers, 1);
  });

  it("remembers where each value came from", () => {
    const { origins } = loaded("-w 6 a", { ...everywhere, UVICORN_BACKLOG: "9" });
    assert.equal(origins.workers.text, "-w");
    assert.equal(origins.backlog.text, "$UVICORN_BACKLOG");
    assert.equal(origins.threads.text, "default");
  });

  it("replaces a list from a weaker place instead of adding to it", () => {
    assert.equal(configFrom("-b :1 a", { GUNICORN_CMD_ARGS: "-b :2 -b :3" }).bind.length, 1);
  });
});

describe("validation", () => {
  it("reports everything at once", () => {
    const problems = problemsFrom(
      "--wrokers 4 -w x --threads 0 -b 8000 --graceful-timeout=-3 --header-map keep a",
      {
        GUNICORN_CMD_ARGS: "--backlog no",
        PORT: "http",
        TUNICORN_DATE_HEADER: "perhaps",
      },
    );
    for (const expected of [
      /^--wrokers: no such option/,
      /^-w "x": expected a whole number, 1 to 1024, two such numbers as in 2..8, or auto$/,
      /^--threads "0": expected a whole number, 1 to 1024$/,
      /^-b: "8000": a port alone is written :8000/,
      /^--graceful-timeout "-3": expected a length of time/,
      /^--header-map "keep": expected drop, refuse or dangerous$/,
      /^\$GUNICORN_CMD_ARGS --backlog "no": expected a whole number/,
      /^\$PORT "http": expected a port/,
      /^\$TUNICORN_DATE_HEADER "perhaps": expected true or false$/,
    ]) {
      assert.ok(
        problems.some((problem) => expected.test(problem)),
        `${expected} in\n${problems.join("\n")}`,
      );
    }
    assert.equal(problems.length, 9);
  });

  it("refuses each setting whose feature does not exist, with one line that names the feature", () => {
    let checked = 0;
    for (const [, setting] of SETTING_ROWS) {
      if (setting.status.kind !== "refused") continue;
      const flag = setting.flags.at(-1) ?? setting.uvicorn?.[0];
      if (flag === undefined) continue;
      const isSwitch = setting.type.placeholder === "";
      const given =
        setting.fixed?.[flag] !== undefined ? flag : isSwitch ? `${flag}=${!setting.byDefault}` : `${flag}=9`;
      const problems = problemsFrom([given, "a"]);
      assert.equal(problems.length, 1, `${given}: ${problems.join(" ")}`);
      assert.match(problems[0] ?? "", /^--?[\w-]+: .+ does not exist in this release/);
      checked += 1;
    }
    assert.ok(checked > 0, String(checked));
  });

  it("takes a refused setting's value that asks for nothing", () => {
    configFrom("--max-requests 0 --timeout 0 --http-protocols h1 --reload-engine auto a");
  });

  it("warns of settings without a meaning here", () => {
    const { warnings } = loaded("--worker-tmp-dir /dev/shm --http-parser fast a");
    assert.equal(warnings.length, 2);
    assert.ok(warnings.every((warning) => /^--[\w-]+ has no effect: /.test(warning)));
    assert.deepEqual(loaded("--http-parser auto a").warnings, []);
  });

  it("warns of a mistyped variable of its own, and leaves others alone", () => {
    assert.deepEqual(loaded("a", { TUNICORN_WROKERS: "4", TUNICORN_MY_APPS_SECRET: "x" }).warnings, [
      "$TUNICORN_WROKERS is no setting; did you mean $TUNICORN_WORKERS?",
    ]);
  });

  it("reports a quote left open in GUNICORN_CMD_ARGS", () => {
    assert.match(problemsFrom("a", { GUNICORN_CMD_ARGS: "--name 'x" })[0] ?? "", /quote is left open/);
  });
});

describe("worker classes", () => {
  for (const [command, expected] of [
    ["a", "auto"],
    ["-k auto a", "auto"],
    ["--threads 1 a", "auto"],
    ["--threads 4 a", "gthread"],
    ["-k sync a", "sync"],
    ["-k sync --threads 4 a", "gthread"],
    ["-k gthread a", "gthread"],
    ["-k gunicorn.workers.gthread.ThreadWorker a", "gthread"],
    ["-k asgi a", "asgi"],
    ["-k gunicorn.workers.gasgi.ASGIWorker a", "asgi"],
    ["-k uvicorn.workers.UvicornWorker a", "asgi"],
    ["-k uvicorn.workers.UvicornH11Worker a", "asgi"],
    ["-k uvicorn_worker.UvicornWorker a", "asgi"],
    ["--interface wsgi a", "sync"],
    ["--interface wsgi --threads 4 a", "gthread"],
    ["--interface asgi3 a", "asgi"],
    ["--interface asgi2 -k asgi a", "asgi"],
  ] as const) {
    it(`understands ${command}`, () => assert.equal(configFrom(command).workerClass, expected));
  }

  for (const [name, reason] of [
    ["gevent", /gevent workers do not exist here; use gthread/],
    ["gunicorn.workers.ggevent.GeventWorker", /gevent workers do not exist here; use gthread/],
    ["eventlet", /eventlet workers do not exist here/],
    ["tornado", /tornado workers do not exist here/],
    ["app.workers.DjangoUvicornWorker", /say asgi, and what its CONFIG_KWARGS hold as options/],
    ["geventwebsocket.gunicorn.workers.GeventWebSocketWorker", /WebSockets come to ASGI applications/],
    ["egg:meinheld#gunicorn_worker", /a server of its own; use gthread/],
    ["sanic.worker.GunicornWorker", /an ASGI application: say asgi/],
    ["aiohttp.GunicornWebWorker", /speaks HTTP itself/],
    ["my.own.Worker", /expected auto, sync, gthread or asgi/],
    ["__proto__", /expected auto, sync, gthread or asgi/],
  ] as const) {
    it(`refuses ${name} with a reason`, () => assert.match(problemsFrom(["-k", name, "a"])[0] ?? "", reason));
  }

  it("refuses a worker class that cannot run the interface", () => {
    for (const [command, message] of [
      ["-k uvicorn.workers.UvicornWorker --interface wsgi a", "asgi runs no WSGI application"],
      ["-k sync --interface asgi3 a", "sync runs no ASGI application"],
      ["-k gthread --interface asgi2 a", "gthread runs no ASGI application"],
    ] as const) {
      const [problem = "", ...others] = problemsFrom(command);
      assert.deepEqual(others, []);
      assert.ok(problem.endsWith(message), problem);
    }
  });

  it("starts an asgi worker that was given threads, and says that they mean nothing to it", () => {
    assert.match(
      loaded("-k uvicorn.workers.UvicornWorker --threads 4 a").warnings[0] ?? "",
      /^--threads has no effect: /,
    );
  });
});

describe("where to listen", () => {
  const tcp = (host: string, port: number): unknown => ({ kind: "tcp", host, port });
  for (const [command, env, expected] of [
    ["a", {}, tcp("127.0.0.1", 8000)],
    ["a", { PORT: "5000" }, tcp("0.0.0.0", 5000)],
    ["-b :1 a", { PORT: "5000" }, tcp("0.0.0.0", 1)],
    ["--port 9 a", {}, tcp("127.0.0.1", 9)],
    ["--host 0.0.0.0 a", {}, tcp("0.0.0.0", 8000)],
    ["--host 0.0.0.0 a", { PORT: "5000" }, tcp("0.0.0.0", 5000)],
    ["--host :: --port 80 a", {}, tcp("::", 80)],
    ["a", { UVICORN_HOST: "::1", UVICORN_PORT: "0" }, tcp("::1", 0)],
    ["--uds run/a.sock a", {}, { kind: "unix", path: "/srv/run/a.sock" }],
    ["--fd 3 a", {}, { kind: "fd", fd: 3 }],
    ["--port 9 a", { GUNICORN_CMD_ARGS: "-b :1" }, tcp("127.0.0.1", 9)],
    ["-b :1 a", { UVICORN_PORT: "9" }, tcp("0.0.0.0", 1)],
    ["-b unix:a.sock --chdir app a", {}, { kind: "unix", path: "/srv/app/a.sock" }],
    ["-b unix:@a a", {}, { kind: "unix", path: "@a" }],
  ] as const) {
    it(`is decided by ${command} ${JSON.stringify(env)}`, () => {
      assert.deepEqual(configFrom(command, env).bind, [expected]);
    });
  }

  it("is said in gunicorn's or uvicorn's way, not in both at once", () => {
    assert.deepEqual(problemsFrom("-b :1 --port 9 a"), ["-b: cannot be used together with --port"]);
    assert.match(problemsFrom("--uds x --port 9 a")[0] ?? "", /give only one of/);
  });

  for (const [command, mode] of [
    ["a", 0o660],
    ["--umask 0 a", 0o777],
    ["-m 0o007 a", 0o770],
    ["-m 0x3f a", 0o700],
    ["-m 0 --socket-mode 600 a", 0o600],
  ] as const) {
    it(`gives Unix sockets a mode by ${command}`, () =>
      assert.equal(configFrom(command).unixSocket.mode, mode));
  }

  it("splits a socket's owner", () => {
    assert.deepEqual(configFrom("--socket-owner www-data:web a").unixSocket, {
      mode: 0o660,
      user: "www-data",
      group: "web",
    });
    assert.equal(configFrom("--socket-owner :web a").unixSocket.group, "web");
  });
});

describe("config", () => {
  it("is frozen to the bottom", () => {
    const config = configFrom("-b :1 -e A=1 a");
    const isFrozen = (value: unknown): boolean =>
      typeof value !== "object" ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(isFrozen));
    assert.ok(isFrozen(config));
  });

  it("survives the way to another process as JSON", () => {
    const config = configFrom("-b :1 -e A=1 a");
    assert.deepEqual(JSON.parse(JSON.stringify(config)), config);
  });

  it("has absolute folders and files, relative ones being below --chdir", () => {
    const config = configFrom(
      "--chdir app --pythonpath lib,/opt/x --access-logfile a.log --python .venv/bin/python a",
    );
    assert.equal(config.chdir, "/srv/app");
    assert.deepEqual(config.pythonPath, ["/srv/app/lib", "/opt/x"]);
    assert.equal(config.accessLog, "/srv/app/a.log");
    assert.equal(config.python, "/srv/.venv/bin/python");
    assert.equal(configFrom("--python python3.11 a").python, "python3.11");
  });

  it("turns --factory into a call", () => {
    assert.equal(configFrom("--factory app:make").app, "app:make()");
    assert.equal(configFrom("--factory app:make(1)").app, "app:make(1)");
    assert.match(problemsFrom("--factory app")[0] ?? "", /expected APP as MODULE:FUNCTION/);
  });

  it("takes SCRIPT_NAME from the flag, the application's environment, or its own", () => {
    assert.equal(configFrom("a", { SCRIPT_NAME: "/env/" }).scriptName, "/env");
    assert.equal(configFrom("-e SCRIPT_NAME=/app a", { SCRIPT_NAME: "/env" }).scriptName, "/app");
    assert.equal(configFrom("--script-name /flag -e SCRIPT_NAME=/app a").scriptName, "/flag");
  });

  it("counts workers only when asked to", () => {
    assert.deepEqual(loaded("-w 2 a").notes, []);
    assert.deepEqual(loaded("-w auto a").notes, ["six"]);
    assert.equal(configFrom("a", { WEB_CONCURRENCY: "auto" }).workers, 6);
  });

  it("trusts the proxies it is told to", () => {
    assert.deepEqual(configFrom("a", { FORWARDED_ALLOW_IPS: "10.0.0.0/8, ::1" }).forwardedAllowIps, [
      "10.0.0.0/8",
      "::1",
    ]);
    assert.deepEqual(configFrom("--forwarded-allow-ips * a").forwardedAllowIps, ["*"]);
    assert.match(
      problemsFrom("--forwarded-allow-ips 10.0.0.0/33 a")[0] ?? "",
      /"10.0.0.0\/33": expected an IP address/,
    );
  });

  it("reads headers that mean https", () => {
    const config = configFrom("--secure-scheme-header x-proto=https --secure-scheme-header X-SSL=on a");
    assert.deepEqual(config.secureSchemeHeaders, { "X-PROTO": "https", "X-SSL": "on" });
    assert.match(problemsFrom("--secure-scheme-header nonsense a")[0] ?? "", /expected HEADER=VALUE/);
  });

  it("reads 0 as the largest limit of a request head", () => {
    const config = configFrom(
      "--limit-request-line 0 --limit-request-field_size 0 --limit-request-fields 0 a",
    );
    assert.deepEqual(
      [config.limitRequestLine, config.limitRequestFieldSize, config.limitRequestFields],
      [65536, 65536, 32768],
    );
  });

  it("refuses an access log format with an unknown atom", () => {
    assert.match(
      problemsFrom(["--access-logformat", "%(h)s %(z)s", "a"])[0] ?? "",
      /at "%\(z\)s": expected an atom/,
    );
  });

  it("is made of defaults for tests", () => {
    assert.equal(configOf().keepAliveMs, 75_000);
    assert.equal(configOf({ threads: 3 }).threads, 3);
  });

  it("never throws, whatever it is given", () => {
    const words = [
      "-",
      "--",
      "-w",
      "--workers",
      "--=",
      "=",
      "-=",
      "--workers=",
      "-wauto",
      "\0",
      "a",
      "-b",
      "--header-map",
      "--no-",
      "-DD",
      "é",
    ];
    let seed = 42;
    const next = (n: number): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed % n;
    };
    for (let i = 0; i < 2000; i++) {
      const argv = Array.from({ length: next(6) }, () => words[next(words.length)] ?? "");
      load(argv, { GUNICORN_CMD_ARGS: argv.join(" "), PORT: argv[0] ?? "" });
    }
  });
});
