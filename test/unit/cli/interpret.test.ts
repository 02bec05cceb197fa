import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { SETTINGS_PAGE, settingsPage } from "../../../scripts/settings-page.ts";
import { wrap } from "../../../src/cli/help.ts";
import { type Intent, interpretCommandLine } from "../../../src/cli/interpret.ts";
import { flagsOf, SETTING_ROWS } from "../../../src/config/settings.ts";

function interpret(
  command: string,
  env: Readonly<Record<string, string>> = {},
  files: readonly string[] = [],
): Intent {
  return interpretCommandLine(command.split(" ").filter(Boolean), env, "/srv", {
    version: "1.2.3",
    countWorkers: () => ({ workers: 3, arithmetic: "three" }),
    isFile: (path) => files.includes(path),
    readFile: () => undefined,
  });
}

describe("command line interpreter", () => {
  it("prints the version as gunicorn does", () => {
    assert.deepEqual(interpret("--version"), {
      type: "print",
      text: "tunicorn (version 1.2.3)\n",
      exitCode: 0,
    });
    assert.equal(interpret("-v --nonsense").type, "print");
  });

  it("prints help that names every flag", () => {
    const help = interpret("--help");
    assert.ok(help.type === "print" && help.exitCode === 0);
    for (const [, setting] of SETTING_ROWS) {
      const long = setting.flags.find((flag) => flag.startsWith("--"));
      if (long !== undefined) assert.ok(help.text.includes(long), long);
      if (setting.status.kind !== "supported") continue;
      for (const flag of flagsOf(setting)) assert.ok(help.text.includes(flag), flag);
    }
  });

  it("keeps help within its width", () => {
    const help = interpret("-h");
    assert.ok(help.type === "print");
    for (const line of help.text.split("\n")) assert.ok(line.length <= 118, line);
  });

  it("prints all problems and exits with 2", () => {
    const intent = interpret("--wrokers 2 -w x a");
    assert.ok(intent.type === "fail");
    assert.equal(intent.exitCode, 2);
    assert.equal(intent.text.match(/^tunicorn: error: /gm)?.length, 2);
    assert.match(intent.text, /did you mean --workers\?/);
  });

  it("exits with 1 and a hint when no application is named", () => {
    const intent = interpret("-w 2");
    assert.ok(intent.type === "fail");
    assert.equal(intent.exitCode, 1);
    assert.match(intent.text, /No application module specified\.\nUsage: tunicorn/);
  });

  it("needs no application for a folder at /, which then has the last word", () => {
    const intent = interpret("--static /=dist --static /more=more,optional=true");
    assert.ok(intent.type === "run");
    assert.deepEqual(intent.apps, []);
    assert.deepEqual(
      intent.config.routes.map(({ action }) => action.kind === "files" && action.files.isOptional),
      [true, false],
    );
    assert.equal(interpret("--static /static=static").type, "fail", "the application was forgotten");
    assert.equal(interpret("--static-internal /=files").type, "fail");
  });

  it("takes the application from uvicorn's and its own variable", () => {
    for (const env of [{ UVICORN_APP: "a:b" }, { TUNICORN_APP: "a:b" }, { GUNICORN_CMD_ARGS: "a:b" }]) {
      const intent = interpret("", env as Readonly<Record<string, string>>);
      assert.ok(intent.type === "run");
      assert.equal(intent.config.app, "a:b");
    }
  });

  it("runs, with warnings and notes to be logged", () => {
    const intent = interpret("-w auto --http-parser fast app:app");
    assert.ok(intent.type === "run");
    assert.equal(intent.mode, "serve");
    assert.equal(intent.config.workers, 3);
    assert.deepEqual(intent.notes, ["three"]);
    assert.equal(intent.warnings.length, 1);
    assert.equal(intent.text, "");
  });

  it("asks for the configuration file that is there, and reads the rest with what it says", () => {
    const intent = interpret("app:app", {}, ["/srv/gunicorn.conf.py"]);
    assert.ok(intent.type === "read-file");
    assert.deepEqual(intent.file, {
      language: "python",
      kind: "file",
      name: "/srv/gunicorn.conf.py",
      shown: "gunicorn.conf.py",
    });
  });

  it("does not run a configuration file when the command line is wrong", () => {
    const intent = interpret("--nonsense app:app", {}, ["/srv/gunicorn.conf.py"]);
    assert.ok(intent.type === "fail" && intent.exitCode === 2);
  });

  it("checks the configuration when asked to", () => {
    const intent = interpret("--check-config app:app");
    assert.ok(intent.type === "run" && intent.mode === "check");
  });

  it("prints the configuration with the source of each value", () => {
    const intent = interpret("--print-config -w 4 --port 9 --threads 2 app:app", { UVICORN_BACKLOG: "5" });
    assert.ok(intent.type === "print");
    assert.match(intent.text, /^workers += 4 {2}# -w$/m);
    assert.match(intent.text, /^bind += 127\.0\.0\.1:9 {2}# --port$/m);
    assert.match(intent.text, /^worker_class += gthread {2}# default$/m);
    assert.match(intent.text, /^backlog += 5 {2}# \$UVICORN_BACKLOG$/m);
    assert.match(intent.text, /^keepalive += 75 {2}# default$/m);
  });

  it("prints the configuration before it checks the application", () => {
    const intent = interpret("--print-config --check-config app:app");
    assert.ok(intent.type === "run" && intent.mode === "check");
    assert.match(intent.text, /^workers +=/m);
  });
});

describe("wrapped text", () => {
  it("breaks between words and indents", () => {
    const lines = wrap("word ".repeat(60).trim(), 4).trimEnd().split("\n");
    assert.ok(lines.length > 1);
    for (const line of lines) assert.match(line, /^ {4}word( word)*$/);
  });
});

describe("docs/settings.md", () => {
  it("is what the table makes of it (npm run docs:settings)", () => {
    assert.equal(readFileSync(SETTINGS_PAGE, "utf8"), settingsPage());
  });
});
