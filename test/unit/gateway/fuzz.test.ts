import { describe, it } from "node:test";
import { fuzzGateway } from "../../fuzz/gateway.ts";

describe("uwsgi, SCGI, FastCGI and the PROXY protocol", () => {
  for (const seed of [1, 2, 3]) {
    it(`are understood the same way however mutated bytes are split (seed ${seed})`, () => {
      fuzzGateway(seed, 2_000);
    });
  }
});
