// `npm run sim -- [--seed=N] [--steps=N] [--seconds=N]`: simulations for as long as you like. A failure names its seed.

import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { simulateDispatch } from "./dispatch.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    steps: { type: "string", default: "20000" },
    seconds: { type: "string", default: "20" },
  },
});
const steps = Number(values.steps);

if (values.seed !== undefined) {
  console.log(simulateDispatch(Number(values.seed), steps));
} else {
  const untilMs = Date.now() + Number(values.seconds) * 1000;
  let runs = 0;
  for (; Date.now() < untilMs; runs += 1) tryOne(randomInt(2 ** 31));
  console.log(`dispatch: ${runs} runs of ${steps} steps hold`);
}

function tryOne(seed: number): void {
  try {
    simulateDispatch(seed, steps);
  } catch (cause) {
    throw new Error(`npm run sim -- --seed=${seed} --steps=${steps}`, { cause });
  }
}
