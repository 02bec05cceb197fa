// Whole lives of an arbiter, one per seed: crashes, hangs, reloads, late reports, stops at any moment. Each game throws where
// something does not hold. Lengths of time are milliseconds.

import assert from "node:assert/strict";
import { KILL_WAIT_MS } from "../../src/arbiter/stop.ts";
import { countWanted } from "../../src/arbiter/view.ts";
import { ArbiterWorld, type Faults, GRACEFUL_TIMEOUT_MS, NO_FAULTS, settle } from "./arbiter-world.ts";
import { Random } from "./random.ts";
import { playHopeless, playRefused, playSite, playSiteToStop } from "./site.ts";

const STEPS = 120;
const CALM_MS = 200_000;
const WORKERS_MAX = 6;
const MIN = 2;
const MAX = 8;
const IDLE_MS = 60_000;

export type Game = (seed: number) => Promise<void>;

/** Anything happens; when calm returns, exactly what is wanted is there. */
export async function playToCalm(seed: number): Promise<void> {
  const history = await begin(seed);
  await boot(history);
  for (let step = 0; step < STEPS; step += 1) history.step();
  history.world.faults = NO_FAULTS;
  if (history.isResting) history.checkRest();
  history.world.clock.advance(CALM_MS);
  history.checkCalm();
}

/** A stop at any moment ends in time, and leaves nothing. */
export async function playToStop(seed: number): Promise<void> {
  const history = await begin(seed);
  const { world } = history;
  if (world.happens(0.7)) await boot(history);
  const steps = world.random.whole(0, 20);
  for (let step = 0; step < steps && world.exitCode === undefined; step += 1) history.step();
  world.arbiter.signal(world.happens(0.5) ? "SIGTERM" : "SIGINT");
  world.clock.advance(GRACEFUL_TIMEOUT_MS + KILL_WAIT_MS + 1);
  await settle();
  assert.notEqual(world.exitCode, undefined, "it ended");
  world.clock.advance(10_000);
  assert.deepEqual([world.workers.size, world.forkservers.size, world.fronts.size], [0, 0, 0]);
}

/** A reload without faults never costs capacity. */
export async function playReload(seed: number): Promise<void> {
  const history = await begin(seed);
  await boot(history);
  history.reload();
  for (let step = 0; step < 2_000; step += 1) {
    history.world.clock.advance(10);
    const serving = [...history.world.workers].filter((worker) => worker.isServing);
    assert.ok(serving.length >= history.wanted, `${serving.length} of ${history.wanted} serve`);
  }
  history.checkCalm();
  assert.ok([...history.world.workers].every((worker) => worker.generation === 2));
}

/** An elastic pool goes to its upper bound while requests wait, and back when nobody asks. */
export async function playGrowth(seed: number): Promise<void> {
  const world = await elasticWorld(seed);
  assert.equal(world.workers.size, MIN);
  press(world, 30_000);
  assert.equal([...world.workers].filter((worker) => worker.isServing).length, MAX);
  world.clock.advance((MAX - MIN + 1) * IDLE_MS);
  assert.equal(world.workers.size, MIN);
}

/** An elastic pool stays between its bounds whatever happens. */
export async function playElastic(seed: number): Promise<void> {
  const world = await elasticWorld(seed);
  for (let step = 0; step < STEPS; step += 1) {
    const dice = world.random.whole(0, 5);
    if (dice === 0) world.faults = drawFaults(world.random);
    else if (dice === 1) world.arbiter.signal("SIGHUP");
    else if (dice === 2) world.pick(world.workers)?.exit(null, "SIGKILL");
    else if (dice === 3) press(world, world.random.between(0, 5_000));
    world.clock.advance(world.random.next() ** 3 * 20_000);
    const workersWanted = countWanted(world.arbiter.view());
    assert.ok(workersWanted >= MIN && workersWanted <= MAX, `${workersWanted} wanted`);
  }
  world.faults = NO_FAULTS;
  world.clock.advance(CALM_MS + (MAX - MIN + 1) * IDLE_MS);
  assert.equal(world.workers.size, MIN);
}

/** All of them. */
export async function simulateArbiter(seed: number): Promise<void> {
  for (const play of [playToCalm, playToStop, playReload, playGrowth, playElastic]) await play(seed);
  for (const play of [playSite, playSiteToStop, playHopeless, playRefused]) await play(seed);
}

function drawFaults(random: Random): Faults {
  const chance = (): number => (random.chance(0.5) ? 0 : random.next() ** 2);
  return {
    crashInBoot: chance(),
    bootFailed: chance(),
    hangInBoot: chance() / 4,
    ignoreStop: chance(),
    refusePort: 0,
    ignoreDrain: chance(),
    delayMsMax: random.between(1, 2_000),
  };
}

/** What an operator and fate may do; `wanted` follows the operator. */
class History {
  readonly world: ArbiterWorld;
  readonly started: number;
  wanted: number;
  wantedMax: number;
  isResting = false;

  constructor(seed: number) {
    const random = new Random(seed);
    this.started = random.whole(1, 4);
    this.wanted = this.started;
    this.wantedMax = this.started;
    this.world = new ArbiterWorld(this.started, random, seed % 3 === 0 ? { drainDelayMs: 5_000 } : {});
  }

  step(): void {
    const { world } = this;
    const dice = world.random.whole(0, 11);
    if (dice === 0) world.faults = drawFaults(world.random);
    else if (dice === 1) this.reload();
    else if (dice === 2 && this.wanted < WORKERS_MAX) this.add();
    else if (dice === 3) this.remove();
    else if (dice === 4) world.pick(world.workers)?.exit(null, "SIGKILL");
    else if (dice === 5) world.pick(world.workers)?.retire();
    else if (dice === 6 && world.happens(0.3)) world.pick(world.forkservers)?.kill();
    else if (dice === 7 && world.happens(0.3)) world.pick(world.fronts)?.kill();
    else if (dice === 8) world.pick(world.workers)?.hang();
    else if (dice === 9) world.pick(world.workers)?.wear();
    else if (dice === 10 && world.happens(0.2)) this.rest();
    world.clock.advance(world.random.next() ** 3 * 20_000);
    this.checkAlways();
  }

  reload(): void {
    this.world.arbiter.signal("SIGHUP");
    this.wanted = this.started;
    this.isResting = false;
  }

  rest(): void {
    this.world.arbiter.signal("SIGWINCH");
    this.isResting = true;
  }

  add(): void {
    this.world.arbiter.signal("SIGTTIN");
    this.wanted = this.isResting ? 1 : this.wanted + 1;
    this.isResting = false;
    this.wantedMax = Math.max(this.wantedMax, this.wanted);
  }

  remove(): void {
    this.world.arbiter.signal("SIGTTOU");
    this.wanted = Math.max(1, this.wanted - 1);
  }

  checkAlways(): void {
    const leaving = this.#leaving();
    const staying = [...this.world.workers].filter(
      (worker) => worker.isServing && !worker.isLeaving && !leaving.has(worker.pid),
    );
    assert.ok(staying.length <= 2 * this.wantedMax, `${staying.length} workers serve`);
    assert.ok(this.world.fronts.size <= 1, "one front");
  }

  /** Their front was told, and may not have heard it yet. */
  #leaving(): ReadonlySet<number> {
    const workers = this.world.arbiter.view().apps.flatMap((app) => app.workers);
    return new Set(workers.filter(({ state }) => state === "draining").map(({ pid }) => pid));
  }

  /** Then it is called back. */
  checkRest(): void {
    this.world.clock.advance(CALM_MS);
    assert.equal(this.world.workers.size + this.world.fronts.size, 0, "nobody works");
    this.reload();
  }

  checkCalm(): void {
    const { workers, fronts, forkservers } = this.world;
    const seats = [...workers].map((worker) => worker.nr).sort((a, b) => a - b);
    assert.deepEqual(
      seats,
      Array.from({ length: this.wanted }, (_, nr) => nr),
    );
    assert.ok(
      [...workers].every((worker) => worker.isServing),
      "all serve",
    );
    assert.equal(new Set([...workers].map((worker) => worker.generation)).size, 1, "one generation");
    const living = [...forkservers].map(({ generation, children }) => ({
      generation,
      children: children.size,
    }));
    assert.deepEqual(living, [{ generation: living[0]?.generation, children: workers.size }]);
    assert.equal(fronts.size, 1);
  }
}

async function begin(seed: number): Promise<History> {
  const history = new History(seed);
  await history.world.start();
  return history;
}

async function boot(history: History): Promise<void> {
  history.world.clock.advance(5_000);
  await settle();
  history.checkCalm();
}

async function elasticWorld(seed: number): Promise<ArbiterWorld> {
  const bounds = { workersMin: MIN, workersMax: MAX, workersIdleMs: IDLE_MS };
  const world = new ArbiterWorld(MIN, new Random(seed), bounds);
  await world.start();
  world.clock.advance(5_000);
  await settle();
  return world;
}

function press(world: ArbiterWorld, forMs: number): void {
  for (let ms = 0; ms < forMs; ms += 250) {
    for (const front of world.fronts) front.press(20, world.workers.size);
    world.clock.advance(250);
  }
}
