// The published thing: packed, installed in a folder of its own, served with the Node it brings.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { APPS, ROOT, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

test("the packed tarball installs and serves with its own Node", async (t) => {
  const folder = temporaryFolder(t, { "package.json": "{}" });
  const npm = (args: readonly string[], cwd: string): string =>
    execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  npm(["pack", "--silent", "--pack-destination", folder], ROOT);
  npm(["install", "--silent", "--no-audit", "--no-fund", "./tunicorn-0.1.0.tgz"], folder);

  const command = join(folder, "node_modules/.bin/tunicorn");
  const env = { PATH: "/usr/bin:/bin" };
  const server = await startServer(t, ["-w", "2", "-b", "127.0.0.1:0", "plain"], { command, env, cwd: APPS });
  assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
  assert.ok(readlinkSync(`/proc/${server.pid}/exe`).startsWith(folder));
  await server.stop();
});
