// What operators do to a running server by signals and process files, with gunicorn's meanings.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { Load } from "../harness/load.ts";
import { runTunicorn, Server, startServer } from "../harness/server.ts";
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

async function startDaemon(t: Parameters<typeof startServer>[0], args: readonly string[]): Promise<Server> {
  const server = new Server(args);
  t.after(() => server.destroy());
  const exit = await server.exited();
  assert.equal(exit.code, 0, exit.output);
  return server;
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
