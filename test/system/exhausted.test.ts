// A machine that has run out of something: disk, descriptors, the right time. The server goes on, and says what it misses.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask, RawClient } from "../harness/http-client.ts";
import { Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const QUICK_MS = 10_000;

function can(...command: readonly string[]): boolean {
  return spawnSync(command[0] ?? "", command.slice(1), { stdio: "ignore" }).status === 0;
}

test("full disks take the logs and nothing else", async (t) => {
  const path = join(temporaryFolder(t), "s");
  const logs = ["--error-logfile", "/dev/full", "--access-logfile", "/dev/full"];
  const server = new Server(["-w", "2", "-b", `unix:${path}`, ...logs, "plain"]);
  t.after(() => server.destroy());
  await eventually(QUICK_MS, "an answer", () => ask({ path }, { path: "/hello" }).catch(() => undefined));
  for (let nr = 0; nr < 50; nr += 1) assert.equal((await ask({ path }, { path: "/hello" })).status, 200);
  const printed = await ask({ path }, { path: "/errors" });
  assert.equal(printed.status, 200, "an application that writes to wsgi.errors");
  assert.equal((await ask({ path }, { path: "/not-there" })).status, 404);
  server.signal("SIGHUP");
  const [old] = server.tree.workers;
  await eventually(QUICK_MS, "new workers", () => old !== undefined && !server.tree.workers.includes(old));
  assert.equal((await ask({ path }, { path: "/hello" })).status, 200);
  assert.equal((await server.stop()).code, 0);
});

const tmpfs = (folder: string): string[] => {
  const script = 'mount -t tmpfs -o size=256k none "$0" && exec "$@"';
  return ["unshare", "--mount", "sh", "-c", script, folder];
};
const canMount = can("unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=256k none /mnt");

test("a full disk refuses the bodies that do not fit into memory, and only those", {
  skip: !canMount,
}, async (t) => {
  const folder = temporaryFolder(t);
  const args = ["-b", "127.0.0.1:0", "--body-memory", "64k", "plain"];
  const server = await startServer(t, args, { wrapper: tmpfs(folder), env: { TMPDIR: folder } });
  const post = async (bytes: number): Promise<string> => {
    const reply = await ask(server.endpoint, { method: "POST", path: "/length", body: "x".repeat(bytes) });
    return `${reply.status} ${reply.status === 200 ? reply.body : ""}`.trim();
  };
  assert.equal(await post(100_000), "200 100000");
  for (let nr = 0; nr < 3; nr += 1) {
    assert.equal(await post(2_000_000), "503");
    assert.equal(await post(10_000), "200 10000");
  }
  await server.logged(/request body was refused[^\n]*ENOSPC/);
  assert.equal(await post(100_000), "200 100000", "what was refused has left the disk");
  await server.stop();
});

test("more clients than descriptors: who is in is served, and the others once there is room", {
  skip: !can("prlimit", "--nofile=64", "true"),
}, async (t) => {
  const server = await startServer(t, ["-w", "2", "-b", "127.0.0.1:0", "plain"], {
    wrapper: ["prlimit", "--nofile=64"],
  });
  const request = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
  const crowd = Array.from({ length: 200 }, () => new RawClient(server.endpoint));
  t.after(() => {
    for (const client of crowd) client.destroy();
  });
  await server.logged(/the house is full/);
  for (const client of crowd.slice(0, 4)) {
    client.send(request);
    await client.until(/Hello, world!/);
  }
  server.signal("SIGHUP");
  await server.logged(/reload finished/);
  for (const client of crowd) client.destroy();
  await eventually(QUICK_MS, "room for a new client", async () => {
    const reply = await ask(server.endpoint, { path: "/hello" }).catch(() => undefined);
    return reply?.status === 200;
  });
  assert.doesNotMatch(server.output, /cause=(?!reload)|front exited/);
  await server.stop();
});

/** Adds the seconds in a file to the wall clock, and leaves the monotonic clocks alone. */
const SHIM = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long offset(void) {
  long seconds = 0;
  FILE *file = fopen(getenv("CLOCK_OFFSET"), "r");
  if (file) { if (fscanf(file, "%ld", &seconds) != 1) seconds = 0; fclose(file); }
  return seconds;
}
int clock_gettime(clockid_t id, struct timespec *spec) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(id, spec);
  if (id == CLOCK_REALTIME) spec->tv_sec += offset();
  return result;
}
int gettimeofday(struct timeval *value, void *zone) {
  struct timespec spec;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &spec);
  value->tv_sec = spec.tv_sec;
  value->tv_usec = spec.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *to) {
  struct timespec spec;
  clock_gettime(CLOCK_REALTIME, &spec);
  if (to) *to = spec.tv_sec;
  return spec.tv_sec;
}
`;

test("a clock that is set, forth or back, is followed by dates and changes nothing else", {
  skip: !can("cc", "--version"),
}, async (t) => {
  const folder = temporaryFolder(t, { "shim.c": SHIM, offset: "0" });
  const library = join(folder, "shim.so");
  const built = spawnSync("cc", ["-shared", "-fPIC", "-o", library, join(folder, "shim.c"), "-ldl"]);
  assert.equal(built.status, 0, String(built.stderr));
  const env = { LD_PRELOAD: library, CLOCK_OFFSET: join(folder, "offset") };
  const server = await startServer(t, ["-w", "2", "-b", "127.0.0.1:0", "--timeout", "1", "plain"], { env });
  await server.logged(/Ready at/);
  for (const offset of [86_400, -86_400, 0]) {
    const slow = ask(server.endpoint, { path: "/slow?s=0.3" });
    writeFileSync(join(folder, "offset"), String(offset));
    assert.equal((await slow).status, 200);
    await eventually(QUICK_MS, `a date ${offset} seconds from now`, async () => {
      const { headers } = await ask(server.endpoint, { path: "/hello" });
      return Math.abs(Date.parse(headers.date ?? "") - Date.now() - offset * 1000) < 60_000;
    });
  }
  assert.doesNotMatch(server.output, /worker exited|WORKER TIMEOUT|front exited/);
  assert.equal(readFileSync(join(folder, "offset"), "utf8"), "0");
  await server.stop();
});
