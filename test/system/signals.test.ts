// What operators do to a running server by signals and process files, with gunicorn's meanings.

import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { Load } from "../harness/load.ts";
import { PYTHON, runTunicorn, Server, type StartOptions, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const ANY_PORT = ["-b", "127.0.0.1:0"];
const WAIT_MS = 10_000;

function pidIn(path: string): number {
  return existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}

test("the pid file is the server's, refuses a second one, replaces a stale one and goes at the end", async (t) => {
  const path = join(temporaryFolder(t), "pid");
  writeFileSync(path, "4194304\n"); // more than there can be
  const server = await startServer(t, [...ANY_PORT, "-p", path, "plain"]);
  assert.equal(pidIn(path), server.pid);
  const second = await runTunicorn(t, [...ANY_PORT, "-p", path, "plain"]);
  assert.equal(second.code, 1, second.output);
  assert.match(second.output, new RegExp(`already running with pid ${server.pid}`));
  assert.equal(pidIn(path), server.pid);
  await server.stop();
  assert.ok(!existsSync(path));
});

test("a pid file that cannot be had, or a user that is not there, ends the start with one clear line", async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "pid"));
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["-p", join(folder, "pid")], /cannot write the pid file .*: EISDIR/],
    [["-p", join(folder, "none/pid")], /cannot write the pid file .*: ENOENT/],
    [["-u", "nobody-of-that-name"], /there is no user nobody-of-that-name here/],
    [["-g", "no-group-of-that-name"], /there is no group no-group-of-that-name here/],
  ];
  for (const [args, reason] of cases) {
    const { code, output } = await runTunicorn(t, [...ANY_PORT, ...args, "plain"]);
    assert.equal(code, 1, output);
    assert.match(output, reason);
  }
  assert.deepEqual(readdirSync(folder), ["pid"]);
});

async function upgraded(server: Server, path: string): Promise<number> {
  server.signal("SIGUSR2");
  await eventually(WAIT_MS, "a second pid file", () => pidIn(`${path}.2`) > 0);
  await server.logged(/Ready at[\s\S]*Ready at/);
  return pidIn(`${path}.2`);
}

test("USR2 starts a new server on the same sockets, and TERM to the old one makes it the only one", async (t) => {
  const folder = temporaryFolder(t);
  const [path, socket] = [join(folder, "pid"), join(folder, "socket")];
  const server = await startServer(t, [...ANY_PORT, "-b", `unix:${socket}`, "-p", path, "plain"]);
  const load = new Load(server.endpoint, "/hello");
  t.after(() => load.stop());
  const successor = await upgraded(server, path);
  assert.notEqual(successor, server.pid);
  assert.equal(pidIn(path), server.pid);
  server.signal("SIGTERM");
  await eventually(WAIT_MS, "the first pid file names the new server", () => pidIn(path) === successor);
  assert.ok(!existsSync(`${path}.2`));
  assert.equal((await ask({ path: socket }, { path: "/hello" })).status, 200);
  const { failures, answered } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(answered > 0);
  process.kill(successor, "SIGTERM");
  await eventually(WAIT_MS, "the new server ends", () => !isAlive(successor));
  assert.ok(!existsSync(path));
  assert.ok(!existsSync(socket));
  await server.assertNothingLeft();
});

test("the server that USR2 started opens the control socket when it is the only one", async (t) => {
  const folder = temporaryFolder(t);
  const [path, control] = [join(folder, "pid"), join(folder, "control")];
  const server = await startServer(t, [...ANY_PORT, "-p", path, "--control-socket", control, "plain"]);
  const successor = await upgraded(server, path);
  server.signal("SIGTERM");
  await eventually(WAIT_MS, "the new server answers", async () => {
    const { code, output } = await runTunicorn(t, ["status", "--json", "--socket", control]);
    return code === 0 && JSON.parse(output).pid === successor;
  });
  assert.match(server.output, /\[INFO\] no control socket path=.*another server answers/);
  assert.doesNotMatch(server.output, /\[ERROR\]/);
  process.kill(successor, "SIGTERM");
  await eventually(WAIT_MS, "the new server ends", () => !isAlive(successor));
});

test("HUP and USR2 follow a symbolic link that was turned to another release", async (t) => {
  const folder = temporaryFolder(t);
  const current = join(folder, "current");
  for (const name of ["one", "two"]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "main.py"), RELEASE.replace("NAME", name));
  }
  const turnTo = (name: string): void => {
    symlinkSync(join(folder, name), `${current}.new`);
    renameSync(`${current}.new`, current);
  };
  turnTo("one");
  const path = join(folder, "pid");
  const options = { cwd: current, env: { PWD: current } };
  const server = await startServer(t, [...ANY_PORT, "-p", path, "main:app"], options);
  await server.logged(/Ready at/);
  assert.equal((await ask(server.endpoint)).body, "one");
  turnTo("two");
  server.signal("SIGHUP");
  await server.logged(/reload finished/);
  assert.equal((await ask(server.endpoint)).body, "two");
  turnTo("one");
  const successor = await upgraded(server, path);
  server.signal("SIGTERM");
  await eventually(WAIT_MS, "the new server alone", () => pidIn(path) === successor);
  assert.equal((await ask(server.endpoint)).body, "one");
  process.kill(successor, "SIGTERM");
  await eventually(WAIT_MS, "the new server ends", () => !isAlive(successor));
});

const RELEASE = `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"NAME"]
`;

test("TERM to the new server takes USR2 back, WINCH and HUP let the old one rest and come back", async (t) => {
  const path = join(temporaryFolder(t), "pid");
  const server = await startServer(t, [...ANY_PORT, "-w", "2", "-p", path, "plain"]);
  const load = new Load(server.endpoint, "/hello");
  t.after(() => load.stop());
  const successor = await upgraded(server, path);
  server.signal("SIGWINCH");
  await eventually(WAIT_MS, "the old one has neither workers nor fronts", () => {
    const { workers, fronts } = server.tree;
    return workers.length === 0 && fronts.every((pid) => pid === successor); // it is a child, too
  });
  server.signal("SIGHUP");
  await server.logged(/reload finished/);
  process.kill(successor, "SIGTERM");
  await server.logged(/the new server ended: this one goes on/);
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  assert.ok(!existsSync(`${path}.2`));
  assert.equal(pidIn(path), server.pid);
  await server.stop();
  assert.ok(!existsSync(path));
});

test("--daemon ends when the server in the background is ready", async (t) => {
  const folder = temporaryFolder(t);
  const [path, socket, log] = [join(folder, "pid"), join(folder, "socket"), join(folder, "log")];
  const args = ["-D", "-p", path, "-b", `unix:${socket}`, "--error-logfile", log, "plain"];
  const server = await startDaemon(t, args);
  const pid = pidIn(path);
  assert.ok(isAlive(pid));
  assert.equal((await ask({ path: socket }, { path: "/hello" })).status, 200);
  assert.equal(/^NSsid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1], String(pid));
  process.kill(pid, "SIGTERM");
  await eventually(WAIT_MS, "the server in the background ends", () => !isAlive(pid));
  assert.ok(!existsSync(path));
  assert.match(readFileSync(log, "utf8"), /Ready at/);
  await server.assertNothingLeft();
});

async function startDaemon(
  t: Parameters<typeof startServer>[0],
  args: readonly string[],
  options: StartOptions = {},
): Promise<Server> {
  const server = new Server(args, options);
  t.after(() => server.destroy());
  const exit = await server.exited();
  assert.equal(exit.code, 0, exit.output);
  return server;
}

test("--daemon can be said in a configuration file, and keeps systemd's sockets", async (t) => {
  const folder = temporaryFolder(t);
  const [path, log, port] = [join(folder, "pid"), join(folder, "log"), join(folder, "port")];
  const file = join(folder, "conf.py");
  const quoted = JSON.stringify;
  writeFileSync(file, `daemon = True\npidfile = ${quoted(path)}\nerrorlog = ${quoted(log)}\n`);
  const wrapper = [PYTHON, "-c", AS_SYSTEMD, port];
  await startDaemon(t, ["-c", file, "plain"], { wrapper });
  const pid = pidIn(path);
  t.after(() => isAlive(pid) && process.kill(pid, "SIGKILL"));
  const endpoint = { port: Number(readFileSync(port, "utf8")) };
  assert.equal((await ask(endpoint, { path: "/hello" })).status, 200);
  process.kill(pid, "SIGTERM");
  await eventually(WAIT_MS, "the server in the background ends", () => !isAlive(pid));
});

/** Becomes its arguments with a listening socket as descriptor 3. */
const AS_SYSTEMD = `
import os, socket, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(64)
if listener.fileno() != 3: os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
open(sys.argv[1], "w").write(str(listener.getsockname()[1]))
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
`;

const TALKS = `
def application(environ, start_response):
    print("said to stdout", flush=True)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
`;

for (const [flags, isKept] of [
  [["-R"], true],
  [["--enable-stdio-inheritance"], true],
  [[], false],
] as const) {
  test(`--daemon ${flags.join(" ")} ${isKept ? "keeps" : "closes"} stdout`, async (t) => {
    const folder = temporaryFolder(t, { "talks.py": TALKS });
    const [path, socket, out] = [join(folder, "pid"), join(folder, "socket"), join(folder, "out")];
    const wrapper = ["sh", "-c", `exec "$@" >${out} 2>&1`, "sh"];
    const args = ["-D", ...flags, "-p", path, "-b", `unix:${socket}`, "talks"];
    await startDaemon(t, args, { wrapper, cwd: folder });
    const pid = pidIn(path);
    t.after(() => isAlive(pid) && process.kill(pid, "SIGKILL"));
    assert.equal((await ask({ path: socket })).status, 200);
    process.kill(pid, "SIGTERM");
    await eventually(WAIT_MS, "the server in the background ends", () => !isAlive(pid));
    assert.equal(readFileSync(out, "utf8").includes("said to stdout"), isKept);
  });
}

test("--daemon that cannot start says why and ends with the server's code", async (t) => {
  const exit = await runTunicorn(t, ["-D", ...ANY_PORT, "no_such_module"]);
  assert.equal(exit.code, 3, exit.output);
  assert.match(exit.output, /there is no module no_such_module/);
});

test("as root, workers and fronts run as --user and --group", {
  skip: process.getuid?.() !== 0,
}, async (t) => {
  // A virtual environment may lie where only root can read.
  const args = [
    "--python",
    "/usr/bin/python3",
    "-u",
    "54321",
    "-g",
    "54322",
    "-w",
    "2",
    ...ANY_PORT,
    "plain",
  ];
  const server = await startServer(t, args);
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  const body = "x".repeat(3_000_000);
  assert.equal((await ask(server.endpoint, { method: "POST", path: "/length", body })).body, "3000000");
  const { workers, fronts } = server.tree;
  for (const pid of [...workers, ...fronts]) {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    assert.match(status, /^Uid:\t54321\t54321\t54321\t54321$/m);
    assert.match(status, /^Gid:\t54322\t54322\t54322\t54322$/m);
    assert.doesNotMatch(status, /^Groups:.*\b0\b/m);
  }
  await server.stop();
});
