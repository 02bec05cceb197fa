// All that the server can tell for --metrics: what the fronts have counted, what workers answer, and what is known here.

import { addSamples, exposition, type Samples, sampleName } from "../metrics/exposition.ts";
import { FAMILIES } from "../metrics/families.ts";
import type { Commanded } from "./control-commands.ts";
import type { PoolWorker } from "./pool.ts";
import { type AppView, countServing } from "./view.ts";

export interface GatheredOptions {
  readonly arbiter: Pick<Commanded, "view" | "askFronts" | "askWorker">;
  readonly version: string;
  readonly startedAtUnixMs: number;
}

const KIB = 1_024;

/** The text that is shown. Whoever does not answer in time is left out. */
export async function gatherMetrics(options: GatheredOptions): Promise<string> {
  const { arbiter } = options;
  const { apps } = arbiter.view();
  const asked = apps.flatMap(({ name, workers }) =>
    workers.filter(({ pid }) => pid > 0).map((worker) => askOf(arbiter, name, worker)),
  );
  const [answers, workers] = await Promise.all([arbiter.askFronts("figures"), Promise.all(asked)]);
  const samples = [serverSamples(options), ...apps.map(appSamples), ...workers, ...answers.map(samplesIn)];
  return exposition(FAMILIES, addSamples(samples));
}

function serverSamples({ version, startedAtUnixMs }: GatheredOptions): Samples {
  return {
    [sampleName("tunicorn_info", { version })]: 1,
    tunicorn_start_time_seconds: Math.round(startedAtUnixMs) / 1_000,
  };
}

function appSamples(view: AppView): Samples {
  const { name: app, workers } = view;
  const states = { serving: countServing(view), booting: 0, draining: 0, killed: 0 };
  for (const { state, isServing } of workers)
    if (!isServing) states[state === "ready" ? "booting" : state] += 1;
  const byState = Object.entries(states).map(([state, count]) => [
    sampleName("tunicorn_workers", { app, state }),
    count,
  ]);
  const exits = [...view.exits].map(([cause, count]) => [
    sampleName("tunicorn_worker_exits_total", { app, cause }),
    count,
  ]);
  return {
    [sampleName("tunicorn_degraded", { app })]: view.isDegraded ? 1 : 0,
    [sampleName("tunicorn_generation", { app })]: view.generation,
    [sampleName("tunicorn_workers_wanted", { app })]: view.workersWanted,
    ...Object.fromEntries([...byState, ...exits]),
  };
}

/** While a worker is replaced, two have its number: their figures are one. */
async function askOf(arbiter: GatheredOptions["arbiter"], app: string, worker: PoolWorker): Promise<Samples> {
  const answer = await arbiter.askWorker(worker.pid, "ping");
  const { rss, busy } = isRecord(answer) ? answer : {};
  if (typeof rss !== "number" || typeof busy !== "number") return {};
  const labels = { app, nr: worker.nr };
  return {
    [sampleName("tunicorn_worker_resident_bytes", labels)]: rss * KIB,
    [sampleName("tunicorn_worker_busy", labels)]: busy,
  };
}

/** Checked when it came in (control/shapes.ts). */
function samplesIn(answer: unknown): Samples {
  return isRecord(answer) ? (answer["samples"] as Samples) : {};
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
