import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { Aborts } from "../../../src/arbiter/aborts.ts";

function stage(): { aborts: Aborts; log: string[] } {
  const log: string[] = [];
  const aborts = new Aborts({
    askStacks: (age) => log.push(`stacks ${age}`),
    dump: (age) => log.push(`dump ${age}`),
    signal: (age, signal) => log.push(`${signal} ${age}`),
  });
  return { aborts, log };
}

describe("ending a stuck worker", () => {
  it("asks for its stacks, then aborts it, then kills it", () => {
    const { aborts, log } = stage();
    aborts.begin(1, 0);
    equal(aborts.onStacks(1, 100), true);
    aborts.onTime(2_000);
    deepEqual(log, ["stacks 1", "SIGABRT 1"]);
    aborts.onTime(aborts.nextMomentMs());
    deepEqual(log, ["stacks 1", "SIGABRT 1", "SIGKILL 1"]);
    equal(aborts.nextMomentMs(), Number.POSITIVE_INFINITY);
  });

  it("does not wait long for a worker that cannot answer, and has its stacks shown by force", () => {
    const { aborts, log } = stage();
    aborts.begin(1, 0);
    aborts.onTime(1_000);
    deepEqual(log, ["stacks 1", "dump 1", "SIGABRT 1"]);
    equal(aborts.onStacks(1, 1_100), false);
  });

  it("is over when the worker is gone", () => {
    const { aborts, log } = stage();
    aborts.begin(1, 0);
    aborts.onStacks(1, 10);
    aborts.forget(1);
    aborts.onTime(100_000);
    deepEqual(log, ["stacks 1", "SIGABRT 1"]);
  });

  it("kills at once when the server cannot wait", () => {
    const { aborts, log } = stage();
    aborts.begin(1, 0);
    aborts.hasten();
    deepEqual(log, ["stacks 1", "SIGKILL 1"]);
  });
});
