import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { type Pressure, PressureHandler } from "../../../src/handlers/pressure.ts";
import { FakeExchange } from "../../harness/fake-exchange.ts";
import { ManualClock } from "../../harness/manual-clock.ts";

const QUIET: Pressure = { waitingMs: 0, queued: 0, busy: 0 };

function stage(): { clock: ManualClock; reports: Pressure[]; state: { now: Pressure }; ask(): void } {
  const clock = new ManualClock();
  const reports: Pressure[] = [];
  const state = { now: QUIET };
  const handler = new PressureHandler({
    clock,
    look: () => state.now,
    report: (pressure) => reports.push(pressure),
    next: { handle: () => {} },
  });
  return { clock, reports, state, ask: () => handler.handle(new FakeExchange()) };
}

describe("pressure", () => {
  it("is told four times a second while something waits", () => {
    const { clock, reports, state, ask } = stage();
    state.now = { waitingMs: 120, queued: 3, busy: 2 };
    ask();
    clock.advance(1_000);
    deepEqual(reports, [state.now, state.now, state.now, state.now]);
  });

  it("is told seldom while nothing waits, with the busiest moment since", () => {
    const { clock, reports, state, ask } = stage();
    state.now = { ...QUIET, busy: 5 };
    ask();
    clock.advance(1_000);
    state.now = { ...QUIET, busy: 1 };
    clock.advance(4_000);
    deepEqual(reports, [{ ...QUIET, busy: 5 }]);
    clock.advance(5_000);
    deepEqual(reports.at(-1), { ...QUIET, busy: 1 });
  });

  it("sets no timer while there are no requests", () => {
    const { clock, ask } = stage();
    equal(clock.timers, 0);
    ask();
    ask();
    equal(clock.timers, 1);
    clock.advance(250);
    equal(clock.timers, 0);
  });
});
