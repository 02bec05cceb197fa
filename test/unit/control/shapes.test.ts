import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readForkserverReport, readFrontReport, readWorkerReport } from "../../../src/control/shapes.ts";

describe("reports of children", () => {
  it("are believed when every field fits", () => {
    const line = { type: "ready", interface: "wsgi", slots: 4, importMs: 12.5 };
    assert.deepEqual(readWorkerReport(line), { kind: "report", report: line });
  });

  it("may hold fields that this arbiter does not know", () => {
    assert.equal(readWorkerReport({ type: "step", step: "import", mood: "good" }).kind, "report");
  });

  it("of an unknown type are told apart from malformed ones", () => {
    assert.deepEqual(readWorkerReport({ type: "sing" }), { kind: "unknown" });
    assert.deepEqual(readWorkerReport({ type: "toString" }), { kind: "unknown" });
    assert.deepEqual(readWorkerReport({ type: "step" }), { kind: "malformed", field: "step" });
  });

  it("do not pass with a field of the wrong kind", () => {
    assert.deepEqual(readForkserverReport({ type: "forked", nr: -1, pid: 7 }), {
      kind: "malformed",
      field: "nr",
    });
    assert.deepEqual(readForkserverReport({ type: "forked", nr: 0, pid: "7" }), {
      kind: "malformed",
      field: "pid",
    });
    const lost = { type: "worker-lost", app: "app", pid: 7, inFlight: [{ id: 1 }] };
    assert.deepEqual(readFrontReport(lost), { kind: "malformed", field: "inFlight" });
    const ready = { type: "ready", meetings: { app: { address: "@front" } } };
    assert.deepEqual(readFrontReport(ready), { kind: "malformed", field: "meetings" });
  });

  it("of a configuration file hold values of any kind, and texts where texts must be", () => {
    const evaluated = {
      type: "evaluated",
      values: { workers: 2, bind: ["a"] },
      opaque: { x: "<x>" },
      functions: ["f"],
      hooks: [],
      problems: [{ name: "pre_fork", reason: "no" }],
      failure: null,
    };
    assert.equal(readForkserverReport(evaluated).kind, "report");
    for (const [field, wrong] of [
      ["values", []],
      ["opaque", { x: 1 }],
      ["functions", [1]],
      ["hooks", "all"],
      ["problems", [{ name: "x" }]],
      ["failure", { message: "m" }],
    ] as const) {
      const reading = readForkserverReport({ ...evaluated, [field]: wrong });
      assert.deepEqual(reading, { kind: "malformed", field });
    }
  });

  it("of an exit may leave out the code or the signal", () => {
    const reading = readForkserverReport({ type: "exited", pid: 7, signal: "SIGKILL", rssMax: 1 });
    assert.deepEqual(reading, {
      kind: "report",
      report: { type: "exited", pid: 7, code: null, signal: "SIGKILL", rssMax: 1 },
    });
  });
});
