import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pythonSettings } from "../../../src/arbiter/forkserver-handle.ts";
import { APPLIED_BY_RELOAD, changedButFixed } from "../../../src/arbiter/setup.ts";
import type { Config } from "../../../src/config/config.ts";
import { configFrom } from "../config/support.ts";

/** Taken by the arbiter from the newest generation's Config, each time it needs them. */
const TAKEN_BY_ARBITER = ["workers", "gracefulTimeoutMs", "bootTimeoutMs"];

function namesReadBy(read: (config: Config) => void): Set<string> {
  const names = new Set<string>();
  const watched = new Proxy(configFrom("a"), {
    get: (config, name) => {
      names.add(String(name));
      return Reflect.get(config, name);
    },
  });
  read(watched);
  return names;
}

/** Every member with another value than before. */
function allDifferent(config: Config): Config {
  const changed = Object.keys(config).map((name) => [name, `another ${name}`]);
  return Object.fromEntries(changed) as unknown as Config;
}

describe("a reload with other settings", () => {
  it("names every member of the Config that it does not apply", () => {
    const running = configFrom("-w 2..8 a");
    const names = new Set([...changedButFixed(running, allDifferent(running)), ...APPLIED_BY_RELOAD]);
    assert.deepEqual([...names].sort(), Object.keys(running).sort());
  });

  it("applies what the next generation's Python side is given", () => {
    const given = namesReadBy((config) => pythonSettings(config, 1, "0"));
    const members = [...APPLIED_BY_RELOAD].filter((name) => !TAKEN_BY_ARBITER.includes(name));
    assert.deepEqual(
      members.filter((name) => !given.has(name)),
      [],
    );
  });

  it("does not name what has not changed", () => {
    assert.deepEqual(changedButFixed(configFrom("-n name a"), configFrom("-n name other --threads 4")), []);
  });

  it("applies a number of workers, but not its bounds", () => {
    const running = configFrom("-w 2 a");
    assert.deepEqual(changedButFixed(running, configFrom("-w 3 a")), []);
    assert.deepEqual(changedButFixed(running, configFrom("-w 2..4 a")), ["workersMax"]);
  });
});
