import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IdMap } from "../../../src/base/id-map.ts";
import { collectAll, oldGenerationBytes } from "../../harness/heap.ts";

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

describe("id map", () => {
  it("gives back what was put in, also the greatest id, beyond its first capacity", () => {
    const map = new IdMap<object>();
    const ids = [...Array.from({ length: 1_000 }, (_, i) => i + 1), 2 ** 31 - 1];
    for (const id of ids) map.set(id, { id });
    assert.equal(map.size, ids.length);
    for (const id of ids) assert.deepEqual(map.get(id), { id });
    assert.equal(map.get(1_001), undefined);
    assert.equal(map.has(1_001), false);
  });

  it("is empty after clear", () => {
    const map = new IdMap<object>();
    for (let id = 1; id < 100; id++) map.set(id, {});
    map.clear();
    assert.equal(map.size, 0);
    assert.equal(map.get(50), undefined);
    assert.deepEqual(map.values(), []);
    assert.equal(
      map.some(() => true),
      false,
    );
  });

  it("behaves as a Map under any order of calls", () => {
    for (let seed = 1; seed <= 40; seed++) playAgainstMap(seed);
  });

  it("finds what is there quickly, although thousands of neighbouring ids stay", () => {
    const map = new IdMap<object>();
    for (let id = 1; id <= 20_000; id++) map.set(id, {});
    const startedAt = performance.now();
    for (let id = 20_001; id <= 220_000; id++) {
      map.set(id, {});
      map.delete(id);
    }
    assert.ok(performance.now() - startedAt < 2_000, "20,000 others would be passed by each time");
  });

  it("keeps nothing alive of what was deleted", () => {
    const map = new IdMap<object>();
    comeAndGo(map, 1);
    collectAll(); // what the map holds now is in the old generation
    const before = oldGenerationBytes();
    comeAndGo(map, 2);
    assert.ok(oldGenerationBytes() - before < 4_000_000, "what came and went is in the old generation, too");
  });
});

interface Item {
  readonly step: number;
}

function playAgainstMap(seed: number): void {
  const random = mulberry32(seed);
  const map = new IdMap<Item>();
  const model = new Map<number, Item>();
  const range = 2 ** Math.floor(1 + random() * 12);
  for (let step = 0; step < 2_000; step++) {
    const id = 1 + Math.floor(random() * range);
    if (random() < 0.5) {
      const item = { step };
      map.set(id, item);
      model.set(id, item);
    } else {
      assert.equal(map.delete(id), model.delete(id), `seed ${seed}`);
    }
    assert.equal(map.get(id), model.get(id), `seed ${seed}`);
    assert.equal(map.has(id), model.has(id), `seed ${seed}`);
    assert.equal(map.size, model.size, `seed ${seed}`);
  }
  const inOrder = (items: Iterable<Item>): Item[] => [...items].sort((a, b) => a.step - b.step);
  assert.deepEqual(inOrder(map.values()), inOrder(model.values()), `seed ${seed}`);
  assert.ok(
    [...model.values()].every((item) => map.some((one) => one === item)),
    `seed ${seed}`,
  );
}

/** 100,000 items of about 1 kB, of which 32 are there at a time. */
function comeAndGo(map: IdMap<object>, round: number): void {
  for (let id = round * 100_000; id < (round + 1) * 100_000; id++) {
    map.set(id, new Array(128).fill(id));
    map.delete(id - 32);
  }
}
