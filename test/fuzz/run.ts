// `npm run fuzz -- [gateway|h1|h2|h2-windows|wire]… [--seed=N] [--rounds=N]`: mutated bytes for as long as you like. A failure names its seed.

import { parseArgs } from "node:util";
import { fuzzGateway } from "./gateway.ts";
import { fuzzH1 } from "./h1.ts";
import { fuzzH2 } from "./h2.ts";
import { fuzzH2Windows } from "./h2-windows.ts";
import { fuzzWire } from "./wire.ts";

const fuzzers: Readonly<Record<string, (seed: number, rounds: number) => void>> = {
  gateway: fuzzGateway,
  h1: fuzzH1,
  h2: fuzzH2,
  // A round plays hundreds of streams.
  "h2-windows": (seed, rounds) => fuzzH2Windows(seed, Math.ceil(rounds / 500)),
  wire: fuzzWire,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string" }, rounds: { type: "string", default: "200000" } },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000_000);
const rounds = Number(values.rounds);

for (const name of positionals.length === 0 ? Object.keys(fuzzers) : positionals) {
  const fuzz = fuzzers[name];
  if (fuzz === undefined) throw new Error(`no fuzzer ${name}; there are ${Object.keys(fuzzers).join(", ")}`);
  console.log(`${name}: seed ${seed}, ${rounds} rounds`);
  fuzz(seed, rounds);
  console.log(`${name}: nothing found`);
}
