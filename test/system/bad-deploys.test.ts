// Everything an operator can do wrong while a server runs: what serves goes on serving, the log says what was wrong, and the next
// right word is heard.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { runTunicorn, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const QUICK_MS = 15_000;

const app = (answer: string, first = ""): string => `${first}
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"${answer}"]
`;

const BAD: Readonly<Record<string, { readonly code: string; readonly says: RegExp }>> = {
  "a syntax error": { code: "def (:\n", says: /SyntaxError/ },
  "an exception at import": { code: "raise ValueError('no luck')\n", says: /ValueError: no luck/ },
  "an exit at import": { code: "import sys\nsys.exit(7)\n", says: /SystemExit|exited with 7/ },
  "a worker that dies at once": {
    code: "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
    says: /(?:worker|forkserver) exited[^\n]*signal=SIGKILL/,
  },
  "an application that is not there": { code: "application = None\n", says: /application/ },
  "an application that never becomes ready": {
    code: "import time\ntime.sleep(600)\n",
    says: /boot-timeout|was not ready in time/,
  },
};

for (const preload of [[], ["--preload"]]) {
  test(`HUP with bad code keeps what serves, whatever is wrong with it ${preload.join("")}`, async (t) => {
    const folder = temporaryFolder(t, { "shop.py": app("0") });
    const args = ["-w", "2", "-b", "127.0.0.1:0", "--boot-timeout", "2", ...preload, "shop"];
    const server = await startServer(t, args, { cwd: folder, env: { PYTHONDONTWRITEBYTECODE: "1" } });
    await server.logged(/Ready at/);
    const answer = async (): Promise<string> => (await ask(server.endpoint)).body;
    let good = 0;
    for (const [name, { code, says }] of Object.entries(BAD)) {
      const failures = (): number => [...server.output.matchAll(/reload failed/g)].length;
      const before = failures();
      const from = server.output.length;
      writeFileSync(join(folder, "shop.py"), code);
      server.signal("SIGHUP");
      await eventually(QUICK_MS, `the reload to fail for ${name}`, () => failures() > before);
      assert.match(server.output.slice(from), says, name);
      assert.equal(await answer(), String(good), name);
      good += 1;
      writeFileSync(join(folder, "shop.py"), app(String(good)));
      server.signal("SIGHUP");
      const finished = (): number => server.output.split("reload finished").length - 1;
      await eventually(QUICK_MS, `new code after ${name}`, () => finished() === good);
      assert.equal(await answer(), String(good), name);
    }
    assert.equal((await server.stop()).code, 0);
  });
}

const TOGETHER: readonly (readonly NodeJS.Signals[])[] = [
  ["SIGHUP", "SIGHUP"],
  ["SIGHUP", "SIGTTIN", "SIGTTOU"],
  ["SIGTTOU", "SIGHUP", "SIGUSR1"],
];

for (const signals of TOGETHER) {
  test(`${signals.join(" and ")} at once are all obeyed`, async (t) => {
    const server = await startServer(t, ["-w", "2", "-b", "127.0.0.1:0", "plain"]);
    await server.logged(/Ready at/);
    const { workers: old } = server.tree;
    for (const signal of signals) server.signal(signal);
    await eventually(QUICK_MS, "only new workers", () => {
      const { workers } = server.tree;
      return workers.length > 0 && workers.every((pid) => !old.includes(pid));
    });
    assert.equal((await ask(server.endpoint, { path: "/hello" })).status, 200);
    assert.equal((await server.stop()).code, 0);
  });
}

test("HUP during the start is obeyed when the start is done", async (t) => {
  const folder = temporaryFolder(t, { "late.py": `import time\ntime.sleep(1)\n${app("1")}` });
  const server = await startServer(t, ["-w", "2", "-b", "127.0.0.1:0", "late"], { cwd: folder });
  await server.logged(/Booting worker/);
  writeFileSync(join(folder, "late.py"), app("2"));
  server.signal("SIGHUP");
  await server.logged(/Ready at[\s\S]*reload finished generation=2/);
  // The fronts hear of it in the same moment as the log.
  const isNew = async (): Promise<boolean> => /2/.test((await ask(server.endpoint, { path: "/" })).body);
  await eventually(QUICK_MS, "the new code", isNew);
  await server.stop();
});

for (const signals of [
  ["SIGHUP", "SIGTERM"],
  ["SIGTERM", "SIGHUP"],
  ["SIGTERM", "SIGINT"],
] as const) {
  test(`${signals.join(" and ")} at once end the server`, async (t) => {
    const server = await startServer(t, ["-w", "2", "-b", "127.0.0.1:0", "plain"]);
    await server.logged(/Ready at/);
    for (const signal of signals) server.signal(signal);
    assert.equal((await server.exited()).code, 0);
    await server.assertNothingLeft();
  });
}

test("a configuration with several mistakes names all of them, with exit code 1", async (t) => {
  const texts: Readonly<Record<string, string>> = {
    "gunicorn.conf.py":
      'workers = "many"\ntimeout = -1\ndef post_fork(one): pass\nwroker_class = 1\nwsgi_app = "shop"\n',
    "tunicorn.toml": 'workers = "many"\ntimeout = -1\nwroker_class = "sync"\nwsgi_app = "shop"\n',
  };
  for (const [name, text] of Object.entries(texts)) {
    const folder = temporaryFolder(t, { "shop.py": app("0"), [name]: text });
    const exit = await runTunicorn(t, ["-b", "127.0.0.1:0"], { cwd: folder });
    assert.equal(exit.code, 1, exit.output);
    const hooks = name.endsWith("py") ? ["post_fork"] : [];
    for (const word of ["workers", "timeout", "wroker_class", ...hooks]) {
      assert.match(exit.output, new RegExp(`\\b${word}\\b`), `${word} in ${exit.output}`);
    }
  }
});
