import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { idleWaits } from "../../../bench/idle-wait.ts";

describe("idle waits of requests", () => {
  it("are nothing while every worker runs another request", () => {
    const spans = [
      { sent: 0, start: 0, end: 100 },
      { sent: 0, start: 0, end: 50 },
      { sent: 10, start: 50, end: 60 },
    ];
    assert.deepEqual(idleWaits(spans, 2), [0, 0, 0]);
  });

  it("are the whole wait when another worker was free all along", () => {
    const spans = [
      { sent: 0, start: 0, end: 100 },
      { sent: 10, start: 100, end: 110 },
    ];
    assert.deepEqual(idleWaits(spans, 2), [0, 90]);
  });

  it("count from the moment a worker became free", () => {
    const spans = [
      { sent: 0, start: 0, end: 100 },
      { sent: 0, start: 0, end: 30 },
      { sent: 10, start: 100, end: 110 },
    ];
    assert.deepEqual(idleWaits(spans, 2), [0, 0, 70]);
  });
});
