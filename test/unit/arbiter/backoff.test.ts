import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  afterDeath,
  BACKOFF_CALM_MS,
  BACKOFF_MAX_MS,
  NO_BACKOFF,
  SERVED_CALM_MS,
} from "../../../src/arbiter/backoff.ts";

describe("back-off", () => {
  it("answers the first death at once, then waits twice as long each time, up to half a minute", () => {
    const waits: number[] = [];
    let backoff = NO_BACKOFF;
    for (let death = 0; death < 12; death += 1) {
      backoff = afterDeath(backoff, { bornAtMs: 5_000 }, 5_000);
      waits.push(backoff.notBeforeMs - 5_000);
    }
    assert.deepEqual(waits, [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, ...Array(5).fill(BACKOFF_MAX_MS)]);
  });

  it("forgets the deaths before a long life", () => {
    const tired = { deaths: 9, notBeforeMs: 0 };
    const calm = { deaths: 1, notBeforeMs: BACKOFF_CALM_MS };
    assert.deepEqual(afterDeath(tired, { bornAtMs: 0 }, BACKOFF_CALM_MS), calm);
    assert.equal(afterDeath(tired, { bornAtMs: 1 }, BACKOFF_CALM_MS).deaths, 10);
  });

  it("lets nobody wait for the successor of one that has served, at most once a second", () => {
    const tired = { deaths: 9, notBeforeMs: 0 };
    const life = { bornAtMs: 0, servedSinceMs: 200 };
    const nowMs = 200 + SERVED_CALM_MS;
    assert.deepEqual(afterDeath(tired, life, nowMs), { deaths: 1, notBeforeMs: nowMs });
    assert.equal(afterDeath(tired, life, nowMs - 1).deaths, 10);
  });
});
