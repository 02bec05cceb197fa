// gunicorn.conf.py, its hooks and Python's logging settings, as a user of gunicorn brings them along.

import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ask, type Endpoint } from "../harness/http-client.ts";
import { runTunicorn, Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const APP = `
import os, sys
def app(environ, start_response):
    print("printed by the app", flush=True)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [os.environ.get("GREETING", "none").encode()]
`;
const DEADLINE_MS = 10_000;

/** Says each hook with its process, so that a test can tell where it ran. */
const HOOKS = `
import os
bind = "127.0.0.1:0"
workers = 2
wsgi_app = "app:app"
raw_env = ["GREETING=hello"]
def say(text):
    with open("hooks.log", "a") as file:
        file.write(f"{text}\\n")
def on_starting(server): say(f"on_starting master={os.getpid()} workers={server.cfg.workers}")
def when_ready(server): say(f"when_ready master={os.getpid()} port={server.address[0][1]}")
def nworkers_changed(server, new, old): say(f"nworkers_changed {new} {old}")
def on_reload(server): say("on_reload")
def pre_fork(server, worker): say(f"pre_fork master={os.getpid()} age={worker.age}")
def post_fork(server, worker): say(f"post_fork worker={worker.pid} master={worker.ppid}")
def post_worker_init(worker): say(f"post_worker_init worker={os.getpid()} {callable(worker.wsgi)}")
def pre_request(worker, req): say(f"pre_request {req.method} {req.path} {dict(req.headers)['X-ASK']}")
def post_request(worker, req, environ, resp): say(f"post_request {resp.status} {environ['PATH_INFO']}")
def worker_int(worker): say(f"worker_int worker={os.getpid()}")
def worker_exit(server, worker): say(f"worker_exit worker={os.getpid()}")
def child_exit(server, worker): say(f"child_exit master={os.getpid()} worker={worker.pid} {worker.pid in server.WORKERS}")
def pre_exec(server): say(f"pre_exec master={os.getpid()} server={server.pid}")
def on_exit(server): say(f"on_exit master={os.getpid()}")
`;

const hooksIn = (folder: string): string => readFileSync(join(folder, "hooks.log"), "latin1");

const saysHook = (folder: string, pattern: RegExp): Promise<true> =>
  eventually(DEADLINE_MS, `${pattern} among the hooks`, () => pattern.test(hooksIn(folder)) || undefined);

function withFiles(t: TestContext, files: Readonly<Record<string, string>>): string {
  return temporaryFolder(t, { "app.py": APP, ...files });
}

async function start(t: TestContext, folder: string, args: readonly string[] = []): Promise<Server> {
  const server = await startServer(t, args, { cwd: folder });
  await server.logged(/Ready at/);
  return server;
}

test("the default file sets what is served, and every hook is called where gunicorn calls it", async (t) => {
  const folder = withFiles(t, { "gunicorn.conf.py": HOOKS });
  const server = await start(t, folder);
  const reply = await ask(server.endpoint, { path: "/a", headers: { "x-ask": "me" } });
  assert.equal(reply.body, "hello");
  await server.stop();
  const log = hooksIn(folder);
  const [, master] = /on_starting master=(\d+) workers=2/.exec(log) ?? [];
  assert.ok(master !== undefined && Number(master) !== server.pid, log);
  assert.match(log, new RegExp(`when_ready master=${master} port=${server.port}`));
  assert.match(log, /nworkers_changed 2 None/);
  assert.equal([...log.matchAll(new RegExp(`pre_fork master=${master}`, "g"))].length, 2);
  const workers = [...log.matchAll(/post_fork worker=(\d+) master=(\d+)/g)];
  assert.deepEqual(
    workers.map(([, , parent]) => parent),
    [master, master],
  );
  for (const [, worker] of workers) {
    assert.match(log, new RegExp(`post_worker_init worker=${worker} True`));
    assert.match(log, new RegExp(`worker_exit worker=${worker}`));
    assert.match(log, new RegExp(`child_exit master=${master} worker=${worker} False`));
  }
  assert.match(log, /pre_request GET \/a me\npost_request 200 OK \/a\n/);
  assert.match(log, new RegExp(`on_exit master=${master}\n$`), "on_exit is the last word");
});

test("hooks get at the application and the user as with gunicorn", async (t) => {
  const conf = `
import os
bind = "127.0.0.1:0"
user = "0" if os.getuid() == 0 else None
wsgi_app = "app:app"
raw_env = ["GREETING=hello"]
def say(text):
    with open("hooks.log", "a") as file:
        file.write(f"{text}\\n")
def when_ready(server): say(f"when_ready {server.app.wsgi().__name__} in {os.getpid()}")
def post_fork(server, worker): say(f"post_fork {worker.app.wsgi().__name__} in {os.getppid()}")
def post_worker_init(worker): say(f"same {worker.wsgi is worker.app.callable} uid {worker.cfg.uid == os.getuid()}")
def worker_exit(server, worker): say(f"nr {worker.nr} {server.master_name}")
`;
  const folder = withFiles(t, {
    "gunicorn.conf.py": conf,
    "app.py": `${APP}\nwith open("hooks.log", "a") as file:\n    file.write("imported\\n")\n`,
  });
  const server = await start(t, folder);
  for (let i = 0; i < 3; i += 1) await ask(server.endpoint, { path: "/" });
  await server.stop();
  const log = hooksIn(folder);
  const [, master] = /^imported\nwhen_ready app in (\d+)$/m.exec(log) ?? [];
  assert.equal(
    log,
    `imported\nwhen_ready app in ${master}\npost_fork app in ${master}\nsame True uid True\nnr 3 Master\n`,
  );
});

test("a quick stop calls worker_int, and TTIN tells the new number of workers", async (t) => {
  const folder = withFiles(t, { "gunicorn.conf.py": HOOKS });
  const server = await start(t, folder);
  server.signal("SIGTTIN");
  await saysHook(folder, /nworkers_changed 3 2/);
  await server.stop("SIGINT");
  assert.match(hooksIn(folder), /worker_int worker=\d+/);
});

test("USR2 calls pre_exec in the old server's master before the new one's on_starting", async (t) => {
  const folder = withFiles(t, { "gunicorn.conf.py": HOOKS });
  const server = await start(t, folder, ["-p", "pid"]);
  const [, master] = /on_starting master=(\d+)/.exec(hooksIn(folder)) ?? [];
  server.signal("SIGUSR2");
  await server.logged(/Ready at[\s\S]*Ready at/);
  const expected = new RegExp(`pre_exec master=${master} server=${server.pid}\n[\\s\\S]*on_starting`);
  assert.match(hooksIn(folder), expected);
  process.kill(Number(readFileSync(join(folder, "pid.2"), "latin1")), "SIGTERM");
  await server.logged(/the new server ended: this one goes on/);
  await server.stop();
});

test("the command line is stronger than the file, and the file than the platform's variables", async (t) => {
  const folder = withFiles(t, { "conf/prod.py": 'workers = 2\nbind = "127.0.0.1:0"\nthreads = 3\n' });
  const args = ["-c", "conf/prod.py", "--threads", "2", "--print-config", "app:app"];
  const exit = await runTunicorn(t, args, { cwd: folder, env: { WEB_CONCURRENCY: "5" } });
  assert.equal(exit.code, 0, exit.output);
  assert.match(exit.output, /^workers += 2 +# conf\/prod\.py: workers$/m);
  assert.match(exit.output, /^threads += 2 +# --threads$/m);
});

test("the file can be named in GUNICORN_CMD_ARGS, and be a module", async (t) => {
  const folder = withFiles(t, { "proj/__init__.py": "", "proj/conf.py": "workers = 4\n" });
  const env = { GUNICORN_CMD_ARGS: "-c python:proj.conf" };
  const exit = await runTunicorn(t, ["--print-config", "app:app"], { cwd: folder, env });
  assert.match(exit.output, /^workers += 4 +# proj\.conf: workers$/m);
});

test("all that is wrong with the file is told at once, exit code 1", async (t) => {
  const text = "workers = 'many'\nkeepalive = object()\nworkerz = 1\ndef pre_fork(): pass\n";
  const folder = withFiles(t, { "gunicorn.conf.py": text });
  const exit = await runTunicorn(t, ["app:app"], { cwd: folder });
  assert.equal(exit.code, 1, exit.output);
  assert.match(exit.output, /gunicorn\.conf\.py: workers "many": expected/);
  assert.match(exit.output, /gunicorn\.conf\.py: keepalive "<object/);
  assert.match(exit.output, /gunicorn\.conf\.py: pre_fork: expected a function of 2 arguments/);
});

test("a file that raises ends the start with its traceback and exit code 1", async (t) => {
  const folder = withFiles(t, { "gunicorn.conf.py": "import no_such_package\n" });
  const exit = await runTunicorn(t, ["app:app"], { cwd: folder });
  assert.equal(exit.code, 1);
  assert.match(exit.output, /gunicorn\.conf\.py", line 1/);
  assert.match(exit.output, /is no_such_package installed for/);
});

test("a file that is not there is exit code 1", async (t) => {
  const exit = await runTunicorn(t, ["-c", "nowhere.py", "app:app"], { cwd: withFiles(t, {}) });
  assert.equal(exit.code, 1);
  assert.match(exit.output, /nowhere\.py cannot be read/);
});

test("HUP reads the file again: workers, environment and hooks are the new ones", async (t) => {
  const folder = withFiles(t, { "gunicorn.conf.py": HOOKS });
  const server = await start(t, folder);
  const changed = HOOKS.replace("GREETING=hello", "GREETING=changed").replace("workers = 2", "workers = 1");
  writeFileSync(join(folder, "gunicorn.conf.py"), changed);
  server.signal("SIGHUP");
  await server.logged(/reload finished/);
  await eventually(DEADLINE_MS, "the new workers serve", async () => {
    return (await ask(server.endpoint, { headers: { "x-ask": "me" } })).body === "changed";
  });
  assert.match(hooksIn(folder), /^nworkers_changed 1 2\non_reload$/m);
  await server.stop();
  const exits = [...hooksIn(folder).matchAll(/on_exit/g)];
  assert.equal(exits.length, 1, "one on_exit, of the last generation");
});

test("HUP with a broken file keeps what serves, and a mended one is taken", async (t) => {
  const folder = withFiles(t, { "gunicorn.conf.py": HOOKS });
  const server = await start(t, folder);
  writeFileSync(join(folder, "gunicorn.conf.py"), "workers = = 2\n");
  server.signal("SIGHUP");
  const output = await server.logged(/reload failed/);
  // The traceback stands below its line, as one reads it.
  assert.match(output, /\[ERROR\] the configuration file .* failed: SyntaxError.*\n +File ".*", line 1\n/);
  const headers = { "x-ask": "me" };
  assert.equal((await ask(server.endpoint, { headers })).body, "hello");
  writeFileSync(join(folder, "gunicorn.conf.py"), HOOKS.replace("hello", "mended"));
  server.signal("SIGHUP");
  await server.logged(/reload finished/);
  await eventually(DEADLINE_MS, "the mended one serves", async () => {
    return (await ask(server.endpoint, { headers })).body === "mended";
  });
  await server.stop();
});

test("HUP says which changes wait for a new start, and what it is warned of", async (t) => {
  const folder = withFiles(t, { "gunicorn.conf.py": HOOKS });
  const server = await start(t, folder);
  writeFileSync(join(folder, "gunicorn.conf.py"), `${HOOKS}\nkeepalive = 77\nbacklog = 5\nworkerz = 1\n`);
  server.signal("SIGHUP");
  const output = await server.logged(/reload finished/);
  assert.match(output, /only after a new start settings=backlog\b/);
  assert.match(output, /workerz is no setting/);
  await server.stop();
});

test("on_starting that raises ends the start with exit code 1, post_fork that raises with 3", async (t) => {
  for (const [hook, code] of [
    ["on_starting(server)", 1],
    ["post_fork(server, worker)", 3],
  ] as const) {
    const text = `bind = "127.0.0.1:0"\ndef ${hook}: raise RuntimeError("no luck")\n`;
    const folder = withFiles(t, { "gunicorn.conf.py": text });
    const exit = await runTunicorn(t, ["app:app"], { cwd: folder });
    assert.equal(exit.code, code, exit.output);
    assert.match(exit.output, /RuntimeError: no luck/);
  }
});

test("SIGABRT calls worker_abort, then the worker ends", async (t) => {
  const text = `${HOOKS}\ndef worker_abort(worker): say(f"worker_abort worker={worker.pid}")\n`;
  const folder = withFiles(t, { "gunicorn.conf.py": text });
  const server = await start(t, folder);
  const worker = /post_fork worker=(\d+)/.exec(hooksIn(folder))?.[1];
  process.kill(Number(worker), "SIGABRT");
  await saysHook(folder, new RegExp(`worker_abort worker=${worker}`));
  await saysHook(folder, new RegExp(`child_exit master=\\d+ worker=${worker}`));
  await server.stop();
});

test("tunicorn.toml configures without code, HUP reads it again, and its faults have lines", async (t) => {
  const toml = (greeting: string): string =>
    `wsgi_app = "app:app"\nbind = ["127.0.0.1:0"]\nworkers = 2\nraw_env = ["GREETING=${greeting}"]\n`;
  const folder = withFiles(t, { "tunicorn.toml": toml("from toml") });
  const server = await start(t, folder);
  assert.equal((await ask(server.endpoint)).body, "from toml");
  writeFileSync(join(folder, "tunicorn.toml"), "workers = 0\n");
  server.signal("SIGHUP");
  assert.match(await server.logged(/reload failed/), /tunicorn\.toml:1:1: workers/);
  writeFileSync(join(folder, "tunicorn.toml"), toml("changed"));
  server.signal("SIGHUP");
  await eventually(DEADLINE_MS, "the new workers serve", async () => {
    return (await ask(server.endpoint)).body === "changed";
  });
  await server.stop();
});

test("--check-config reads the file and calls no hook of the server", async (t) => {
  const folder = withFiles(t, { "gunicorn.conf.py": HOOKS, "hooks.log": "" });
  const exit = await runTunicorn(t, ["--check-config"], { cwd: folder });
  assert.equal(exit.code, 0, exit.output);
  assert.doesNotMatch(hooksIn(folder), /on_starting|when_ready|on_exit/);
});

const PROMETHEUS_CONF = `
import os
bind = "127.0.0.1:0"
workers = 2
raw_env = ["PROMETHEUS_MULTIPROC_DIR=metrics"]
os.environ["PROMETHEUS_MULTIPROC_DIR"] = "metrics"
from prometheus_client import multiprocess
def child_exit(server, worker):
    multiprocess.mark_process_dead(worker.pid)
`;
const PROMETHEUS_APP = `
import os
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest, multiprocess
COUNT = Counter("asked", "requests")
ALIVE = Gauge("alive_workers", "workers", multiprocess_mode="liveall")
ALIVE.set(1)
def app(environ, start_response):
    COUNT.inc()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [generate_latest(registry)]
`;

test("prometheus_client counts over all workers, and child_exit takes the dead ones out", async (t) => {
  const folder = temporaryFolder(t, {
    "gunicorn.conf.py": PROMETHEUS_CONF,
    "app.py": PROMETHEUS_APP,
    "metrics/.keep": "",
  });
  const server = await start(t, folder, ["app:app"]);
  const alive = async (): Promise<number> => {
    const { body } = await ask(server.endpoint);
    return [...body.matchAll(/^alive_workers\{pid="\d+"\} 1\.0$/gm)].length;
  };
  for (let i = 0; i < 9; i++) await ask(server.endpoint);
  assert.match((await ask(server.endpoint)).body, /^asked_total 10\.0$/m);
  assert.equal(await alive(), 2);
  server.signal("SIGHUP");
  await server.logged(/reload finished/);
  await eventually(DEADLINE_MS, "only the new workers are alive", async () => (await alive()) === 2);
  await server.stop();
});

const LOG_DICT = `
import logging
class Shout(logging.Formatter):
    def format(self, record):
        return "SHOUT " + super().format(record).upper()
bind = "127.0.0.1:0"
logconfig_dict = {
    "formatters": {"shout": {"()": Shout, "format": "%(name)s %(message)s"}},
    "handlers": {"file": {"class": "logging.FileHandler", "filename": "app.log", "formatter": "shout"}},
    "root": {"handlers": ["file"], "level": "INFO"},
    "loggers": {"gunicorn.error": {"handlers": ["file"], "propagate": False, "level": "INFO"}},
}
def post_worker_init(worker):
    worker.log.info("said by a hook")
    logging.getLogger("anything").warning("said by the app")
`;

test("logconfig_dict is applied in the workers, with its own classes", async (t) => {
  const folder = withFiles(t, { "gunicorn.conf.py": LOG_DICT });
  const server = await start(t, folder, ["app:app"]);
  const log = readFileSync(join(folder, "app.log"), "utf8");
  assert.match(log, /SHOUT GUNICORN\.ERROR SAID BY A HOOK/);
  assert.match(log, /SHOUT ANYTHING SAID BY THE APP/);
  await server.stop();
});

const LOGGER_CLASS = `
import logging
bind = "127.0.0.1:0"
class Mine:
    def __init__(self, cfg):
        self.cfg = cfg
        self.error_log = logging.getLogger("gunicorn.error")
        handler = logging.FileHandler("mine.log")
        handler.setFormatter(logging.Formatter("MINE %(message)s"))
        self.error_log.handlers[:] = [handler]
        self.info = self.error_log.info
logger_class = Mine
def post_worker_init(worker):
    worker.log.info("said to my logger")
`;

test("worker_exit is called in the workers' parent for a worker that was killed", async (t) => {
  const folder = withFiles(t, { "gunicorn.conf.py": HOOKS });
  const server = await start(t, folder);
  const [, worker] = /post_worker_init worker=(\d+)/.exec(hooksIn(folder)) ?? [];
  const [, master] = /on_starting master=(\d+)/.exec(hooksIn(folder)) ?? [];
  process.kill(Number(worker), "SIGKILL");
  await saysHook(
    folder,
    new RegExp(`worker_exit worker=${master}\nchild_exit master=${master} worker=${worker}`),
  );
  await server.stop();
});

test("C code that holds the interpreter is shown although worker_abort is set", async (t) => {
  const app = `
import re
def app(environ, start_response):
    hold_interpreter()
def hold_interpreter():
    re.match(r"(a+)+$", "a" * 64 + "b")
`;
  const conf = 'bind = "127.0.0.1:0"\ntimeout = 1\ndef worker_abort(worker): pass\n';
  const folder = withFiles(t, { "app.py": app, "gunicorn.conf.py": conf });
  const server = await start(t, folder, ["app:app"]);
  assert.equal((await ask(server.endpoint)).status, 504);
  await server.logged(/hold_interpreter/);
  // Regular expressions look for signals now and then: then the hook has its turn, and the worker ends before it is killed.
  await server.logged(/cause=request-timeout[^\n]*(?:signal=SIGKILL|code=1)/);
  await server.stop();
});

test("a logger class whose access method is not called is warned of, once", async (t) => {
  const text =
    "class Mine:\n    def __init__(self, cfg): pass\n    def access(self, resp, req, environ, time): pass\n";
  const folder = withFiles(t, { "mine.py": text });
  const server = await start(t, folder, ["-b", "127.0.0.1:0", "--logger-class", "mine.Mine", "app:app"]);
  assert.equal(
    [...server.output.matchAll(/method access of the logger class mine\.Mine is not called/g)].length,
    1,
  );
  await server.stop();
});

test("--env-file is read again at HUP, and one that is gone keeps what serves", async (t) => {
  const folder = withFiles(t, { "shop.env": "GREETING=first\n" });
  const server = await start(t, folder, ["-b", "127.0.0.1:0", "--env-file", "shop.env", "app:app"]);
  const greeting = async (): Promise<string> => (await ask(server.endpoint)).body;
  assert.equal(await greeting(), "first");
  writeFileSync(join(folder, "shop.env"), "GREETING=second\n");
  server.signal("SIGHUP");
  await eventually(DEADLINE_MS, "the second file", async () => (await greeting()) === "second" || undefined);
  rmSync(join(folder, "shop.env"));
  server.signal("SIGHUP");
  await server.logged(/shop\.env[^\n]*the file cannot be read/);
  assert.equal(await greeting(), "second");
  await server.stop();
});

test("a logger class that needs no gunicorn is used; one that does is warned of", async (t) => {
  const folder = withFiles(t, { "gunicorn.conf.py": LOGGER_CLASS });
  const server = await start(t, folder, ["app:app"]);
  assert.match(readFileSync(join(folder, "mine.log"), "utf8"), /MINE said to my logger/);
  await server.stop();
  const text = "from gunicorn.glogging import Logger\nclass Theirs(Logger): pass\n";
  const other = withFiles(t, { "theirs.py": text });
  const second = await start(t, other, ["-b", "127.0.0.1:0", "--logger-class", "theirs.Theirs", "app:app"]);
  const warnings = [...second.output.matchAll(/logger class theirs\.Theirs cannot be used/g)];
  assert.equal(warnings.length, 1, second.output);
  assert.match(second.output, /is gunicorn installed for/);
  await second.stop();
});

test("a logger class that adds its handler, as gunicorn's does, writes each line once", async (t) => {
  const text = `
import logging, sys
class Adds:
    def __init__(self, cfg):
        self.error_log = logging.getLogger("gunicorn.error")
        for handler in [one for one in self.error_log.handlers if hasattr(one, "mine")]:
            self.error_log.removeHandler(handler)
        handler = logging.StreamHandler(sys.stderr)
        handler.mine = True
        self.error_log.addHandler(handler)
`;
  const app = `${APP}\nimport logging\nlogging.getLogger("gunicorn.error").warning("said once")\n`;
  const folder = withFiles(t, { "adds.py": text, "app.py": app });
  const server = await start(t, folder, ["-b", "127.0.0.1:0", "--logger-class", "adds.Adds", "app:app"]);
  await server.stop();
  assert.equal(server.output.split("said once").length - 1, 1, server.output);
});

test("--capture-output sends what the app prints to the error log's file", async (t) => {
  const folder = withFiles(t, {});
  const args = ["-b", "127.0.0.1:0", "--capture-output", "--error-logfile", "error.log", "app:app"];
  const log = (): string => readFileSync(join(folder, "error.log"), "utf8");
  await ask(await startWithLogFile(t, folder, args, log));
  await eventually(DEADLINE_MS, "the app's line", () => log().includes("printed by the app") || undefined);
});

/** The log says where it listens, and the log is a file here. */
async function startWithLogFile(
  t: TestContext,
  folder: string,
  args: readonly string[],
  log: () => string,
): Promise<Endpoint> {
  writeFileSync(join(folder, "error.log"), "");
  const server = new Server(args, { cwd: folder });
  t.after(() => server.destroy());
  const listening = /Listening at: http:\/\/127\.0\.0\.1:(\d+)/;
  const port = await eventually(DEADLINE_MS, "a listening line", () => listening.exec(log())?.[1]);
  return { port: Number(port) };
}
