// docs/deployment.md, as somebody who copies from it: units that systemd takes, and command lines that start.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { PYTHON, ROOT, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

const APP =
  'def application(environ, start_response):\n    start_response("200 OK", [])\n    return [b"shop"]\n';
const PAGE = readFileSync(join(ROOT, "docs/deployment.md"), "utf8");
/** Indented by four blanks, blank lines between included. */
const BLOCKS: readonly string[] = [...PAGE.matchAll(/(?:^ {4}.*\n|^\n)+/gm)].map(([text]) =>
  text.replaceAll(/^ {4}/gm, "").trim(),
);

function block(sign: string): string {
  const found = BLOCKS.find((text) => text.includes(sign));
  assert.ok(found !== undefined, `no block with ${sign}`);
  return found;
}

function captured(pattern: RegExp, text: string): string {
  const found = pattern.exec(text)?.[1];
  assert.ok(found !== undefined, `no ${pattern} in ${text}`);
  return found;
}

const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

test("systemd takes both units without a word", { skip: !hasSystemd }, (t) => {
  const unit = block("[Service]").replace("/usr/local/bin/tunicorn", "/bin/true");
  const folder = temporaryFolder(t, { "shop.service": `${unit}\n`, "shop.socket": `${block("[Socket]")}\n` });
  const units = ["shop.service", "shop.socket"].map((name) => join(folder, name));
  const { status, stderr } = spawnSync("systemd-analyze", ["verify", ...units], { encoding: "utf8" });
  assert.deepEqual([status, stderr.trim()], [0, ""]);
});

const COMMANDS: Readonly<Record<string, () => readonly string[]>> = {
  "systemd's": () => captured(/^ExecStart=\S+ (.*)$/m, block("[Service]")).split(" "),
  "Docker's": () => (JSON.parse(captured(/^CMD (.*)$/m, block("FROM "))) as string[]).slice(1),
  "Kubernetes'": () => (JSON.parse(captured(/^ +args: (.*)$/m, block("containers:"))) as string[]).slice(1),
};

for (const [whose, words] of Object.entries(COMMANDS)) {
  test(`${whose} command line serves`, async (t) => {
    const cwd = temporaryFolder(t, { "shop/__init__.py": "", "shop/wsgi.py": APP });
    const args = words()
      .map((word) => word.replace(/:8000$/, ":0").replace(/^\/srv\/shop\/venv\/bin\/python$/, PYTHON))
      .filter((word) => word !== "");
    const server = await startServer(t, args, { cwd });
    await server.logged(/Ready at/);
    assert.equal((await ask(server.endpoint)).body, "shop");
    if (args.includes("--health")) {
      assert.equal((await ask(server.endpoint, { path: "/-/ready" })).status, 200);
    }
    assert.equal((await server.stop()).code, 0);
  });
}
