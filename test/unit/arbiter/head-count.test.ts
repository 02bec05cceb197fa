import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { frontsFor } from "../../../src/arbiter/fronts.ts";
import { HeadCount } from "../../../src/arbiter/head-count.ts";
import type { Config } from "../../../src/config/config.ts";
import { MemoryLog } from "../../harness/front-parts.ts";

/** The part of the Config that is read here. */
function configOf(workersMin: number, workersMax: number = workersMin): Config {
  return { workers: workersMin, workersMin, workersMax, workersIdleMs: 60_000 } as unknown as Config;
}

function headCount(config: Config, fronts: number): HeadCount {
  const log = new MemoryLog();
  return new HeadCount(
    config,
    { isCheck: false },
    { log, fronts, nowMs: () => 0, isSteady: true, workers: [], room: () => 1, onScale: () => {} },
  );
}

describe("fronts and workers", () => {
  it("gives no more fronts than the smallest application has workers", () => {
    equal(frontsFor(4, [{ config: configOf(8) }, { config: configOf(3, 9) }]), 3);
    equal(frontsFor(2, [{ config: configOf(8) }]), 2);
  });

  it("takes no front's last worker away, whoever asks for it", () => {
    const count = headCount(configOf(4), 2);
    count.scale(1);
    equal(count.wanted, 2);
    count.configure(configOf(1));
    equal(count.wanted, 2);
    count.configure(configOf(3));
    equal(count.wanted, 3);
  });

  it("gives an application that comes later, or shrinks by itself, a worker for each front", () => {
    const count = headCount(configOf(1, 1), 2);
    deepEqual([count.wanted, count.bounds], [2, { workersMin: 2, workersMax: 2 }]);
  });
});
