import { describe, it } from "node:test";
import { fuzzWire } from "../../fuzz/wire.ts";

describe("the wire", () => {
  for (const seed of [1, 2, 3]) {
    it(`understands mutated frames the same way however they are split (seed ${seed})`, () => {
      fuzzWire(seed, 2_000);
    });
  }
});
