import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { wantsColors } from "../../../src/log/color.ts";
import { type ErrorLog, type ErrorLogOptions, openErrorLog, textLine } from "../../../src/log/error-log.ts";
import { FakeFiles } from "./support.ts";

const NOW = Date.UTC(2026, 10, 21, 8, 6, 0);

function open(files: FakeFiles, changes: Partial<ErrorLogOptions> = {}): ErrorLog {
  return openErrorLog({ level: "info", json: false, path: "-", pid: 42, files, now: () => NOW, ...changes });
}

describe("error log", () => {
  it("writes gunicorn's line form to stderr", () => {
    const files = new FakeFiles();
    open(files).info("worker exited", {
      nr: 2,
      pid: 4711,
      signal: "SIGKILL",
      cause: "drain timeout",
      code: undefined,
    });
    assert.match(
      files.textOf("stderr"),
      /^\[2026-11-2\d \d\d:06:00 [+-]\d{4}\] \[42\] \[INFO\] worker exited nr=2 pid=4711 signal=SIGKILL cause="drain timeout"\n$/,
    );
  });

  it("colours the level of text lines where colours are wanted", () => {
    const files = new FakeFiles();
    open(files, { colors: true }).error("e");
    open(files, { colors: true, json: true }).error("e");
    const [text = "", json = ""] = files.textOf("stderr").split("\n");
    assert.ok(text.endsWith("[\x1b[31mERROR\x1b[0m] e"), text);
    assert.ok(json.includes('"level":"error"'), json);
  });

  it("wants colours when told so, or of itself for a terminal", () => {
    const isTerminal = (fd: number): boolean => fd === 2;
    for (const [useColors, path, expected] of [
      ["auto", "-", true],
      ["auto", "/dev/stdout", false],
      ["auto", "/var/log/a.log", false],
      ["on", "/var/log/a.log", true],
      ["off", "-", false],
    ] as const) {
      assert.equal(wantsColors(useColors, path, 2, isTerminal), expected, `${useColors} ${path}`);
    }
  });

  it("leaves out what is less severe than its level", () => {
    const files = new FakeFiles();
    const log = open(files, { level: "warning" });
    for (const level of ["trace", "debug", "info", "warning", "error", "critical"] as const)
      log[level](level);
    const levels = [...files.textOf("stderr").matchAll(/\[([A-Z]+)\]/g)].map((match) => match[1]);
    assert.deepEqual(levels, ["WARNING", "ERROR", "CRITICAL"]);
  });

  for (const [title, event, fields, expected] of [
    ["numbers and truth bare", "e", { a: 1, b: true, c: null }, "e a=1 b=true c=null"],
    ["spaces and nothing in quotes", "e", { a: "x y", b: "" }, 'e a="x y" b=""'],
    ["quotes and backslashes escaped", "e", { a: 'x"\\y' }, 'e a="x\\"\\\\y"'],
    ["an equals sign in quotes", "e", { a: "b=c" }, 'e a="b=c"'],
    ["line breaks as \\n", "a\nb", { c: "d\r\ne" }, 'a\\nb c="d\\r\\ne"'],
    ["terminal sequences as \\x", "e", { a: "\u001b[2J\u009b1m\u007f" }, 'e a="\\x1b[2J\\x9b1m\\x7f"'],
    ["line separators and text direction as \\u", "e", { a: "\u2028\u202e" }, 'e a="\\u2028\\u202e"'],
    ["other languages as they are", "e", { a: "Grüße 世界 😀" }, 'e a="Grüße 世界 😀"'],
    ["halves of characters as \\u", "e", { a: "\ud83d" }, 'e a="\\ud83d"'],
    ["lists plainly", "e", { a: [1, "x"] }, 'e a="1, x"'],
    [
      "paths and addresses bare",
      "e",
      { a: "unix:/run/a.sock", b: "127.0.0.1:80" },
      "e a=unix:/run/a.sock b=127.0.0.1:80",
    ],
  ] as const) {
    it(`shows ${title}`, () => assert.equal(textLine(event, fields), expected));
  }

  it("shows a traceback below its event, indented so that none of its lines can pass for an event", () => {
    const traceback = 'Traceback:\n  File "a.py"\n[2026-01-01 00:00:00 +0000] [1] [INFO] forged\u001b[0m\n';
    assert.equal(
      textLine("app failed", { traceback, step: "import" }),
      'app failed step=import\n    Traceback:\n      File "a.py"\n    [2026-01-01 00:00:00 +0000] [1] [INFO] forged\\x1b[0m',
    );
  });

  it("writes one JSON object a line, whatever it is told", () => {
    const files = new FakeFiles();
    open(files, { json: true }).warning("a\nb", {
      traceback: "x\ny\u2028\u009b",
      time: "forged",
      n: 1,
      pid: 7,
    });
    const text = files.textOf("stderr");
    assert.equal(text.split("\n").length, 2);
    assert.ok(!/[\u2028\u009b]/.test(text));
    assert.deepEqual(JSON.parse(text), {
      traceback: "x\ny\u2028\u009b",
      time: "2026-11-21T08:06:00.000Z",
      n: 1,
      childPid: 7,
      level: "warning",
      pid: 42,
      event: "a\nb",
    });
  });

  it("counts lines that a broken sink lost and says so when it works again", () => {
    const files = new FakeFiles();
    const log = open(files);
    files.failure = "ENOSPC";
    log.info("one");
    log.info("two");
    files.failure = undefined;
    log.info("three");
    const lines = files.textOf("stderr").trimEnd().split("\n");
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? "", /\[WARNING\] log lines lost lines=2 cause=ENOSPC$/);
    assert.match(lines[1] ?? "", /three$/);
  });

  for (const code of ["EPIPE", "EIO", "EBADF"]) {
    it(`survives ${code}`, () => {
      const files = new FakeFiles();
      const log = open(files);
      files.failure = code;
      log.critical("x");
      log.close();
    });
  }

  it("keeps lines for a sink that is full at the moment, in order", () => {
    const files = new FakeFiles();
    const log = open(files);
    files.failure = "EAGAIN";
    log.info("one");
    log.info("two");
    files.failure = undefined;
    files.bytesMax = 10;
    log.info("three");
    files.bytesMax = 1_000_000;
    log.close();
    const events = files
      .textOf("stderr")
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" ").at(-1));
    assert.deepEqual(events, ["one", "two", "three"]);
  });

  it("tries again by itself when no further line comes", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const files = new FakeFiles();
    const log = open(files);
    files.failure = "EAGAIN";
    log.info("one");
    t.mock.timers.tick(50);
    files.failure = undefined;
    t.mock.timers.tick(50);
    assert.match(files.textOf("stderr"), /one\n$/);
    log.close();
  });

  it("bounds what it keeps, and counts the rest", () => {
    const files = new FakeFiles();
    const log = open(files);
    files.failure = "EAGAIN";
    for (let i = 0; i < 3; i++) log.info("x".repeat(100_000));
    files.failure = undefined;
    log.info("end");
    assert.match(files.textOf("stderr"), /log lines lost lines=1 cause=EAGAIN/);
  });

  it("appends to a file and opens it anew after a rotation", (t) => {
    const folder = mkdtempSync(join(tmpdir(), "tunicorn-log-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "error.log");
    const log = openErrorLog({ level: "info", json: false, path, pid: 1 });
    log.info("one");
    renameSync(path, `${path}.1`);
    log.info("two");
    log.reopen();
    log.info("three");
    log.close();
    assert.match(readFileSync(`${path}.1`, "utf8"), /one\n.*two\n$/);
    assert.match(readFileSync(path, "utf8"), /^[^\n]*three\n$/);
  });

  it("keeps its file when it cannot be opened anew", () => {
    const files = new FakeFiles();
    const log = open(files, { path: "/var/log/x" });
    files.open = () => {
      throw Object.assign(new Error("x"), { code: "EACCES" });
    };
    log.reopen();
    assert.match(
      files.textOf("/var/log/x"),
      /\[ERROR\] log file not reopened path=\/var\/log\/x cause=EACCES/,
    );
  });

  it("throws at birth when its file cannot be opened", () => {
    assert.throws(() => open(new FakeFiles(), { path: "/forbidden/x" }), { code: "EACCES" });
  });

  it("takes /dev/stderr for the stream, which need not be openable", () => {
    const files = new FakeFiles();
    open(files, { path: "/dev/stderr" }).info("x");
    assert.match(files.textOf("stderr"), /x\n$/);
  });
});
