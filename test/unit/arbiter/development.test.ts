import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Development } from "../../../src/arbiter/development.ts";
import { plan, type Wanted, type Worker } from "../../../src/arbiter/plan.ts";
import { FIRST_START, replace, succeed, wantedGeneration } from "../../../src/arbiter/reload.ts";
import { quietLog } from "../../harness/front-parts.ts";

const RELOAD = {
  ...{ isOn: true, folders: ["/p"], includes: [], excludes: [], extraFiles: [] },
  ...{ polls: false, delayMs: 50 },
};
const FAILURE = { step: "import", message: "no", traceback: "", hint: "", exitCode: 3 };

function development(told: unknown[] = []): Development {
  return new Development(RELOAD, () => ({ addModules: () => {}, close: () => {} }), {
    log: quietLog,
    onChange: () => {},
    tell: (state) => told.push(state),
  });
}

describe("development", () => {
  it("starts nothing before the files have rested", () => {
    const one = development();
    one.postpone(1_000);
    assert.deepEqual(
      [...one.forkNotBeforeMs(2, new Map([[1, 2_000]]))],
      [
        [0, 1_050],
        [1, 2_000],
      ],
    );
    one.postpone(1_040);
    assert.equal(one.forkNotBeforeMs(1, new Map()).get(0), 1_090);
  });

  it("does not wait for ever for files that never rest", () => {
    const one = development();
    for (let nowMs = 0; nowMs <= 60_000; nowMs += 10) one.postpone(nowMs);
    assert.ok((one.forkNotBeforeMs(1, new Map()).get(0) ?? 0) <= 60_050);
    const busy = development();
    for (let nowMs = 0; nowMs <= 5_000; nowMs += 10) busy.postpone(nowMs);
    assert.equal(busy.forkNotBeforeMs(1, new Map()).get(0), 5_000);
  });

  it("tells fronts of a failure with what the worker said of it", () => {
    const told: unknown[] = [];
    const one = development(told);
    one.onReport(7, { type: "failure", report: "{}" });
    one.broke(7, FAILURE);
    assert.equal(one.breakage?.report, "{}");
    assert.equal(one.breakage?.message, "no");
    one.startsAnew();
    assert.equal(one.breakage, undefined);
    one.broke(7, FAILURE);
    const states = told.map((state) => state as { readonly type: string; readonly report?: string });
    assert.deepEqual(
      states.map(({ type, report }) => [type, report]),
      [
        ["app-broken", "{}"],
        ["app-mended", undefined],
        ["app-broken", ""],
      ],
    );
  });
});

describe("the replacing of code under development", () => {
  it("never goes back to code that changed", () => {
    const served = succeed(FIRST_START);
    const next = replace(served);
    assert.deepEqual(next, { proven: 2, coming: 2, newest: 2 });
    assert.equal(
      wantedGeneration(next, () => false),
      2,
    );
  });

  it("stays a first start until something has served", () => {
    assert.deepEqual(replace(FIRST_START), { proven: 0, coming: 2, newest: 2 });
  });

  const old: Worker = {
    age: 1,
    nr: 0,
    generation: 1,
    state: "ready",
    sinceMs: 0,
    isServing: true,
    isRetiring: false,
  };
  const wanted: Wanted = {
    workers: 1,
    generation: 2,
    surgeMax: 1,
    bootTimeoutMs: 1_000,
    drainTimeoutMs: 1_000,
    isExclusive: true,
    forkNotBeforeMs: new Map(),
  };

  it("lets the old worker go before a new one comes", () => {
    assert.deepEqual(plan([old], wanted, 10), [{ type: "drain", age: 1, cause: "reload" }]);
    assert.deepEqual(plan([{ ...old, state: "draining", isServing: false }], wanted, 10), []);
    assert.deepEqual(plan([], wanted, 10), [{ type: "fork", nr: 0, generation: 2 }]);
  });
});
