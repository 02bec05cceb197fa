import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fifo } from "../../../src/base/fifo.ts";

/** A small generator with a seed, so that a failure can be played again. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

describe("fifo", () => {
  it("gives back what was put in, in order, beyond its first capacity", () => {
    const fifo = new Fifo<number>();
    for (let i = 0; i < 100; i++) fifo.push(i);
    assert.equal(fifo.peek(), 0);
    for (let i = 0; i < 100; i++) assert.equal(fifo.shift(), i);
    assert.equal(fifo.shift(), undefined);
    assert.equal(fifo.peek(), undefined);
  });

  it("behaves as an array under any order of calls", () => {
    for (let seed = 1; seed <= 20; seed++) playAgainstArray(seed);
  });

  it("is empty after clear", () => {
    const fifo = new Fifo<string>();
    for (let i = 0; i < 40; i++) fifo.push("x");
    fifo.clear();
    assert.equal(fifo.length, 0);
    assert.equal(fifo.shift(), undefined);
  });
});

function playAgainstArray(seed: number): void {
  const random = mulberry32(seed);
  const fifo = new Fifo<number>();
  const model: number[] = [];
  for (let step = 0; step < 500; step++) {
    const dice = random();
    if (dice < 0.45) {
      fifo.push(step);
      model.push(step);
    } else if (dice < 0.55) {
      fifo.unshift(step);
      model.unshift(step);
    } else if (dice < 0.85) {
      assert.equal(fifo.shift(), model.shift(), `seed ${seed} step ${step}`);
    } else {
      const victim = model[Math.floor(random() * model.length)] ?? -1;
      const at = model.indexOf(victim);
      if (at >= 0) model.splice(at, 1);
      assert.equal(fifo.remove(victim), at >= 0, `seed ${seed} step ${step}`);
    }
    assert.equal(fifo.length, model.length);
  }
}
