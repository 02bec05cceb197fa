import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nextMomentMs, plan, type Wanted, type Worker } from "../../../src/arbiter/plan.ts";

const WANTED: Wanted = {
  workers: 2,
  generation: 1,
  surgeMax: 1,
  bootTimeoutMs: 60_000,
  drainTimeoutMs: 30_000,
  forkNotBeforeMs: new Map(),
};

function worker(nr: number, changes: Partial<Worker> = {}): Worker {
  const state = changes.state ?? "ready";
  const isServing = state === "ready";
  return { age: nr + 1, nr, generation: 1, sinceMs: 0, isRetiring: false, isServing, ...changes, state };
}

describe("the plan", () => {
  it("fills empty seats", () => {
    assert.deepEqual(plan([], WANTED, 0), [
      { type: "fork", nr: 0, generation: 1 },
      { type: "fork", nr: 1, generation: 1 },
    ]);
  });

  it("is content with what was wanted", () => {
    assert.deepEqual(plan([worker(0), worker(1, { state: "booting" })], WANTED, 0), []);
  });

  it("keeps one old worker in a seat, the oldest, when reloads overtook each other", () => {
    const pool = [
      worker(0, { age: 1, generation: 1 }),
      worker(0, { age: 2, generation: 2 }),
      worker(0, { age: 3, generation: 3, state: "booting" }),
    ];
    const wanted = { ...WANTED, workers: 1, generation: 3 };
    assert.deepEqual(plan(pool, wanted, 0), [{ type: "drain", age: 2, cause: "reload" }]);
    const alone = pool.slice(1);
    assert.deepEqual(plan(alone, wanted, 0), []);
  });

  it("does not fill a seat that crashed before its time", () => {
    const wanted = { ...WANTED, forkNotBeforeMs: new Map([[1, 500]]) };
    assert.deepEqual(plan([worker(0)], wanted, 499), []);
    assert.equal(nextMomentMs([worker(0)], wanted, 499), 500);
    assert.equal(plan([worker(0)], wanted, 500).length, 1);
  });

  it("fills a seat while its old worker still drains", () => {
    const draining = worker(1, { state: "draining" });
    assert.deepEqual(plan([worker(0), draining], WANTED, 0), [{ type: "fork", nr: 1, generation: 1 }]);
  });

  it("drains seats that are too many", () => {
    const pool = [worker(0), worker(1), worker(2), worker(3, { state: "booting" })];
    assert.deepEqual(plan(pool, WANTED, 0), [
      { type: "drain", age: 3, cause: "scale-down" },
      { type: "drain", age: 4, cause: "scale-down" },
    ]);
  });

  it("kills what is overdue, and nothing before", () => {
    const pool = [worker(0, { state: "booting" }), worker(1), worker(1, { age: 9, state: "draining" })];
    assert.deepEqual(plan(pool, WANTED, 29_999), []);
    assert.deepEqual(plan(pool, WANTED, 60_000), [
      { type: "kill", age: 1, cause: "boot-timeout" },
      { type: "kill", age: 9, cause: "drain-timeout" },
    ]);
  });

  it("knows no boot timeout when it is 0", () => {
    const pool = [worker(0, { state: "booting" }), worker(1)];
    assert.deepEqual(plan(pool, { ...WANTED, bootTimeoutMs: 0 }, 1e9), []);
    assert.equal(nextMomentMs(pool, { ...WANTED, bootTimeoutMs: 0 }, 1e9), undefined);
  });

  it("keeps an old worker until its successor serves", () => {
    const wanted = { ...WANTED, workers: 1, generation: 2 };
    const successor = worker(0, { age: 2, generation: 2, isServing: false });
    assert.deepEqual(plan([worker(0), successor], wanted, 0), []);
    assert.deepEqual(plan([worker(0), { ...successor, isServing: true }], wanted, 0), [
      { type: "drain", age: 1, cause: "reload" },
    ]);
  });

  it("drops at once what boots for a generation that is no longer wanted", () => {
    const pool = [worker(0), worker(1), worker(1, { age: 5, generation: 2, state: "booting" })];
    assert.deepEqual(plan(pool, WANTED, 0), [{ type: "drain", age: 5, cause: "reload" }]);
  });

  it("replaces retiring workers a few at a time, successors first", () => {
    const pool = [worker(0, { isRetiring: true }), worker(1, { isRetiring: true })];
    assert.deepEqual(plan(pool, WANTED, 0), [{ type: "fork", nr: 0, generation: 1 }]);
    const booting = worker(0, { age: 3, state: "booting" });
    assert.deepEqual(plan([...pool, booting], WANTED, 0), []);
    assert.deepEqual(plan([...pool, worker(0, { age: 3 })], WANTED, 0), [
      { type: "fork", nr: 1, generation: 1 },
      { type: "drain", age: 1, cause: "retire" },
    ]);
  });

  it("fills an empty seat even while the surge is used up", () => {
    const pool = [worker(0, { isRetiring: true }), worker(0, { age: 3, state: "booting" })];
    assert.deepEqual(plan(pool, WANTED, 0), [{ type: "fork", nr: 1, generation: 1 }]);
  });
});
