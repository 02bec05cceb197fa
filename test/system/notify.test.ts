// systemd's Type=notify, with a socket in systemd's place: what the arbiter says, and that it is the arbiter who says it.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DatagramReceiver } from "../harness/datagrams.ts";
import { ask } from "../harness/http-client.ts";
import { PYTHON, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

const QUICK_MS = 10_000;
const ANY_PORT = ["-b", "127.0.0.1:0"];
const APP =
  "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'x']\n";

for (const kind of ["path", "abstract"] as const) {
  test(`a life is told from READY to STOPPING, by the main process itself (${kind})`, async (t) => {
    const folder = temporaryFolder(t, { "app.py": APP });
    const address = kind === "path" ? join(folder, "notify.sock") : `@tunicorn-test-notify-${process.pid}`;
    const systemd = await DatagramReceiver.open(t, PYTHON, address);
    const env = { NOTIFY_SOCKET: address };
    const server = await startServer(t, ["-w", "2", ...ANY_PORT, "app"], { cwd: folder, env });
    await systemd.until("READY=1", QUICK_MS, (lines) => lines.includes("READY=1"));
    assert.equal((await ask(server.endpoint)).status, 200);
    assert.ok(systemd.lines.includes(`MAINPID=${server.pid}`));
    assert.ok(systemd.lines.includes("STATUS=Serving: 2 of 2 workers serve"));

    server.signal("SIGHUP");
    const readies = (lines: readonly string[]): number => lines.filter((line) => line === "READY=1").length;
    await systemd.until("READY=1 again", QUICK_MS, (lines) => readies(lines) === 2);
    assert.ok(systemd.lines.includes("RELOADING=1"));
    assert.ok(systemd.lines.some((line) => /^MONOTONIC_USEC=\d+$/.test(line)));

    writeFileSync(join(folder, "app.py"), "broken(\n");
    server.signal("SIGHUP");
    await systemd.until("a third READY=1", QUICK_MS, (lines) => readies(lines) === 3);
    assert.ok(systemd.lines.some((line) => /^STATUS=Serving: .*the last reload failed/.test(line)));

    await server.stop();
    await systemd.until("STOPPING=1", QUICK_MS, (lines) => lines.includes("STOPPING=1"));
    assert.deepEqual([...new Set(systemd.received.map(({ pid }) => pid))], [server.pid]);
  });
}

test("signs of life come while all is well", async (t) => {
  const folder = temporaryFolder(t, { "app.py": APP });
  const address = join(folder, "notify.sock");
  const systemd = await DatagramReceiver.open(t, PYTHON, address);
  const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: "400000" };
  const server = await startServer(t, [...ANY_PORT, "app"], { cwd: folder, env });
  const lives = (): number => systemd.lines.filter((line) => line === "WATCHDOG=1").length;
  await systemd.until("signs of life", QUICK_MS, () => lives() >= 3);
  await server.stop();
});

test("a notify socket that is not there does no harm", async (t) => {
  const folder = temporaryFolder(t, { "app.py": APP });
  const env = { NOTIFY_SOCKET: join(folder, "nobody.sock") };
  const server = await startServer(t, [...ANY_PORT, "app"], { cwd: folder, env });
  assert.equal((await ask(server.endpoint)).status, 200);
  await server.stop();
});

test("without a Python beside the launcher a child speaks, and a warning says what the unit needs", async (t) => {
  const folder = temporaryFolder(t, { "app.py": APP });
  const address = join(folder, "notify.sock");
  const systemd = await DatagramReceiver.open(t, PYTHON, address);
  // As if bin/tunicorn had opened nothing.
  const env = { NOTIFY_SOCKET: address, _TUNICORN_NOTIFY_FD: "none" };
  const server = await startServer(t, [...ANY_PORT, "app"], { cwd: folder, env });
  await server.logged(/NotifyAccess=all/);
  await systemd.until("READY=1", QUICK_MS, (lines) => lines.includes("READY=1"));
  await server.stop();
});
