// Who the application's processes are: users and groups when root starts the server, and each application's own user and Python.

import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { ROOT, runTunicorn, type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

/** A virtual environment may lie where only root can read. */
const SYSTEM_PYTHON = "/usr/bin/python3";
const ANYONE_READS = 0o755;
const EXTRA_GROUP = 54399;

const can = (...[name = "", ...args]: readonly string[]): boolean =>
  spawnSync(name, args, { timeout: 20_000 }).status === 0;
/** Through a shell: setpriv itself keeps root's rights until it has become the next program. */
const nobodyCan = (command: string): boolean =>
  can("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "sh", "-c", command);

function whyNot(): string | false {
  if (process.getuid?.() !== 0) return "only root can become somebody else";
  if (!nobodyCan(`exec ${SYSTEM_PYTHON} -c 0`)) return `the user nobody cannot run ${SYSTEM_PYTHON}`;
  return nobodyCan(`ls ${join(ROOT, "python")}`) ? false : "the user nobody cannot read the sources";
}

const NOBODY = { skip: whyNot() };
const MOUNTS = { skip: NOBODY.skip || (can("unshare", "--mount", "true") ? false : "no mounts here") };

function groupsOf(server: Server): string[] {
  return server.tree.workers.map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return /^Groups:\s*(.*?)\s*$/m.exec(status)?.[1] ?? "";
  });
}

test(
  "a user who may not read Python's library is told so, not that a module is missing",
  MOUNTS,
  async (t) => {
    const copy = temporaryFolder(t);
    const found = execFileSync(SYSTEM_PYTHON, ["-c", "import os; print(os.path.dirname(os.__file__))"]);
    const library = found.toString().trim();
    cpSync(library, copy, { recursive: true, verbatimSymlinks: true });
    chmodSync(copy, 0o700);
    const hide = `mount --bind ${copy} ${library}`;
    const wrapper = ["unshare", "--mount", "sh", "-c", `${hide} && exec "$@"`, "sh"];
    const args = ["--python", SYSTEM_PYTHON, "-u", "nobody", "-b", "127.0.0.1:0", "plain"];
    const { code, output } = await runTunicorn(t, args, { wrapper });
    equal(code, 3, output);
    match(output, /the user nobody cannot read Python's library/);
    match(output, /hint="let that user read/);
  },
);

test(
  "--initgroups gives workers the groups that the user is in, and without it they have one",
  MOUNTS,
  async (t) => {
    const folder = temporaryFolder(t);
    const groups = join(folder, "group");
    writeFileSync(groups, `${readFileSync("/etc/group", "utf8")}extra:x:${EXTRA_GROUP}:nobody\n`);
    const wrapper = [
      "unshare",
      "--mount",
      "sh",
      "-c",
      `mount --bind ${groups} /etc/group && exec "$@"`,
      "sh",
    ];
    const args = ["--python", SYSTEM_PYTHON, "-u", "nobody", "-g", "nogroup", "-b", "127.0.0.1:0", "plain"];
    const having = await startServer(t, ["--initgroups", ...args], { wrapper });
    await having.logged(/Ready at/);
    match(groupsOf(having)[0] ?? "", new RegExp(`\\b${EXTRA_GROUP}\\b`));
    await having.stop();
    const lacking = await startServer(t, args, { wrapper });
    await lacking.logged(/Ready at/);
    equal(groupsOf(lacking).length, 1);
    doesNotMatch(groupsOf(lacking)[0] ?? "", new RegExp(`\\b(0|${EXTRA_GROUP})\\b`));
    await lacking.stop();
  },
);

const TELLS = `
import os, sys
import flavour
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("%d %s %s" % (os.getuid(), sys.prefix, flavour.NAME)).encode()]
`;

/** With a module that only it has. Returns where it lies. */
function makeVenv(folder: string, name: string): string {
  const venv = join(folder, `venv-${name}`);
  execFileSync(SYSTEM_PYTHON, ["-m", "venv", "--without-pip", venv], { stdio: "pipe" });
  const [version = ""] = readdirSync(join(venv, "lib"));
  writeFileSync(join(venv, "lib", version, "site-packages/flavour.py"), `NAME = "${name}"\n`);
  return venv;
}

const canMakeVenv = can(SYSTEM_PYTHON, "-c", "import venv");
const VENVS = { skip: NOBODY.skip || (canMakeVenv ? false : `${SYSTEM_PYTHON} cannot make environments`) };

test("each application of a site runs as its own user in its own virtual environment", VENVS, async (t) => {
  const folder = temporaryFolder(t, { "main.py": TELLS });
  chmodSync(folder, ANYONE_READS);
  const [red, blue] = [makeVenv(folder, "red"), makeVenv(folder, "blue")];
  const quoted = JSON.stringify;
  const table = (name: string, venv: string, more: string): string =>
    `[apps.${name}]\napp = "main:app"\nchdir = ${quoted(folder)}\nworkers = 1\npython = ${quoted(join(venv, "bin/python"))}\n${more}\n`;
  const site = [
    'bind = "127.0.0.1:0"\n',
    table("red", red, 'user = "nobody"\ngroup = "nogroup"'),
    table("blue", blue, 'user = "54321"\ngroup = "54322"'),
    '[[routes]]\nmatch = { path = "/blue/*" }\napp = "blue"\n\n[[routes]]\napp = "red"\n',
  ];
  writeFileSync(join(folder, "tunicorn.toml"), site.join("\n"));
  const env = { VIRTUAL_ENV: undefined };
  const server = await startServer(t, ["-c", join(folder, "tunicorn.toml")], { cwd: folder, env });
  await server.logged(/Ready at .*app=red/);
  await server.logged(/Ready at .*app=blue/);
  const answers = [await ask(server.endpoint), await ask(server.endpoint, { path: "/blue/" })];
  deepEqual(
    answers.map(({ body }) => body),
    [`65534 ${red} red`, `54321 ${blue} blue`],
  );
  await server.stop();
});
