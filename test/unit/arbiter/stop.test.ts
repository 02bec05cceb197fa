import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  frontGraceMs,
  onStopSignal,
  onStopTime,
  RUNNING,
  type StopSignal,
  type StopTimes,
} from "../../../src/arbiter/stop.ts";

const AT_ONCE: StopTimes = { gracefulTimeoutMs: 30_000, drainDelayMs: 0 };
const LATER: StopTimes = { gracefulTimeoutMs: 30_000, drainDelayMs: 5_000 };

function levels(...signals: readonly StopSignal[]): string[] {
  return levelsWith(AT_ONCE, signals);
}

function levelsWith(times: StopTimes, signals: readonly StopSignal[]): string[] {
  let stop = RUNNING;
  return signals.map((signal) => {
    stop = onStopSignal(stop, signal, times, 0);
    return stop.level;
  });
}

describe("a stop", () => {
  it("is graceful by TERM and quick by INT and QUIT", () => {
    assert.deepEqual(
      [...levels("SIGTERM"), ...levels("SIGINT"), ...levels("SIGQUIT")],
      ["graceful", "quick", "quick"],
    );
  });

  it("goes up a step with each further signal", () => {
    assert.deepEqual(levels("SIGTERM", "SIGTERM", "SIGTERM", "SIGTERM"), [
      "graceful",
      "quick",
      "kill",
      "kill",
    ]);
    assert.deepEqual(levels("SIGINT", "SIGINT"), ["quick", "kill"]);
  });

  it("that is overdue kills, once", () => {
    const stop = onStopSignal(RUNNING, "SIGTERM", AT_ONCE, 0);
    assert.equal(onStopTime(stop, 29_999).level, "graceful");
    const killing = onStopTime(stop, 30_000);
    assert.equal(killing.level, "kill");
    assert.equal(onStopTime(killing, 99_999), killing);
  });

  it("never comes by time alone", () => assert.equal(onStopTime(RUNNING, Number.MAX_VALUE), RUNNING));

  it("leaves the workers a part of the grace", () => {
    assert.deepEqual([frontGraceMs(30_000), frontGraceMs(1_000), frontGraceMs(0)], [29_000, 750, 0]);
  });

  it("by TERM takes clients on for a delay where one is wanted, and counts it as part of the whole", () => {
    const leaving = onStopSignal(RUNNING, "SIGTERM", LATER, 0);
    assert.deepEqual([leaving.level, leaving.deadlineMs], ["leaving", 5_000]);
    assert.equal(onStopTime(leaving, 4_999), leaving);
    const draining = onStopTime(leaving, 5_000);
    assert.deepEqual([draining.level, draining.deadlineMs], ["graceful", 30_000]);
  });

  it("that is delayed goes up a step with each further signal, and INT and QUIT make it quick", () => {
    assert.deepEqual(levelsWith(LATER, ["SIGTERM", "SIGTERM", "SIGTERM"]), ["leaving", "graceful", "quick"]);
    assert.deepEqual(levelsWith(LATER, ["SIGTERM", "SIGINT"]), ["leaving", "quick"]);
    assert.deepEqual(levelsWith(LATER, ["SIGQUIT"]), ["quick"]);
  });
});
