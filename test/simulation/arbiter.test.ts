// The whole arbiter against hundreds of histories (arbiter.ts). A failure names its seed: TUNICORN_SEED=n runs that history alone.

import { describe, it } from "node:test";
import { type Game, playElastic, playGrowth, playReload, playToCalm, playToStop } from "./arbiter.ts";
import { playHopeless, playRefused, playSite, playSiteToStop } from "./site.ts";

const HISTORIES = 300;

const seeds =
  process.env["TUNICORN_SEED"] === undefined
    ? Array.from({ length: HISTORIES }, (_, seed) => seed)
    : [Number(process.env["TUNICORN_SEED"])];

/** Histories that once went wrong. */
const KNOWN = [1_566_240_539, 849_642_402];

async function playAll(play: Game, histories: number, more: readonly number[] = []): Promise<void> {
  for (const seed of [...seeds.slice(0, histories), ...more]) {
    try {
      await play(seed);
    } catch (cause) {
      throw new Error(`TUNICORN_SEED=${seed}`, { cause });
    }
  }
}

describe("the arbiter, in any history", () => {
  it("comes back to exactly what is wanted when calm returns", () => playAll(playToCalm, HISTORIES, KNOWN));
  it("stops in time at any moment, and leaves nothing", () => playAll(playToStop, HISTORIES));
});

describe("a reload without faults", () => {
  it("never costs capacity", () => playAll(playReload, 50));
});

describe("an elastic number of workers", () => {
  it("grows to its upper bound while requests wait, and goes back to the lower one when nobody asks", () =>
    playAll(playGrowth, 50));
  it("stays between its bounds in any history, and is not lost by a reload", () => playAll(playElastic, 100));
});

describe("several applications", () => {
  it("do not disturb each other in any history, and become what the file says", () => playAll(playSite, 150));
  it("stop in time at any moment, also while some do not start", () => playAll(playSiteToStop, 150));
  it("are no server where none of them starts", () => playAll(playHopeless, 20));
  it("stay as they are when the file is broken, or nothing of it starts", () => playAll(playRefused, 50));
});
