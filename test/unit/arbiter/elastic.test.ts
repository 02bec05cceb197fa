import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { Elastic, type ElasticFacts, GROW_WAIT_MS } from "../../../src/arbiter/elastic.ts";

const BOUNDS = { min: 2, max: 8, idleMs: 60_000 };
const WAITING = { waitingMs: GROW_WAIT_MS, queued: 1, busy: 2 };

function facts(changes: Partial<ElasticFacts> = {}): ElasticFacts {
  return { wanted: 2, serving: 2, slots: 1, nowMs: 1_000, room: () => 100, ...changes };
}

function pressed(pressure = WAITING): Elastic {
  const elastic = new Elastic(BOUNDS, 0);
  elastic.onPressure(0, pressure, 1_000);
  return elastic;
}

describe("an elastic number of workers", () => {
  it("stays when nothing waits long", () => {
    equal(pressed({ ...WAITING, waitingMs: GROW_WAIT_MS - 1 }).judge(facts()), 2);
  });

  it("grows by one when one request waits", () => equal(pressed().judge(facts()), 3));

  it("grows by up to half as many again when many wait, and not beyond its bound", () => {
    const many = { ...WAITING, queued: 50 };
    equal(pressed(many).judge(facts({ wanted: 4, serving: 4 })), 6);
    equal(pressed(many).judge(facts({ wanted: 7, serving: 7 })), 8);
    equal(pressed(many).judge(facts({ wanted: 8, serving: 8 })), 8);
  });

  it("asks for no more than what waits can use", () => {
    const waiting = { ...WAITING, queued: 5 };
    equal(pressed(waiting).judge(facts({ wanted: 6, serving: 6, slots: 4 })), 8);
    equal(pressed(waiting).judge(facts({ wanted: 6, serving: 6, slots: 8 })), 7);
  });

  it("waits for those that are on their way", () => equal(pressed().judge(facts({ wanted: 3 })), 3));

  it("does not believe an old report", () => equal(pressed().judge(facts({ nowMs: 2_001 })), 2));

  it("forgets a front that is gone", () => {
    const elastic = pressed();
    elastic.onFrontGone(0);
    equal(elastic.judge(facts()), 2);
  });

  it("does not grow where memory has no room, and looks again only later", () => {
    const elastic = pressed();
    let looks = 0;
    const room = (): number => {
      looks += 1;
      return 0;
    };
    for (let nowMs = 1_000; nowMs < 6_000; nowMs += 250) {
      elastic.onPressure(0, WAITING, nowMs);
      equal(elastic.judge(facts({ nowMs, room })), 2);
    }
    equal(looks, 1);
    elastic.onPressure(0, WAITING, 6_000);
    equal(elastic.judge(facts({ nowMs: 6_000 })), 3);
  });

  it("adds no more than memory has room for", () => {
    const many = { ...WAITING, queued: 50 };
    equal(pressed(many).judge(facts({ wanted: 4, serving: 4, room: () => 1 })), 5);
  });

  it("shrinks by one for each idle time, down to its bound", () => {
    const elastic = new Elastic(BOUNDS, 0);
    equal(elastic.nextMomentMs(4), 60_000);
    equal(elastic.judge(facts({ wanted: 4, nowMs: 59_999 })), 4);
    equal(elastic.judge(facts({ wanted: 4, nowMs: 60_000 })), 3);
    equal(elastic.judge(facts({ wanted: 3, nowMs: 60_001 })), 3);
    equal(elastic.judge(facts({ wanted: 3, nowMs: 120_000 })), 2);
    equal(elastic.judge(facts({ wanted: 2, nowMs: 900_000 })), 2);
    equal(elastic.nextMomentMs(2), Number.POSITIVE_INFINITY);
  });

  it("keeps workers that were all busy within the idle time", () => {
    const elastic = new Elastic(BOUNDS, 0);
    elastic.onPressure(0, { waitingMs: 0, queued: 0, busy: 3 }, 30_000);
    equal(elastic.judge(facts({ wanted: 3, nowMs: 30_000 })), 3);
    equal(elastic.judge(facts({ wanted: 3, nowMs: 89_999 })), 3);
    equal(elastic.judge(facts({ wanted: 3, nowMs: 90_000 })), 2);
  });

  it("adds up what several fronts see", () => {
    const elastic = new Elastic(BOUNDS, 0);
    for (const front of [0, 1]) elastic.onPressure(front, { waitingMs: 0, queued: 0, busy: 2 }, 30_000);
    equal(elastic.judge(facts({ wanted: 4, nowMs: 30_000 })), 4);
    equal(elastic.nextMomentMs(4), 90_000);
  });

  it("leaves a fixed number alone", () => {
    const elastic = new Elastic({ min: 2, max: 2, idleMs: 60_000 }, 0);
    elastic.onPressure(0, WAITING, 1_000);
    equal(elastic.judge(facts({ wanted: 5, nowMs: 1_000_000 })), 5);
    equal(elastic.nextMomentMs(5), Number.POSITIVE_INFINITY);
  });
});
