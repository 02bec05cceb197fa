// `tunicorn status` and its like against a real server, and what the socket does with rubbish.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { newGate } from "../harness/gate.ts";
import { ask } from "../harness/http-client.ts";
import { runTunicorn, type Server, startServer } from "../harness/server.ts";
import { type Owner, temporaryFolder } from "../harness/temporary.ts";
import { eventually, within } from "../harness/wait.ts";

const QUICK_MS = 10_000;

interface Stage {
  readonly server: Server;
  readonly path: string;
  command(...words: readonly string[]): Promise<string>;
}

async function stage(owner: Owner, args: readonly string[] = [], app: string = "plain"): Promise<Stage> {
  const path = join(temporaryFolder(owner), "control.sock");
  const all = ["-w", "2", "-b", "127.0.0.1:0", "--control-socket", path, ...args, app];
  const server = await startServer(owner, all);
  await server.logged(/Ready at/);
  const command = async (...words: readonly string[]): Promise<string> => {
    const { code, output } = await runTunicorn(owner, [...words, "--socket", path]);
    assert.equal(code, 0, output);
    return output;
  };
  return { server, path, command };
}

test("operators see a server, its workers and requests, and a worker's stack", async (t) => {
  const { server, path, command } = await stage(t);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const gate = newGate(t);
  const reply = ask(server.endpoint, { path: gate.path });
  await gate.started();

  const status = JSON.parse(await command("status", "--json"));
  assert.deepEqual([status.ok, status.pid, status.phase, status.app], [true, server.pid, "serving", "plain"]);
  assert.deepEqual(status.workers, { serving: 2, wanted: 2, min: 2, max: 2 });
  assert.equal(status.fronts[0].counters.running, 1);
  assert.match(await command("status"), /^workers {2}2 of 2 serve$/m);

  const { requests } = JSON.parse(await command("requests", "--json"));
  assert.equal(requests.length, 1);
  const [{ pid, method, path: asked, client }] = requests;
  assert.deepEqual([method, asked, client], ["GET", "/gated", "127.0.0.1"]);
  assert.match(await command("requests"), /GET \/gated$/m);

  const { workers } = JSON.parse(await command("workers", "--json"));
  assert.deepEqual(
    workers.map((worker: { pid: number }) => worker.pid).toSorted(),
    server.tree.workers.toSorted(),
  );
  assert.match(await command("workers"), new RegExp(`^${pid} .* ready `, "m"));
  assert.match(await command("stack", String(pid)), /File .*plain\.py/);
  gate.open();
  assert.equal((await reply).status, 200);
  await server.stop();
  assert.ok(!existsSync(path), "the socket is gone");
});

test("stack shows a worker whose interpreter C code holds, and it goes on", async (t) => {
  const { server, command } = await stage(t, ["-w", "1"], "stuck");
  const [worker] = server.tree.workers;
  const reply = ask(server.endpoint, { path: "/hold-a-while" });
  await server.logged(/holding/);
  const text = await command("stack", String(worker));
  assert.match(text, /^The worker does not answer/);
  assert.match(text, /stuck\.py", line \d+ in hold_for_a_while/);
  assert.deepEqual([(await reply).status, (await reply).body], [200, String(worker)]);
  assert.match(await command("stack", String(worker)), /^Thread MainThread/);
  assert.doesNotMatch(server.output, /hold_for_a_while/, "nothing of it goes to the log");
  await server.stop();
});

test("stack says of a worker that it is stopped, and nothing of it is left for the next one", async (t) => {
  const { server, command } = await stage(t);
  const [first, second] = server.tree.workers;
  assert.ok(first !== undefined && second !== undefined);
  process.kill(first, "SIGSTOP");
  assert.match(await command("stack", String(first)), /The process is stopped/);
  process.kill(first, "SIGCONT");
  for (const pid of [first, second]) assert.match(await command("stack", String(pid)), /^Thread MainThread/);
  await server.stop();
});

test("operators change a server: scale, reload, reopen, stop", async (t) => {
  const { server, command } = await stage(t);
  assert.equal(await command("scale", "3"), "2 → 3 workers\n");
  await eventually(QUICK_MS, "three workers", () => server.tree.workers.length === 3);
  await command("scale", "1");
  await eventually(QUICK_MS, "one worker", () => server.tree.workers.length === 1);
  const [before] = server.tree.workers;
  await command("reload");
  await eventually(QUICK_MS, "other workers", () => {
    const { workers } = server.tree;
    return workers.length === 2 && !workers.includes(before ?? 0);
  });
  await command("reopen");
  await command("stop");
  assert.equal((await server.exited()).code, 0);
  await server.assertNothingLeft();
});

test("scale leaves each front a worker", async (t) => {
  const socket = join(temporaryFolder(t), "control");
  const args = ["--fronts", "2", "-w", "2", "--control-socket", socket, "-b", "127.0.0.1:0", "plain"];
  const server = await startServer(t, args);
  await server.logged(/Ready at/);
  const { code, output } = await runTunicorn(t, ["scale", "1", "--socket", socket]);
  assert.equal(code, 1);
  assert.match(output, /workers: expected 2 to 1024/);
  await server.stop();
});

test("what cannot be obeyed is said, with code 1 or 2", async (t) => {
  const { server, path } = await stage(t);
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [["stack", "1"], 1, /no worker has this pid/],
    [["scale", "0"], 1, /expected 1 to 1024/],
    [["scale"], 2, /expected a number of workers/],
    [["status", "now"], 2, /status does not take now/],
  ];
  for (const [words, expected, message] of cases) {
    const { code, output } = await runTunicorn(t, [...words, "--socket", path]);
    assert.equal(code, expected, output);
    assert.match(output, message);
  }
  const nowhere = await runTunicorn(t, ["status", "--socket", `${path}.none`]);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.output, /is the server running\?/);
  const help = await runTunicorn(t, ["stack", "--help"]);
  assert.deepEqual([help.code, /^ {2}stack PID /m.test(help.output)], [0, true]);
  await server.stop();
});

test("the control socket takes nobody's place but a dead socket's, and leaves no name but its own", async (t) => {
  const folder = temporaryFolder(t, { "notes.txt": "mine" });
  const places: readonly (readonly [string, RegExp])[] = [
    ["notes.txt", /no control socket.*not a socket/],
    ["none/control.sock", /no control socket.*folder does not exist/],
    ["x".repeat(108), /no control socket.*longer than/],
  ];
  for (const [name, reason] of places) {
    const server = await startServer(t, [
      "-b",
      "127.0.0.1:0",
      "--control-socket",
      join(folder, name),
      "plain",
    ]);
    await server.logged(reason);
    await server.stop();
  }
  assert.equal(readFileSync(join(folder, "notes.txt"), "utf8"), "mine");
  assert.deepEqual(readdirSync(folder), ["notes.txt"]);
});

test("a server removes no socket that a later one has put in its place", async (t) => {
  const { server, path } = await stage(t);
  rmSync(path);
  const later = await startServer(t, ["-b", "127.0.0.1:0", "--control-socket", path, "plain"]);
  await later.logged(/Ready at/);
  await server.stop();
  const { code, output } = await runTunicorn(t, ["status", "--socket", path]);
  assert.equal(code, 0, output);
  await later.stop();
  assert.ok(!existsSync(path));
});

test("rubbish ends its connection and nothing else", async (t) => {
  const { server, path, command } = await stage(t);
  for (const rubbish of ["GET / HTTP/1.1\r\n\r\n", "{}\n", "[1]\n", "\xff\xfe\n", "x".repeat(1_100_000)]) {
    const socket = connect({ path });
    const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    socket.on("error", () => {});
    socket.write(Buffer.from(rubbish, "latin1"));
    await within(QUICK_MS, `closed after ${rubbish.slice(0, 10)}`, closed);
  }
  const flood = connect({ path });
  const drowned = new Promise<void>((resolve) => flood.on("close", () => resolve()));
  flood.on("error", () => {});
  flood.write('{"type":"status"}\n'.repeat(1_000));
  await within(QUICK_MS, "a flood is cut off", drowned);
  const holders = Array.from({ length: 40 }, () => connect({ path }).on("error", () => {}));
  t.after(() => holders.forEach((holder) => void holder.destroy()));
  await Promise.all(holders.map((holder) => once(holder, "connect")));
  assert.match(await command("status"), /serving/);
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  await server.stop();
});

test("without a folder to write there is no socket, and no complaint", async (t) => {
  const env = { RUNTIME_DIRECTORY: "/nonexistent", XDG_RUNTIME_DIR: undefined };
  const server = await startServer(t, ["-b", "127.0.0.1:0", "plain"], { env });
  const { output } = await server.stop();
  assert.doesNotMatch(output, /WARNING|ERROR/);
});

test("the runtime folder is found by server and commands alike, and the first server keeps it", async (t) => {
  const env = { RUNTIME_DIRECTORY: undefined, XDG_RUNTIME_DIR: temporaryFolder(t) };
  const server = await startServer(t, ["-b", "127.0.0.1:0", "plain"], { env });
  await server.logged(/Ready at/);
  const second = await startServer(t, ["-b", "127.0.0.1:0", "plain"], { env });
  await second.logged(/no control socket.*another server answers/);
  await second.stop();
  const { code, output } = await runTunicorn(t, ["status"], { env });
  assert.equal(code, 0, output);
  assert.match(output, new RegExp(`pid ${server.pid}`));
  await server.stop();
});

test("an application may have a command's name", async (t) => {
  const app = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'mine']\n";
  const folder = temporaryFolder(t, { "status.py": app });
  const server = await startServer(t, ["status:app", "-b", "127.0.0.1:0"], { cwd: folder });
  assert.equal((await ask(server.endpoint)).body, "mine");
  await server.stop();
});
