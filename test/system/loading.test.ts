// From a target to an application, and what is said and which code is returned when there is none.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { APPS, runTunicorn, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";

const FOLDER = join(APPS, "loading");
const ANY_PORT = ["-b", "127.0.0.1:0"];

/** target → what it answers */
const TARGETS: Readonly<Record<string, string>> = {
  "shapes:app": "app",
  shapes: "app",
  "shapes:holder.nested": "nested",
  "shapes:factory()": "factory",
  "shapes:factory('twice', times=2)": "twice twice",
  "shapes:Application": "class",
  "shapes.py": "app",
  "./shapes.py:factory()": "factory",
};

for (const [target, answer] of Object.entries(TARGETS)) {
  test(`the target ${target} is found`, async (t) => {
    const server = await startServer(t, [...ANY_PORT, target], { cwd: FOLDER });
    assert.equal((await ask(server.endpoint)).body, answer);
    await server.stop();
  });
}

interface Failure {
  readonly target: string;
  readonly code: number;
  readonly says: readonly RegExp[];
}

const FAILURES: Readonly<Record<string, Failure>> = {
  "a module that is not there": {
    target: "no_such_module",
    code: 3,
    says: [/no_such_module/, /shapes/],
  },
  "a module that misses a package": {
    target: "misses_a_package",
    code: 3,
    says: [/no_such_package_anywhere/, /Traceback/],
  },
  "an exception at import": {
    target: "raises_at_import",
    code: 3,
    says: [/RuntimeError: raised at import/, /raises_at_import\.py/],
  },
  "an exit at import": { target: "exits_at_import", code: 3, says: [/SystemExit|exit/] },
  "a factory that raises": { target: "shapes:fails()", code: 3, says: [/RuntimeError: the factory failed/] },
  "a name that is not there": { target: "names_none:app", code: 4, says: [/\bapp\b/, /create_app|wsgi/] },
  "no default name": { target: "names_none", code: 4, says: [/application/, /create_app|wsgi/] },
  "something that is not callable": { target: "not_callable", code: 4, says: [/callable/] },
};

for (const [name, { target, code, says }] of Object.entries(FAILURES)) {
  test(`${name} ends the start with code ${code} and a word of help`, async (t) => {
    const exit = await runTunicorn(t, [...ANY_PORT, target], { cwd: FOLDER });
    for (const pattern of says) assert.match(exit.output, pattern);
    assert.equal(exit.code, code);
  });
}

test("a syntax error names file and line", async (t) => {
  const folder = temporaryFolder(t, { "broken.py": "def application(:\n" });
  const exit = await runTunicorn(t, [...ANY_PORT, "broken"], { cwd: folder });
  assert.match(exit.output, /SyntaxError/);
  assert.match(exit.output, /broken\.py/);
  assert.equal(exit.code, 3);
});

test("--check-config loads the application and tells by its exit code", async (t) => {
  const good = await runTunicorn(t, ["--check-config", "shapes:app"], { cwd: FOLDER });
  assert.equal(good.code, 0, good.output);
  const bad = await runTunicorn(t, ["--check-config", "raises_at_import"], { cwd: FOLDER });
  assert.equal(bad.code, 1, bad.output);
  assert.match(bad.output, /raised at import/);
});

test("--chdir and --pythonpath say where modules are", async (t) => {
  const folder = temporaryFolder(t, {
    "site/main.py": "from helper import application\n",
    "lib/helper.py":
      "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'helped']\n",
  });
  const args = ["--chdir", join(folder, "site"), "--pythonpath", join(folder, "lib"), ...ANY_PORT, "main"];
  const server = await startServer(t, args);
  assert.equal((await ask(server.endpoint)).body, "helped");
});

test("-e sets the application's environment", async (t) => {
  const folder = temporaryFolder(t, {
    "main.py":
      "import os\nTOLD = os.environ['TOLD'].encode()\n\n" +
      "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [TOLD]\n",
  });
  const server = await startServer(t, ["-e", "TOLD=you so", ...ANY_PORT, "main"], { cwd: folder });
  assert.equal((await ask(server.endpoint)).body, "you so");
});

test("bad command lines are refused at once with code 2, all mistakes together", async (t) => {
  const unknown = await runTunicorn(t, ["--worker", "2", "shapes"], { cwd: FOLDER });
  assert.equal(unknown.code, 2);
  assert.match(unknown.output, /--workers/);
  const several = await runTunicorn(t, ["-w", "many", "-b", "127.0.0.1:99999", "shapes"], { cwd: FOLDER });
  assert.equal(several.code, 2);
  assert.match(several.output, /many/);
  assert.match(several.output, /99999/);
  const later = await runTunicorn(t, ["--http2-cleartext", "upgrade", "shapes"], { cwd: FOLDER });
  assert.equal(later.code, 2);
  assert.match(later.output, /http2-cleartext.*upgrade/);
});

test("no application, or no Python, is one clear line", async (t) => {
  const nothing = await runTunicorn(t, [], { cwd: FOLDER });
  assert.notEqual(nothing.code, 0);
  assert.match(nothing.output, /app/i);
  const python = await runTunicorn(t, ["--python", "/no/such/python", ...ANY_PORT, "shapes"], {
    cwd: FOLDER,
  });
  assert.notEqual(python.code, 0);
  assert.match(python.output, /\/no\/such\/python/);
});

test("--version and --help print and exit", async (t) => {
  const version = await runTunicorn(t, ["--version"]);
  assert.equal(version.code, 0);
  assert.match(version.output, /tunicorn.*\d+\.\d+\.\d+/);
  const help = await runTunicorn(t, ["--help"]);
  assert.equal(help.code, 0);
  assert.match(help.output, /--workers/);
});

test("WEB_CONCURRENCY and GUNICORN_CMD_ARGS are heard, and the command line wins", async (t) => {
  const env = { WEB_CONCURRENCY: "2", GUNICORN_CMD_ARGS: "--bind 127.0.0.1:1 --threads 3" };
  const exit = await runTunicorn(t, ["--print-config", "-b", "127.0.0.1:0", "shapes"], { cwd: FOLDER, env });
  assert.equal(exit.code, 0, exit.output);
  assert.match(exit.output, /workers\s*=\s*2\b/);
  assert.match(exit.output, /threads\s*=\s*3\b/);
  assert.doesNotMatch(exit.output, /127\.0\.0\.1:1\b/);
});
