import { describe, it } from "node:test";
import { fuzzH1 } from "../../fuzz/h1.ts";

describe("the HTTP/1.1 protocol", () => {
  for (const seed of [1, 2, 3]) {
    it(`understands mutated bytes the same way however they are split (seed ${seed})`, () => {
      fuzzH1(seed, 2_000);
    });
  }
});
