import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  frontGraceMs,
  onStopSignal,
  onStopTime,
  RUNNING,
  type StopSignal,
} from "../../../src/arbiter/stop.ts";

function levels(...signals: readonly StopSignal[]): string[] {
  let stop = RUNNING;
  return signals.map((signal) => {
    stop = onStopSignal(stop, signal, 30_000, 0);
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
    const stop = onStopSignal(RUNNING, "SIGTERM", 30_000, 0);
    assert.equal(onStopTime(stop, 29_999).level, "graceful");
    const killing = onStopTime(stop, 30_000);
    assert.equal(killing.level, "kill");
    assert.equal(onStopTime(killing, 99_999), killing);
  });

  it("never comes by time alone", () => assert.equal(onStopTime(RUNNING, Number.MAX_VALUE), RUNNING));

  it("leaves the workers a part of the grace", () => {
    assert.deepEqual([frontGraceMs(30_000), frontGraceMs(1_000), frontGraceMs(0)], [29_000, 750, 0]);
  });
});
