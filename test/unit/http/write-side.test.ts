import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WriteSide } from "../../../src/http/write-side.ts";

function owing(): WriteSide {
  const side = new WriteSide();
  side.owe();
  return side;
}

describe("the write side", () => {
  it("owes one answer to a request, gives it, and owes the next", () => {
    const side = owing();
    assert.equal(side.isOwed, true);
    side.begin();
    side.end();
    assert.equal(side.isDone, true);
    side.startNextCycle();
    assert.equal(side.isIdle, true);
  });

  it("owes no second answer for an error in the middle of the first", () => {
    const side = owing();
    side.owe();
    side.begin();
    side.owe();
    assert.equal(side.isOwed, false);
    side.end();
  });

  it("leaves the answer to another protocol", () => {
    const side = owing();
    side.giveUp();
    assert.equal(side.isDone, true);
    assert.throws(() => side.begin());
  });

  it("throws at an answer that nobody waits for, at two of them, and at a cycle before the last is over", () => {
    const side = new WriteSide();
    assert.throws(() => side.begin());
    assert.throws(() => side.end());
    assert.throws(() => side.giveUp());
    side.owe();
    side.begin();
    assert.throws(() => side.begin());
    assert.throws(() => side.startNextCycle());
  });
});
