import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { Notifier, watchdogMs } from "../../../src/arbiter/notifier.ts";
import type { PoolWorker } from "../../../src/arbiter/pool.ts";
import type { AppView, ArbiterView } from "../../../src/arbiter/view.ts";
import { ManualClock } from "../../harness/manual-clock.ts";

const APP: AppView = {
  name: "app",
  target: "app:app",
  phase: "starting",
  isDegraded: false,
  generation: 0,
  workersWanted: 1,
  workersMin: 1,
  workersMax: 1,
  workers: [],
  exits: new Map(),
};
const STARTING: ArbiterView = { phase: "starting", isDegraded: false, apps: [APP], fronts: [] };
const WORKER = { isServing: true } as PoolWorker;
const SERVING: ArbiterView = {
  ...STARTING,
  phase: "serving",
  apps: [{ ...APP, phase: "serving", generation: 1, workers: [WORKER] }],
};
const ALONE: ArbiterView = { ...SERVING, apps: [APP] };

function stage(watchdog = 0): {
  sent: string[];
  clock: ManualClock;
  notifier: Notifier;
  fronts: { well: boolean };
} {
  const sent: string[] = [];
  const clock = new ManualClock();
  const fronts = { well: true };
  const notifier = new Notifier({
    clock,
    pid: 7,
    watchdogMs: watchdog,
    send: (text) => sent.push(text),
    monotonicMicros: () => 123n,
    areFrontsWell: () => Promise.resolve(fronts.well),
  });
  return { sent, clock, notifier, fronts };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("notifications to systemd", () => {
  it("tell of a life from start to stop, each state once", () => {
    const { sent, notifier } = stage();
    notifier.onTurn(STARTING);
    notifier.onTurn(SERVING);
    notifier.onTurn(SERVING);
    notifier.onTurn({ ...SERVING, phase: "reloading" });
    notifier.onTurn({ ...SERVING, isDegraded: true });
    notifier.onTurn({ ...SERVING, phase: "leaving" });
    notifier.onTurn({ ...SERVING, phase: "stopping" });
    deepEqual(sent, [
      "STATUS=Starting: 0 of 1 workers serve",
      "READY=1\nMAINPID=7\nSTATUS=Serving: 1 of 1 workers serve",
      "RELOADING=1\nMONOTONIC_USEC=123\nSTATUS=Reloading: 1 of 1 workers serve",
      "READY=1\nMAINPID=7\nSTATUS=Serving: 1 of 1 workers serve (the last reload failed; the code before it serves)",
      "STOPPING=1\nSTATUS=Stopping soon: 1 of 1 workers serve",
      "STATUS=Stopping",
    ]);
  });

  it("name applications that do not start", () => {
    const { sent, notifier } = stage();
    const failing: AppView = { ...APP, name: "api", phase: "failing", isDegraded: true };
    notifier.onTurn({ ...SERVING, apps: [...SERVING.apps, failing], isDegraded: true });
    deepEqual(sent, ["READY=1\nMAINPID=7\nSTATUS=Serving: 1 of 2 workers serve (does not start: api)"]);
  });

  it("show signs of life twice in each interval, only while all is well", async () => {
    const { sent, clock, notifier, fronts } = stage(2_000);
    const lives = (): number => sent.filter((text) => text === "WATCHDOG=1").length;
    notifier.onTurn(STARTING);
    clock.advance(10_000);
    await settle();
    equal(lives(), 0, "nobody watches a start");
    notifier.onTurn(SERVING);
    for (let turn = 0; turn < 4; turn += 1) {
      clock.advance(1_000);
      await settle();
    }
    equal(lives(), 4);
    fronts.well = false;
    clock.advance(1_000);
    await settle();
    fronts.well = true;
    notifier.onTurn(ALONE);
    clock.advance(1_000);
    await settle();
    equal(lives(), 4);
    notifier.onTurn({ ...ALONE, phase: "stopping" });
    clock.advance(1_000);
    await settle();
    equal(lives(), 5, "a stop is bounded by itself");
  });

  it("miss no workers in a server without applications", async () => {
    const { sent, clock, notifier } = stage(1_000);
    notifier.onTurn({ ...SERVING, apps: [] });
    clock.advance(500);
    await settle();
    deepEqual(sent, ["READY=1\nMAINPID=7\nSTATUS=Serving: no applications", "WATCHDOG=1"]);
  });

  it("know whom a watchdog is for", () => {
    equal(watchdogMs({ WATCHDOG_USEC: "30000000" }, 7), 30_000);
    equal(watchdogMs({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 7), 30_000);
    equal(watchdogMs({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "8" }, 7), 0);
    equal(watchdogMs({ WATCHDOG_USEC: "soon" }, 7), 0);
    equal(watchdogMs({}, 7), 0);
  });
});
