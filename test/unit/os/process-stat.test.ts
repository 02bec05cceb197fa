import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readProcessStat } from "../../../src/os/process-stat.ts";

const statOf = (state: string): string =>
  `42 (a) b (c) ${state} 1 42 42 0 -1 4194304 100 0 0 0 150 25 0 0 20 0 1 0 100 1000 10 18446744073709551615`;

describe("what the machine says of a process", () => {
  it("is read behind its name, whatever that holds", () => {
    assert.deepEqual(
      readProcessStat(() => statOf("R"), 42),
      { isStopped: false, cpuMs: 1_750 },
    );
    assert.equal(readProcessStat(() => statOf("T"), 42)?.isStopped, true);
  });

  it("is nothing where there is no such process", () => {
    assert.equal(
      readProcessStat(() => undefined, 42),
      undefined,
    );
    assert.equal(
      readProcessStat(() => "", 42),
      undefined,
    );
  });
});
