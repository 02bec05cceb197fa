import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BOOT_TIMEOUTS_MAX, BootWatch, PROBE_EVERY_MS } from "../../../src/arbiter/boot-watch.ts";
import { plan } from "../../../src/arbiter/plan.ts";
import { Pool, type PoolWorker } from "../../../src/arbiter/pool.ts";
import type { Log } from "../../../src/log/log.ts";

const BOOT_TIMEOUT_MS = 60_000;

class Stage {
  readonly told: string[] = [];
  readonly pool: Pool = new Pool();
  readonly worker: PoolWorker = this.pool.note(this.pool.addFork({ nr: 0, generation: 1 }, 0), { pid: 7 });
  readonly watch: BootWatch;

  constructor() {
    const keep = (event: string): void => void this.told.push(event);
    const log: Log = { trace: keep, debug: keep, info: keep, warning: keep, error: keep, critical: keep };
    this.watch = new BootWatch(log);
  }

  /** From the boot timeout on, once a second, until time is given no more; when that was. */
  play(
    sightAt: (nowMs: number) => { readonly isStopped: boolean; readonly cpuMs: number },
    toMs: number,
  ): number {
    for (let nowMs = BOOT_TIMEOUT_MS; nowMs < toMs; nowMs += PROBE_EVERY_MS) {
      const end = this.watch.judge(this.worker, sightAt(nowMs), { nowMs, bootTimeoutMs: BOOT_TIMEOUT_MS });
      if (end === undefined) return nowMs;
    }
    return toMs;
  }
}

describe("a worker that is not ready in time", () => {
  it("is given more while it computes, and no more than ten times the timeout", () => {
    const stage = new Stage();
    const endMs = stage.play((nowMs) => ({ isStopped: false, cpuMs: nowMs }), 2_000_000);
    assert.equal(endMs, BOOT_TIMEOUTS_MAX * BOOT_TIMEOUT_MS);
    assert.equal(stage.told.length, 1);
  });

  it("is given one more second when it waits, even if it wakes now and then", () => {
    const stage = new Stage();
    const endMs = stage.play((nowMs) => ({ isStopped: false, cpuMs: 5_000 + nowMs / 1_000 }), 2_000_000);
    assert.equal(endMs, BOOT_TIMEOUT_MS + PROBE_EVERY_MS);
  });

  it("is waited for while it is stopped, and named once", () => {
    const stage = new Stage();
    assert.equal(
      stage.play(() => ({ isStopped: true, cpuMs: 1 }), 2_000_000),
      2_000_000,
    );
    assert.deepEqual(stage.told, ["a worker that is not ready was stopped by a signal: it is waited for"]);
  });

  it("is given nothing where the machine cannot say what it does", () => {
    const stage = new Stage();
    const moment = { nowMs: BOOT_TIMEOUT_MS, bootTimeoutMs: BOOT_TIMEOUT_MS };
    assert.equal(stage.watch.judge(stage.worker, undefined, moment), undefined);
  });

  it("is not killed by the plan before the time that it was given", () => {
    const { pool, worker } = new Stage();
    pool.note(worker, { patienceEndMs: 61_000 });
    const wanted = { workers: 1, generation: 1, surgeMax: 1, bootTimeoutMs: 60_000, drainTimeoutMs: 1 };
    const kills = (nowMs: number): number =>
      plan(pool.workers, { ...wanted, forkNotBeforeMs: new Map() }, nowMs).filter(
        ({ type }) => type === "kill",
      ).length;
    assert.deepEqual([kills(60_999), kills(61_000)], [0, 1]);
  });
});
