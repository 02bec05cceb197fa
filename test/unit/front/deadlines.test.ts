import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Deadline, Deadlines } from "../../../src/front/deadlines.ts";
import { ManualClock } from "../../harness/manual-clock.ts";

interface Waiter {
  readonly deadline: Deadline;
  readonly firedAtMs: number[];
}

function waiterOn(clock: ManualClock, wheel: Deadlines): Waiter {
  const firedAtMs: number[] = [];
  const deadline = new Deadline(wheel, { onDeadline: () => firedAtMs.push(clock.nowMs()) });
  return { deadline, firedAtMs };
}

describe("deadlines", () => {
  it("fire never early and at most two ticks late, also beyond one turn of the wheel", () => {
    for (const delayMs of [1, 249, 250, 251, 999, 5_000, 63_999, 64_000, 64_001, 200_000]) {
      const clock = new ManualClock();
      const { deadline, firedAtMs } = waiterOn(clock, new Deadlines(clock));
      const dueMs = clock.nowMs() + delayMs;
      deadline.armAt(dueMs);
      clock.advance(delayMs + 1_000);
      assert.equal(firedAtMs.length, 1, `${delayMs}`);
      const lateMs = (firedAtMs[0] ?? 0) - dueMs;
      assert.ok(lateMs >= 0 && lateMs <= 500, `${delayMs} ms fired ${lateMs} late`);
    }
  });

  it("fire at the last moment they were armed for, later or earlier", () => {
    const clock = new ManualClock();
    const wheel = new Deadlines(clock);
    const later = waiterOn(clock, wheel);
    const earlier = waiterOn(clock, wheel);
    later.deadline.armAt(clock.nowMs() + 1_000);
    later.deadline.armAt(clock.nowMs() + 10_000);
    earlier.deadline.armAt(clock.nowMs() + 10_000);
    earlier.deadline.armAt(clock.nowMs() + 1_000);
    clock.advance(5_000);
    assert.deepEqual([later.firedAtMs.length, earlier.firedAtMs.length], [0, 1]);
    clock.advance(6_000);
    assert.deepEqual([later.firedAtMs.length, earlier.firedAtMs.length], [1, 1]);
  });

  it("do not fire once disarmed or released", () => {
    const clock = new ManualClock();
    const wheel = new Deadlines(clock);
    const disarmed = waiterOn(clock, wheel);
    const released = waiterOn(clock, wheel);
    disarmed.deadline.armAt(clock.nowMs() + 1_000);
    released.deadline.armAt(clock.nowMs() + 1_000);
    disarmed.deadline.disarm();
    released.deadline.release();
    clock.advance(10_000);
    assert.deepEqual([disarmed.firedAtMs, released.firedAtMs], [[], []]);
  });

  it("keep no timer when nothing waits", () => {
    const clock = new ManualClock();
    const { deadline } = waiterOn(clock, new Deadlines(clock));
    assert.equal(clock.timers, 0);
    deadline.armAt(clock.nowMs() + 300);
    assert.equal(clock.timers, 1);
    clock.advance(2_000);
    assert.equal(clock.timers, 0);
  });

  it("may be armed again by their own call-back", () => {
    const clock = new ManualClock();
    const wheel = new Deadlines(clock);
    let times = 0;
    const deadline: Deadline = new Deadline(wheel, {
      onDeadline: (self) => {
        times++;
        if (times < 3) self.armAt(clock.nowMs() + 100);
      },
    });
    deadline.armAt(clock.nowMs() + 100);
    clock.advance(5_000);
    assert.equal(times, 3);
    assert.equal(deadline.isArmed, false);
  });

  it("all fire after a long pause of the process", () => {
    const clock = new ManualClock();
    const wheel = new Deadlines(clock);
    const waiters = Array.from({ length: 300 }, () => waiterOn(clock, wheel));
    waiters.forEach(({ deadline }, i) => {
      deadline.armAt(clock.nowMs() + 1 + i * 1_000);
    });
    clock.advance(600_000);
    assert.ok(waiters.every(({ firedAtMs }) => firedAtMs.length === 1));
  });
});
