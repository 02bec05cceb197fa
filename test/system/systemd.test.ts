// The units of docs/deployment.md under a real systemd.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { PYTHON, ROOT } from "../harness/server.ts";
import { NO_SYSTEMD, Systemd } from "../harness/systemd.ts";
import { type Owner, temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const APP = `
import os, time
time.sleep(0.5)
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % os.getpid()]
`;

/** The page's first unit, with our own program, application and address, and without what a user's manager may not do. */
function serviceOf(folder: string, ...args: readonly string[]): string {
  const page = readFileSync(join(ROOT, "docs/deployment.md"), "utf8");
  const [unit = ""] = page.split("## systemd")[1]?.split("\n- **Ready**") ?? [];
  const command = [join(ROOT, "bin/tunicorn"), "--python", PYTHON, ...args, "app"].join(" ");
  return unit
    .replaceAll(/^ {4}/gm, "")
    .replace(/^(User|ProtectSystem|PrivateTmp|NoNewPrivileges)=.*\n/gm, "")
    .replace(/^ExecStart=.*$/m, `ExecStart=${command}`)
    .replace(/^WorkingDirectory=.*$/m, `WorkingDirectory=${folder}`);
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

function appFolder(owner: Owner): string {
  return temporaryFolder(owner, { "app.py": APP });
}

test("a unit of Type=notify starts when workers serve, reloads, tells of a reload that failed, and stops", {
  skip: NO_SYSTEMD,
}, async (t) => {
  const folder = appFolder(t);
  const port = await freePort();
  const unit = serviceOf(folder, "-w", "2", "-b", `127.0.0.1:${port}`);
  const systemd = await Systemd.start(t, { "shop.service": unit });
  await systemd.control("start", "shop");
  const { body: before } = await ask({ port });
  assert.equal(await systemd.show("shop", "StatusText"), "Serving: 2 of 2 workers serve");
  await systemd.control("reload", "shop");
  await eventually(10_000, "new workers", async () => (await ask({ port })).body !== before);
  await eventually(
    10_000,
    "active again",
    async () => (await systemd.show("shop", "ActiveState")) === "active",
  );
  writeFileSync(join(folder, "app.py"), "broken(\n");
  await systemd.control("reload", "shop");
  await eventually(10_000, "the status tells", async () =>
    /the last reload failed/.test(await systemd.show("shop", "StatusText")),
  );
  assert.equal((await ask({ port })).status, 200);
  await systemd.control("stop", "shop");
  assert.equal(await systemd.show("shop", "Result"), "success");
});

test("a server that is stopped in its tracks is started again by the watchdog", {
  skip: NO_SYSTEMD,
}, async (t) => {
  const folder = appFolder(t);
  const port = await freePort();
  const unit = serviceOf(folder, "-b", `127.0.0.1:${port}`).replace(/^WatchdogSec=.*$/m, "WatchdogSec=2");
  const systemd = await Systemd.start(t, { "shop.service": unit });
  await systemd.control("start", "shop");
  const pid = Number(await systemd.show("shop", "MainPID"));
  process.kill(pid, "SIGSTOP");
  await eventually(20_000, "another server", async () => {
    const isOther = Number(await systemd.show("shop", "NRestarts")) === 1;
    return isOther && (await systemd.show("shop", "ActiveState")) === "active";
  });
  assert.equal((await ask({ port })).status, 200);
});

test("a socket that systemd holds is served, and stays while the service is restarted", {
  skip: NO_SYSTEMD,
}, async (t) => {
  const folder = appFolder(t);
  const port = await freePort();
  const systemd = await Systemd.start(t, {
    "shop.service": serviceOf(folder),
    "shop.socket": `[Socket]\nListenStream=127.0.0.1:${port}\n`,
  });
  await systemd.control("start", "shop.socket");
  const { body: first } = await ask({ port });
  const [second] = await Promise.all([ask({ port }), systemd.control("restart", "shop")]);
  assert.equal(second.status, 200);
  assert.notEqual((await ask({ port })).body, first);
});
