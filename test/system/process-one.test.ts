// The server as process 1 of a container: a PID namespace of its own.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const QUICK_MS = 10_000;
const NAMESPACE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"];
const MAY = spawnSync(NAMESPACE[0] ?? "", [...NAMESPACE.slice(1), "true"]).status === 0;

/** \`/daemon\` leaves a daemon behind that ends when it is told to, \`/end\` tells, \`/zombies\` counts. */
const APP = `
import os, signal

def daemon():
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        pid = os.fork()
        if pid == 0:
            signal.pause()
        os.write(write, b"%d" % pid)
        os._exit(0)
    os.wait()
    return os.read(read, 20)

def states():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                yield file.read().rpartition(") ")[2][0]
        except OSError:
            pass

def app(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/daemon":
        return [daemon()]
    query = environ["QUERY_STRING"]
    if environ["PATH_INFO"] == "/parent":
        with open(f"/proc/{query}/stat") as file:
            return [file.read().rpartition(") ")[2].split()[1].encode()]
    if environ["PATH_INFO"] == "/end":
        os.kill(int(query), signal.SIGKILL)
    return [b"%d" % list(states()).count("Z")]
`;

test("buries what has lost its parent, hears signals, and ends with the server's code", {
  skip: !MAY,
}, async (t) => {
  const cwd = temporaryFolder(t, { "shop.py": APP });
  const server = await startServer(t, ["-b", "127.0.0.1:0", "shop:app"], { cwd, wrapper: NAMESPACE });
  const get = async (path: string): Promise<string> => (await ask(server.endpoint, { path })).body;
  const daemon = await get("/daemon");
  assert.ok(Number(daemon) > 1, daemon);
  // Its forkserver, who would have buried it, is another one after a reload.
  process.kill(processOne(server), "SIGHUP");
  await eventually(QUICK_MS, "process 1 has it", async () => (await get(`/parent?${daemon}`)) === "1");
  await get(`/end?${daemon}`);
  await eventually(QUICK_MS, "no zombies", async () => (await get("/zombies")) === "0");
  process.kill(processOne(server), "SIGTERM");
  const exit = await server.exited();
  assert.equal(exit.code, 0, exit.output);
  assert.match(exit.output, /Shutting down: graceful/);
});

/** The child of unshare, which waits for it. */
function processOne({ pid }: Server): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
}
