import { describe, it } from "node:test";
import { fuzzH2 } from "../../fuzz/h2.ts";

describe("the HTTP/2 protocol", () => {
  for (const seed of [1, 2, 3]) {
    it(`understands any bytes the same way however they are split (seed ${seed})`, () => {
      fuzzH2(seed, 2_000);
    });
  }
});
