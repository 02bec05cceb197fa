import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { Deaths, type WorkerExit } from "../../../src/arbiter/deaths.ts";
import { OomWatch } from "../../../src/arbiter/oom-watch.ts";
import { Pool, type PoolWorker } from "../../../src/arbiter/pool.ts";
import type { Log, LogFields } from "../../../src/log/log.ts";

const KILLED: WorkerExit = { code: null, signal: "SIGKILL", rssMax: 1 };

class Records {
  readonly fields: LogFields[] = [];
  readonly log: Log;

  constructor() {
    const keep = (_event: string, fields: LogFields = {}): void => void this.fields.push(fields);
    this.log = { trace: keep, debug: keep, info: keep, warning: keep, error: keep, critical: keep };
  }

  take(): unknown[] {
    return this.fields.splice(0).map(({ cause, by }) => `${String(cause)} by ${String(by)}`);
  }
}

function worker(facts: Partial<PoolWorker> = {}): PoolWorker {
  const pool = new Pool();
  return { ...pool.addFork({ nr: 0, generation: 1 }, 0), pid: 7, wasReady: true, ...facts };
}

describe("a worker's death", () => {
  it("is the kernel's when its count of kills for memory went up", () => {
    const records = new Records();
    let kills = 5;
    const deaths = new Deaths(records.log, new OomWatch(() => kills));
    deaths.onExit({ worker: worker(), exit: KILLED, atMs: 0 });
    kills = 6;
    deaths.onExit({ worker: worker(), exit: KILLED, atMs: 0 });
    deaths.onExit({ worker: worker(), exit: KILLED, atMs: 0 });
    deepEqual(records.take(), ["signal by outside", "kernel-oom by kernel", "signal by outside"]);
  });

  it("is the kernel's for each kill that the count tells, and for none that it told of long ago", () => {
    const records = new Records();
    let kills = 0;
    const deaths = new Deaths(records.log, new OomWatch(() => kills));
    kills = 2;
    for (const atMs of [0, 10, 20]) deaths.onExit({ worker: worker(), exit: KILLED, atMs });
    deepEqual(records.take(), ["kernel-oom by kernel", "kernel-oom by kernel", "signal by outside"]);
    kills = 4;
    for (const atMs of [100, 5_000]) deaths.onExit({ worker: worker(), exit: KILLED, atMs });
    deepEqual(records.take(), ["kernel-oom by kernel", "signal by outside"]);
  });

  it("is not the kernel's when we sent the signal", () => {
    const records = new Records();
    let kills = 0;
    const deaths = new Deaths(records.log, new OomWatch(() => kills));
    kills = 1;
    deaths.onExit({ worker: worker({ cause: "request-timeout" }), exit: KILLED, atMs: 0 });
    deepEqual(records.take(), ["request-timeout by arbiter"]);
  });

  it("says who decided", () => {
    const records = new Records();
    const deaths = new Deaths(records.log);
    const exit = (facts: Partial<PoolWorker>, how: Partial<WorkerExit>): void =>
      deaths.onExit({ worker: worker(facts), exit: { code: 0, signal: null, rssMax: 0, ...how }, atMs: 0 });
    exit({}, { code: 7 });
    exit({}, { code: null, signal: "SIGSEGV" });
    exit({ cause: "retire", isRetiring: true, retireCause: "max-requests" }, {});
    exit({ cause: "retire", isRetiring: true, retireCause: "signal SIGTERM" }, {});
    exit({ isRetiring: true, retireCause: "signal SIGINT" }, {});
    exit({ cause: "boot-error" }, { code: 3 });
    deepEqual(records.take(), [
      "exit by worker",
      "signal by worker",
      "retire by arbiter",
      "retire by operator",
      "retire by operator",
      "boot-error by worker",
    ]);
    equal(records.fields.length, 0);
  });
});
