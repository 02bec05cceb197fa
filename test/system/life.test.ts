// Start, stop and where a server can live: signals, first process of a container, any user, nothing writable.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask, RawClient } from "../harness/http-client.ts";
import { APPS, PYTHON, ROOT, type Server, startServer } from "../harness/server.ts";
import { type Owner, temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const QUICK_MS = 5_000;
const ANY_PORT = ["-b", "127.0.0.1:0"];

interface Gate {
  /** The path to ask for. */
  readonly path: string;
  started(): Promise<void>;
  open(): void;
}

/** A request that the application holds until the test lets it go. */
function newGate(owner: Owner): Gate {
  const folder = temporaryFolder(owner);
  const [started, gate] = [join(folder, "started"), join(folder, "gate")];
  return {
    path: `/gated?started=${started}&gate=${gate}`,
    started: async () => void (await eventually(QUICK_MS, "the app starts", () => existsSync(started))),
    open: () => writeFileSync(gate, ""),
  };
}

for (const args of [
  ["-w", "2"],
  ["-w", "1", "--threads", "4"],
]) {
  test(`TERM finishes what runs and then ends with code 0 (${args.join(" ")})`, async (t) => {
    const server = await startServer(t, [...args, ...ANY_PORT, "plain"]);
    const gate = newGate(t);
    const reply = ask(server.endpoint, { path: gate.path });
    await gate.started();
    server.signal("SIGTERM");
    await eventually(QUICK_MS, "new connections are refused", () =>
      ask(server.endpoint, { path: "/hello" }).then(
        () => false,
        () => true,
      ),
    );
    gate.open();
    assert.equal((await reply).status, 200);
    const exit = await server.exited(QUICK_MS);
    assert.deepEqual([exit.code, exit.signal], [0, null], exit.output);
    await server.assertNothingLeft();
  });
}

test("--graceful-timeout bounds a TERM", async (t) => {
  const server = await startServer(t, ["--graceful-timeout", "1", ...ANY_PORT, "plain"]);
  const gate = newGate(t);
  const reply = ask(server.endpoint, { path: gate.path }).catch(() => undefined);
  await gate.started();
  server.signal("SIGTERM");
  assert.equal((await server.exited(QUICK_MS)).code, 0);
  await server.assertNothingLeft();
  assert.notEqual((await reply)?.status, 200);
});

for (const signal of ["SIGINT", "SIGQUIT"] as const) {
  test(`${signal} ends quickly, also with a request that runs`, async (t) => {
    const server = await startServer(t, [...ANY_PORT, "plain"]);
    const gate = newGate(t);
    const reply = ask(server.endpoint, { path: gate.path }).catch(() => undefined);
    await gate.started();
    server.signal(signal);
    assert.equal((await server.exited(QUICK_MS)).code, 0);
    await server.assertNothingLeft();
    await reply;
  });
}

test("a second signal hastens a graceful stop", async (t) => {
  const server = await startServer(t, [...ANY_PORT, "plain"]);
  const gate = newGate(t);
  const reply = ask(server.endpoint, { path: gate.path }).catch(() => undefined);
  await gate.started();
  server.signal("SIGTERM");
  await server.logged(/stop|shut/i);
  server.signal("SIGTERM");
  assert.equal((await server.exited(QUICK_MS)).code, 0);
  await server.assertNothingLeft();
  await reply;
});

test("a stop during a reload starts no more workers", async (t) => {
  const server = await startServer(t, [...ANY_PORT, "-w", "2", "plain"]);
  const gate = newGate(t);
  const reply = ask(server.endpoint, { path: gate.path });
  await gate.started();
  server.signal("SIGHUP");
  await server.logged(/Handling signal: hup/);
  server.signal("SIGTERM");
  await server.logged(/Shutting down/);
  await eventually(QUICK_MS, "the new forkserver ends", () => server.tree.forkservers.length === 1);
  gate.open();
  assert.equal((await reply).status, 200);
  const { code, output } = await server.exited(QUICK_MS);
  assert.equal(code, 0);
  assert.doesNotMatch(output.slice(output.indexOf("Shutting down")), /Booting worker/);
});

test("idle keep-alive connections do not delay a stop", async (t) => {
  const server = await startServer(t, ["--keep-alive", "60", ...ANY_PORT, "plain"]);
  const client = new RawClient(server.endpoint);
  client.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  await client.until(/Hello, world!\n$/);
  server.signal("SIGTERM");
  await server.exited(QUICK_MS);
  await client.untilClosed(QUICK_MS);
});

test("a stop during boot ends the start", async (t) => {
  const folder = temporaryFolder(t, { "slow.py": "import time\ntime.sleep(20)\napplication = print\n" });
  const server = await startServer(t, [...ANY_PORT, "slow"], { cwd: folder });
  server.signal("SIGTERM");
  await server.exited(QUICK_MS);
  await server.assertNothingLeft();
});

function can(...command: readonly string[]): boolean {
  return spawnSync(command[0] ?? "", command.slice(1), { timeout: 10_000 }).status === 0;
}

const NEW_PIDS = ["unshare", "--pid", "--fork", "--mount-proc"];

test("as process 1 it serves, reaps and stops", { skip: !can(...NEW_PIDS, "true") }, async (t) => {
  const server = await startServer(t, ["-w", "2", ...ANY_PORT, "plain"], { wrapper: NEW_PIDS });
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  const first = onlyChild(server);
  process.kill(first, "SIGTERM");
  assert.equal((await server.exited()).code, 0);
  await server.assertNothingLeft();
});

/** That of unshare: process 1, which buries and passes signals on, is a Python. */
function onlyChild(server: Server): number {
  const { fronts, forkservers } = server.tree;
  const [pid, ...others] = [...fronts, ...forkservers];
  assert.ok(pid !== undefined && others.length === 0);
  return pid;
}

const ANY_USER = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];
/** Through a shell: setpriv itself keeps root's rights until it has become the next program. */
const anyoneCan = (command: string): boolean => can(...ANY_USER, "sh", "-c", command);
const [userPython] = [PYTHON, "/usr/bin/python3"].filter((path) => anyoneCan(`exec ${path} -c 0`));
const canBeAnyone = userPython !== undefined && anyoneCan(`exec ${join(ROOT, "bin/tunicorn")} --version`);
const python = ["--python", userPython ?? ""];

test("any user will do, without a home", { skip: !canBeAnyone }, async (t) => {
  const env = { HOME: undefined, USER: undefined, LOGNAME: undefined, XDG_RUNTIME_DIR: undefined };
  const server = await startServer(t, [...python, "-w", "2", ...ANY_PORT, "plain"], {
    wrapper: ANY_USER,
    env,
  });
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  const body = "x".repeat(3_000_000);
  assert.equal((await ask(server.endpoint, { method: "POST", path: "/length", body })).body, "3000000");
  await server.stop();
});

const MOUNTS = ["/tmp", "/var/tmp", "/dev/shm", "/run"]
  .map((path) => `mount -t tmpfs -o ro none ${path}`)
  .join(" && ");
const NOTHING_WRITABLE = ["unshare", "--mount", "sh", "-c", `${MOUNTS} && exec "$@"`, "sh", ...ANY_USER];
const canBeReadOnly = canBeAnyone && !APPS.startsWith("/tmp") && can(...NOTHING_WRITABLE, "true");

test("nothing needs to be writable", { skip: !canBeReadOnly }, async (t) => {
  const env = { HOME: undefined, TMPDIR: undefined, PYTHONDONTWRITEBYTECODE: undefined };
  const args = [...python, "-w", "2", ...ANY_PORT, "plain"];
  const server = await startServer(t, args, { wrapper: NOTHING_WRITABLE, env });
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  const small = await ask(server.endpoint, { method: "POST", path: "/echo", body: "in memory" });
  assert.equal(small.body, "in memory");
  await server.stop();
});
