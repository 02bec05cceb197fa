import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configFrom } from "./support.ts";

describe("reload", () => {
  it("is off, and leaves the times of production alone", () => {
    const { reload, streamGraceMs, queueTimeoutMs } = configFrom("a");
    assert.equal(reload.isOn, false);
    assert.ok(streamGraceMs > 0);
    assert.equal(queueTimeoutMs, configFrom("--queue-timeout 30 a").queueTimeoutMs);
  });

  it("watches the application's folders unless others are named", () => {
    const plain = configFrom("--reload --chdir app --pythonpath ../lib a").reload;
    assert.deepEqual(plain.folders, ["/srv/app", "/srv/lib"]);
    const named = configFrom("--reload --reload-dir src --reload-dir /else a").reload;
    assert.deepEqual(named.folders, ["/srv/src", "/else"]);
  });

  it("takes uvicorn's names, patterns and folders", () => {
    const line =
      "--reload --reload-include *.css --reload-exclude test_*.py --reload-exclude data --reload-delay 0.25 a";
    const { reload } = configFrom(line);
    assert.deepEqual(reload.includes, ["*.css"]);
    assert.deepEqual(reload.excludes, ["test_*.py", "data", "/srv/data"]);
    assert.equal(reload.delayMs, 250);
  });

  it("takes gunicorn's extra files, below the application's folder", () => {
    const { extraFiles } = configFrom(
      "--reload --reload-extra-file conf/*.yaml --reload-extra-file /etc/x a",
    ).reload;
    assert.deepEqual(extraFiles, ["/srv/conf/*.yaml", "/etc/x"]);
  });

  it("lets requests wait as long as the application may take to start, and streams go at once", () => {
    const config = configFrom("--reload --queue-timeout 5 --boot-timeout 90 a");
    assert.equal(config.queueTimeoutMs, 90_000);
    assert.equal(config.streamGraceMs, 0);
  });
});

describe("colours", () => {
  it("are off for whoever says NO_COLOR, unless asked for in so many words", () => {
    assert.equal(configFrom("a").useColors, "auto");
    assert.equal(configFrom("a", { NO_COLOR: "" }).useColors, "auto");
    assert.equal(configFrom("a", { NO_COLOR: "1" }).useColors, "off");
    assert.equal(configFrom("--use-colors a", { NO_COLOR: "1" }).useColors, "on");
  });
});
