// Whole lives of a server with several applications, one per seed: some do not start or crash, the site's file changes or
// breaks, a reload comes during a reload, a stop at any moment. Lengths of time are milliseconds.

import assert from "node:assert/strict";
import { KILL_WAIT_MS } from "../../src/arbiter/stop.ts";
import type { AppView } from "../../src/arbiter/view.ts";
import {
  ArbiterWorld,
  type Faults,
  GRACEFUL_TIMEOUT_MS,
  NO_FAULTS,
  type Site,
  settle,
} from "./arbiter-world.ts";
import { Random } from "./random.ts";

const STEPS = 60;
const CALM_MS = 200_000;
/** Each lets promises run: an address that is opened is one. */
const CALM_PARTS = 20;
const NAMES = ["steady", "b", "c", "d"];
/** Has no faults, is in every site, and shall notice nothing of the others. */
const STEADY = "steady";
const BROKEN: Faults = { ...NO_FAULTS, bootFailed: 1 };

/** Anything happens to the others; the steady one always has its workers. When calm returns, the file is what runs. */
export async function playSite(seed: number): Promise<void> {
  const { world, random } = await begin(seed);
  await boot(world);
  for (let step = 0; step < STEPS; step += 1) {
    await act(world, random);
    for (let part = 0; part < 10; part += 1) {
      world.clock.advance(random.next() ** 3 * 1_000);
      checkSteady(world);
    }
    await settle();
  }
  await calmDown(world, random);
  checkSite(world);
}

/** A stop at any moment, also of the first start, ends in time and leaves nothing. */
export async function playSiteToStop(seed: number): Promise<void> {
  const { world, random } = await begin(seed);
  const steps = random.whole(0, 15);
  for (let step = 0; step < steps; step += 1) {
    await act(world, random);
    world.clock.advance(random.next() ** 3 * 5_000);
    if (random.chance(0.5)) await settle();
  }
  world.arbiter.signal(random.chance(0.5) ? "SIGTERM" : "SIGINT");
  world.clock.advance(GRACEFUL_TIMEOUT_MS + KILL_WAIT_MS + 1);
  await settle();
  assert.notEqual(world.exitCode, undefined, "it ended");
  world.clock.advance(10_000);
  await settle();
  assert.deepEqual([world.workers.size, world.forkservers.size, world.fronts.size], [0, 0, 0]);
  assert.deepEqual([...world.open], []);
}

/** Where no application starts there is no server. */
export async function playHopeless(seed: number): Promise<void> {
  const world = new ArbiterWorld({ b: 1, c: 2 }, new Random(seed));
  world.faults = BROKEN;
  await world.start();
  world.clock.advance(CALM_MS);
  await settle();
  assert.equal(world.exitCode, 3);
}

/** A site whose file is broken, and one of which nothing starts, change nothing. */
export async function playRefused(seed: number): Promise<void> {
  const random = new Random(seed);
  const world = new ArbiterWorld({ steady: 2, b: 1 }, random);
  await world.start();
  await boot(world);
  const before = pidsOf(world);
  world.file = undefined;
  await reload(world);
  world.clock.advance(CALM_MS);
  assert.deepEqual(pidsOf(world), before, "nobody was replaced");
  assert.equal(world.arbiter.view().isDegraded, true);
  world.faults = BROKEN;
  world.file = { steady: 2, c: 1 };
  await reload(world);
  world.clock.advance(CALM_MS);
  assert.deepEqual(pidsOf(world), before, "nobody was replaced by what does not start");
  assert.deepEqual(appsOfFronts(world), [["b", "steady"]]);
}

async function begin(seed: number): Promise<{ world: ArbiterWorld; random: Random }> {
  const random = new Random(seed);
  const world = new ArbiterWorld(drawSite(random), random);
  world.faults = { ...NO_FAULTS, refusePort: random.chance(0.5) ? 0.2 : 0 };
  for (const name of NAMES.slice(1)) if (random.chance(0.3)) world.faultsOfApp.set(name, BROKEN);
  await world.start();
  return { world, random };
}

async function boot(world: ArbiterWorld): Promise<void> {
  world.clock.advance(5_000);
  await settle();
  assert.equal(world.arbiter.view().phase, "serving");
}

function drawSite(random: Random): Site {
  const others = NAMES.slice(1).filter(() => random.chance(0.6));
  return Object.fromEntries(
    [STEADY, ...others].map((name) => [name, name === STEADY ? 2 : random.whole(1, 3)]),
  );
}

async function act(world: ArbiterWorld, random: Random): Promise<void> {
  const other = random.pick(NAMES.slice(1)) ?? "b";
  const dice = random.whole(0, 8);
  if (dice === 0) world.faultsOfApp.set(other, drawFaults(random));
  else if (dice === 1) world.file = random.chance(0.2) ? undefined : drawSite(random);
  else if (dice === 2) await reload(world);
  else if (dice === 3) world.arbiter.reload(other);
  else if (dice === 4)
    world.pick([...world.workers].filter(({ app }) => app === other))?.exit(null, "SIGKILL");
  else if (dice === 5) world.pick([...world.forkservers].filter(({ app }) => app === other))?.kill();
  else if (dice === 7) world.ports = drawPorts(random);
  else if (dice === 6) world.pick([...world.workers].filter(({ app }) => app === other))?.wear();
}

function drawPorts(random: Random): number[] {
  return [80, 443, 8_000].filter(() => random.chance(0.5));
}

/** A control listener of a new application opens in its own time. */
async function reload(world: ArbiterWorld): Promise<void> {
  world.arbiter.signal("SIGHUP");
  await settle();
}

function drawFaults(random: Random): Faults {
  const chance = (): number => (random.chance(0.5) ? 0 : random.next() ** 2);
  return {
    ...NO_FAULTS,
    crashInBoot: chance(),
    bootFailed: random.chance(0.3) ? 1 : chance(),
    hangInBoot: chance() / 4,
    ignoreStop: chance(),
  };
}

async function calmDown(world: ArbiterWorld, random: Random): Promise<void> {
  world.faultsOfApp.clear();
  world.faults = NO_FAULTS;
  world.file = drawSite(random);
  world.ports = drawPorts(random);
  await reload(world);
  for (let part = 0; part < CALM_PARTS; part += 1) {
    world.clock.advance(CALM_MS / CALM_PARTS);
    await settle();
  }
}

function checkSteady(world: ArbiterWorld): void {
  const serving = [...world.workers].filter((worker) => worker.app === STEADY && worker.isServing);
  assert.ok(serving.length >= 2, `${serving.length} of 2 serve`);
  assert.equal(world.exitCode, undefined);
}

function checkSite(world: ArbiterWorld): void {
  const file = world.file ?? {};
  const view = world.arbiter.view();
  assert.equal(view.phase, "serving");
  assert.equal(view.isDegraded, false);
  assert.deepEqual(view.apps.map(({ name }) => name).sort(), Object.keys(file).sort());
  for (const app of view.apps) checkApp(world, app, file[app.name] ?? 0);
  assert.equal(
    world.workers.size,
    Object.values(file).reduce((sum, workers) => sum + workers, 0),
  );
  assert.equal(world.forkservers.size, view.apps.length);
  assert.deepEqual(appsOfFronts(world), [Object.keys(file).sort()]);
  assert.deepEqual([...world.open].sort(), [...world.ports].sort());
  for (const front of world.fronts) assert.deepEqual([...front.ports].sort(), [...world.ports].sort());
}

function checkApp(world: ArbiterWorld, { name, generation }: AppView, wanted: number): void {
  const workers = [...world.workers].filter((worker) => worker.app === name);
  const seats = workers.map(({ nr }) => nr).sort((a, b) => a - b);
  assert.deepEqual(
    seats,
    Array.from({ length: wanted }, (_, nr) => nr),
    name,
  );
  assert.ok(
    workers.every((worker) => worker.isServing && worker.generation === generation),
    `${name} serves`,
  );
}

function pidsOf(world: ArbiterWorld): number[] {
  return [...world.workers].map(({ pid }) => pid).sort((a, b) => a - b);
}

function appsOfFronts(world: ArbiterWorld): string[][] {
  return [...world.fronts].map(({ apps }) => [...apps].sort());
}
