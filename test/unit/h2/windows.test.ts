import { describe, it } from "node:test";
import { fuzzH2Windows } from "../../fuzz/h2-windows.ts";

describe("the windows of an HTTP/2 connection", () => {
  for (const seed of [1, 2, 3]) {
    it(`lose no byte and are never overrun, whatever comes between (seed ${seed})`, () => {
      fuzzH2Windows(seed, 5);
    });
  }
});
