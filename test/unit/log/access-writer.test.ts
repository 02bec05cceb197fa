import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { AccessLog } from "../../../src/log/access-record.ts";
import { type AccessWriterOptions, openAccessLog } from "../../../src/log/access-writer.ts";
import type { Log } from "../../../src/log/log.ts";
import { FakeFiles, recordOf } from "./support.ts";

class HeardLog implements Log {
  readonly heard: string[] = [];
  readonly #hear = (event: string, fields: unknown): void => {
    this.heard.push(`${event} ${JSON.stringify(fields)}`);
  };
  trace: Log["trace"] = this.#hear;
  debug: Log["debug"] = this.#hear;
  info: Log["info"] = this.#hear;
  warning: Log["warning"] = this.#hear;
  error: Log["error"] = this.#hear;
  critical: Log["critical"] = this.#hear;
}

interface Setup {
  readonly files: FakeFiles;
  readonly log: HeardLog;
  readonly access: AccessLog;
}

function setup(changes: Partial<AccessWriterOptions> = {}): Setup {
  const files = new FakeFiles();
  const log = new HeardLog();
  const access = openAccessLog({ path: "-", format: "%(N)s", json: false, log, files, ...changes });
  return { files, log, access };
}

function record(access: AccessLog, from: number, to: number): void {
  for (let id = from; id <= to; id++) access.record(recordOf({ id }));
}

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`).join("");

describe("access writer", () => {
  it("gathers lines for 100 ms and writes them at once", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { files, access } = setup();
    record(access, 1, 3);
    t.mock.timers.tick(99);
    assert.equal(files.writes, 0);
    t.mock.timers.tick(1);
    await nextTurn();
    assert.equal(files.writes, 1);
    assert.equal(files.textOf("stdout"), lines(1, 3));
  });

  it("writes at once when 64 KiB are gathered", async () => {
    const { files, access } = setup({ format: `%(N)s${"x".repeat(1000)}` });
    record(access, 1, 60);
    assert.equal(files.writes, 0);
    record(access, 61, 66);
    assert.equal(files.writes, 1);
    await access.close();
    assert.equal(files.textOf("stdout").split("\n").length, 67);
  });

  it("writes what is left when it is closed, and nothing after", async () => {
    const { files, access } = setup();
    record(access, 1, 2);
    await access.close();
    record(access, 3, 3);
    await access.close();
    assert.equal(files.textOf("stdout"), lines(1, 2));
  });

  it("has one write under way at a time, in order", async () => {
    const { files, access } = setup({ format: `%(N)s` });
    files.waiting = [];
    record(access, 1, 40_000);
    assert.equal(files.waiting.length, 1);
    const closed = access.close();
    while (files.waiting.length > 0) {
      assert.equal(files.waiting.length, 1);
      files.waiting.shift()?.();
      await nextTurn();
    }
    await closed;
    assert.equal(files.textOf("stdout"), lines(1, 40_000));
  });

  it("goes on after a write that took a part", async () => {
    const { files, access } = setup();
    files.bytesMax = 3;
    record(access, 1, 20);
    await access.close();
    assert.equal(files.textOf("stdout"), lines(1, 20));
  });

  it("tries again when the sink is full at the moment", async () => {
    const { files, access } = setup();
    files.failure = "EAGAIN";
    record(access, 1, 2);
    const closed = access.close();
    await nextTurn();
    files.failure = undefined;
    await closed;
    assert.equal(files.textOf("stdout"), lines(1, 2));
  });

  it("counts lines that a broken sink lost: one error, one warning when it works again", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { files, log, access } = setup();
    const turn = async (): Promise<void> => {
      t.mock.timers.tick(100);
      await nextTurn();
    };
    files.failure = "ENOSPC";
    record(access, 1, 2);
    await turn();
    record(access, 3, 3);
    await turn();
    files.failure = undefined;
    record(access, 4, 4);
    await turn();
    assert.equal(files.textOf("stdout"), lines(4, 4));
    assert.deepEqual(log.heard, [
      'access log cannot be written {"path":"-","cause":"ENOSPC"}',
      'access log lines lost {"lines":3,"cause":"ENOSPC"}',
    ]);
  });

  it("drops lines beyond 4 MiB while a sink is stuck, and says how many", async () => {
    const { files, log, access } = setup({ format: `%(N)s${"x".repeat(65_535)}` });
    files.waiting = [];
    record(access, 1, 100);
    const closed = access.close();
    while (files.waiting.length > 0) {
      files.waiting.shift()?.();
      await nextTurn();
    }
    await closed;
    const written = files.textOf("stdout").split("\n").length - 1;
    assert.ok(written > 60 && written < 70, String(written));
    assert.deepEqual(log.heard, [`access log lines lost {"lines":${100 - written},"cause":"buffer-full"}`]);
  });

  it("gives up waiting for a stuck sink when it is closed", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { files, access } = setup({ path: "/var/log/a" });
    files.waiting = [];
    record(access, 1, 1);
    const closed = access.close();
    t.mock.timers.tick(2000);
    await closed;
    assert.equal(files.openFiles, 0);
  });

  it("opens its file anew after a rotation, between two writes", async () => {
    const { files, access } = setup({ path: "/var/log/a" });
    files.waiting = [];
    record(access, 1, 20_000);
    files.rotate("/var/log/a");
    access.reopen();
    files.waiting.shift()?.();
    assert.equal(files.openFiles, 1);
    const closed = access.close();
    while (files.waiting.length > 0) {
      files.waiting.shift()?.();
      await nextTurn();
    }
    await closed;
    assert.equal(files.textOf("/var/log/a.1") + files.textOf("/var/log/a"), lines(1, 20_000));
    assert.ok(files.textOf("/var/log/a.1").length > 0);
    assert.ok(files.textOf("/var/log/a").length > 0);
    assert.equal(files.openFiles, 0);
  });

  it("keeps its file when it cannot be opened anew", async () => {
    const { files, log, access } = setup({ path: "/var/log/a" });
    files.open = () => {
      throw Object.assign(new Error("x"), { code: "EACCES" });
    };
    access.reopen();
    record(access, 1, 1);
    await access.close();
    assert.equal(files.textOf("/var/log/a"), lines(1, 1));
    assert.match(log.heard[0] ?? "", /access log not reopened/);
  });

  it("writes JSON when asked to", async () => {
    const { files, access } = setup({ json: true });
    record(access, 1, 2);
    await access.close();
    const ids = files
      .textOf("stdout")
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { id: number }).id);
    assert.deepEqual(ids, [1, 2]);
  });
});
