// `npm run sim -- [dispatch|arbiter]… [--seed=N] [--steps=N] [--seconds=N]`: simulations for as long as you like. A failure
// names its seed; with a seed, that one history is played again.

import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { simulateArbiter } from "./arbiter.ts";
import { simulateDispatch } from "./dispatch.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    steps: { type: "string", default: "20000" },
    seconds: { type: "string", default: "20" },
  },
});
const steps = Number(values.steps);

const games: Readonly<Record<string, (seed: number) => unknown>> = {
  dispatch: (seed) => simulateDispatch(seed, steps),
  arbiter: simulateArbiter,
};

/** Each gets its share of the time. */
async function main(): Promise<void> {
  const names = positionals.length === 0 ? Object.keys(games) : positionals;
  const shareMs = (Number(values.seconds) * 1000) / names.length;
  for (const name of names) {
    const play = games[name];
    if (play === undefined)
      throw new Error(`no simulation ${name}; there are ${Object.keys(games).join(", ")}`);
    if (values.seed === undefined) await playFor(shareMs, name, play);
    else console.log(`${name}:`, (await play(Number(values.seed))) ?? "holds");
  }
}

async function playFor(shareMs: number, name: string, play: (seed: number) => unknown): Promise<void> {
  const untilMs = Date.now() + shareMs;
  let runs = 0;
  for (; Date.now() < untilMs; runs += 1) {
    const seed = randomInt(2 ** 31);
    try {
      await play(seed);
    } catch (cause) {
      throw new Error(`npm run sim -- ${name} --seed=${seed} --steps=${steps}`, { cause });
    }
  }
  console.log(`${name}: ${runs} runs hold`);
}

await main();
