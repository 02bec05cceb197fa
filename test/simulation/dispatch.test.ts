import { ok } from "node:assert/strict";
import { randomInt } from "node:crypto";
import { describe, it } from "node:test";
import { type Outcome, simulateDispatch } from "./dispatch.ts";

const STEPS = 1_500;

describe("dispatch simulation", () => {
  it("holds its invariants for seeds 1 to 40, which reach every end", () => {
    const outcomes: Outcome[] = [];
    for (let seed = 1; seed <= 40; seed += 1) outcomes.push(run(seed));
    const ends = new Set(outcomes.flatMap((outcome) => Object.keys(outcome.ends)));
    for (const end of ["answered", "client left", "queue-full", "queue-timeout", "worker-died", "expired"]) {
      ok(ends.has(end), `some request ends as ${end}`);
    }
    ok(outcomes.some((outcome) => outcome.sentAhead > 0));
    ok(outcomes.some((outcome) => outcome.takenBack > 0));
  });

  it("holds its invariants for a seed nobody chose", (t) => {
    const seed = randomInt(2 ** 31);
    t.diagnostic(`seed ${seed}`);
    run(seed);
  });
});

function run(seed: number): Outcome {
  try {
    return simulateDispatch(seed, STEPS);
  } catch (cause) {
    throw new Error(`npm run sim -- dispatch --seed=${seed} --steps=${STEPS}`, { cause });
  }
}
