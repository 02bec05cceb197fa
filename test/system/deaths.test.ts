// Each worker's end is one record with its cause, and nothing of a worker outlives it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { newGate } from "../harness/gate.ts";
import { ask } from "../harness/http-client.ts";
import { memoryGroup, NO_MEMORY_GROUP } from "../harness/memory-group.ts";
import { runTunicorn, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const ANY_PORT = ["-b", "127.0.0.1:0"];

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}

test("what the application has started ends with its worker, however that ends", async (t) => {
  const server = await startServer(t, [...ANY_PORT, "stuck"]);
  const first = Number((await ask(server.endpoint, { path: "/child" })).body);
  const [worker] = server.tree.workers;
  assert.ok(worker);
  assert.ok(isRunning(first));
  process.kill(worker, "SIGKILL");
  await eventually(5_000, "the child of a killed worker ends", () => !isRunning(first));
  await server.logged(
    new RegExp(`worker exited[^\\n]*pid=${worker} [^\\n]*cause=signal by=outside signal=SIGKILL`),
  );
  const second = Number((await ask(server.endpoint, { path: "/child" })).body);
  server.signal("SIGHUP");
  await server.logged(/reload finished/);
  await eventually(5_000, "the child of a replaced worker ends", () => !isRunning(second));
  await server.logged(/worker exited[^\n]*cause=reload by=arbiter code=0/);
  await server.stop();
});

test("a death names the requests that it interrupted", async (t) => {
  const server = await startServer(t, [...ANY_PORT, "faults"]);
  await ask(server.endpoint, { method: "POST", path: "/die", body: "once" });
  await server.logged(/worker exited[^\n]*cause=exit by=worker code=7[^\n]*inFlight=1[^\n]*POST \/die/);
  await server.stop();
});

test("INT and QUIT to a worker end it at once, and the record says that an operator did", async (t) => {
  const server = await startServer(t, [...ANY_PORT, "-w", "2", "plain"]);
  await server.logged(/Ready at/);
  for (const signal of ["SIGINT", "SIGQUIT"] as const) {
    const [worker] = server.tree.workers;
    assert.ok(worker);
    process.kill(worker, signal);
    await server.logged(
      new RegExp(
        `\\[INFO\\] worker exited[^\\n]*pid=${worker} [^\\n]*cause=retire by=operator code=0 asked="signal ${signal}"`,
      ),
    );
    await eventually(5_000, "another worker", () => server.tree.workers.length === 2);
  }
  await server.stop();
});

test("the server's own signals, sent to all of its processes, end none of them and open no port", async (t) => {
  const server = await startServer(t, [...ANY_PORT, "plain"]);
  await server.logged(/Ready at/);
  const { fronts, forkservers, workers } = server.tree;
  const children = [...fronts, ...forkservers, ...workers];
  for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGTTIN", "SIGTTOU"] as const)
    for (const pid of children) process.kill(pid, signal);
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  const states = children.map(
    (pid) => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1],
  );
  assert.ok(!states.includes("T"), `${states}`);
  assert.deepEqual(server.tree, { fronts, forkservers, workers });
  assert.doesNotMatch(server.output, /Debugger listening/);
  await server.stop();
});

test("a worker that does not end in time is killed, and its stacks say what it was doing", async (t) => {
  const server = await startServer(t, [...ANY_PORT, "--graceful-timeout", "1", "plain"]);
  const [first, second] = [newGate(t), newGate(t)];
  const replies = [ask(server.endpoint, { method: "POST", path: first.path }).catch(() => undefined)];
  await first.started();
  server.signal("SIGHUP");
  await server.logged(killedAs("asked=reload"));
  await server.logged(/reload finished/);
  replies.push(ask(server.endpoint, { method: "POST", path: second.path }).catch(() => undefined));
  await second.started();
  await server.stop();
  assert.match(server.output, killedAs("asked=stop"));
  await Promise.all(replies);
});

/** The stacks, then the record. */
function killedAs(asked: string): RegExp {
  const stacks =
    /stacks of the worker that is killed nr=0 pid=\d+ cause=drain-timeout\n[^[]*plain\.py", line \d+ in/;
  const record = `worker exited[^\\n]*cause=drain-timeout by=arbiter signal=SIGKILL ${asked}[^\\n]*POST /gated`;
  return new RegExp(`${stacks.source}[\\s\\S]*${record}`);
}

test("a worker that does not begin in time is killed, and its stacks say what it waits for", async (t) => {
  const folder = temporaryFolder(t, {
    "slow.py": "import time\n\ndef connect():\n    time.sleep(60)\n\nconnect()\n",
  });
  const { code, output } = await runTunicorn(t, [...ANY_PORT, "--boot-timeout", "1", "slow"], {
    cwd: folder,
  });
  assert.equal(code, 3, output);
  assert.match(
    output,
    /cause=boot-timeout\n[^[]*slow\.py", line 4 in connect[\s\S]*worker exited[^\n]*cause=boot-timeout/,
  );
});

test("a worker is the kernel's choice before its front, where memory is used up", {
  skip: process.platform !== "linux",
}, async (t) => {
  const server = await startServer(t, [...ANY_PORT, "plain"]);
  await server.logged(/Ready at/);
  const points = (pid: number | undefined): number =>
    Number(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"));
  const [[front], [worker]] = [server.tree.fronts, server.tree.workers];
  assert.equal(points(worker), points(front) + 100);
  await server.stop();
});

const HOG = `
def application(environ, start_response):
    if environ["PATH_INFO"] == "/hog":
        kept = [bytearray(10_000_000) for _ in range(200)]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"here"]
`;
/** Room for the server, and not for what the application takes. */
const GROUP_BYTES = 500_000_000;

test("a worker that the kernel ends for memory is told from one that somebody killed", {
  skip: NO_MEMORY_GROUP,
}, async (t) => {
  const wrapper = memoryGroup(t, GROUP_BYTES);
  const cwd = temporaryFolder(t, { "hog.py": HOG });
  const server = await startServer(t, [...ANY_PORT, "hog"], { cwd, wrapper });
  await server.logged(/Ready at/);
  assert.equal((await ask(server.endpoint, { method: "POST", path: "/hog" })).status, 502);
  await server.logged(/worker exited[^\n]*cause=kernel-oom by=kernel signal=SIGKILL[^\n]*POST \/hog/);
  assert.equal((await ask(server.endpoint, { path: "/" })).body, "here");
  const [worker] = server.tree.workers;
  assert.ok(worker);
  process.kill(worker, "SIGKILL");
  await server.logged(/worker exited[^\n]*cause=signal by=outside signal=SIGKILL/);
  await server.stop();
});
