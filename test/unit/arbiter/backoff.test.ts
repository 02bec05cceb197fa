import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { afterDeath, BACKOFF_CALM_MS, BACKOFF_MAX_MS, NO_BACKOFF } from "../../../src/arbiter/backoff.ts";

describe("back-off", () => {
  it("answers the first death at once, then waits twice as long each time, up to half a minute", () => {
    const waits: number[] = [];
    let backoff = NO_BACKOFF;
    for (let death = 0; death < 12; death += 1) {
      backoff = afterDeath(backoff, 5_000, 5_000);
      waits.push(backoff.notBeforeMs - 5_000);
    }
    assert.deepEqual(waits, [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, ...Array(5).fill(BACKOFF_MAX_MS)]);
  });

  it("forgets the deaths before a long life", () => {
    const tired = { deaths: 9, notBeforeMs: 0 };
    assert.deepEqual(afterDeath(tired, 0, BACKOFF_CALM_MS), { deaths: 1, notBeforeMs: BACKOFF_CALM_MS });
    assert.equal(afterDeath(tired, 1, BACKOFF_CALM_MS).deaths, 10);
  });
});
