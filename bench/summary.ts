// The rounds of each server brought together: medians, and ratios to tunicorn. A ratio is taken within each round, where the two
// ran one after the other, and then its median: noise that lasts longer than a round cancels out.

import type {
  IdleSockets,
  Measurement,
  OneSlow,
  Run,
  SlowClients,
  Throughput,
  Transfer,
} from "./measurement.ts";

export class Results {
  readonly #runs: readonly Run[];

  constructor(runs: readonly Run[]) {
    this.#runs = runs;
  }

  throughput(scenario: string, server: string): Throughput[] {
    return this.#measurements(scenario, server).filter((one) => one.type === "throughput");
  }

  slowClients(scenario: string, server: string): SlowClients[] {
    return this.#measurements(scenario, server).filter((one) => one.type === "slow-clients");
  }

  oneSlow(scenario: string, server: string): OneSlow[] {
    return this.#measurements(scenario, server).filter((one) => one.type === "one-slow");
  }

  transfers(scenario: string, server: string): Transfer[] {
    return this.#measurements(scenario, server).filter((one) => one.type === "transfer");
  }

  idleSockets(scenario: string, server: string): IdleSockets[] {
    return this.#measurements(scenario, server).filter((one) => one.type === "idle-web-sockets");
  }

  failure(scenario: string, server: string): string | undefined {
    return this.#of(scenario, server).find((run) => run.failure !== undefined)?.failure;
  }

  /** `value` of one server by that of another, undefined when either was not measured. */
  ratio(
    scenario: string,
    [server, peer]: readonly [string, string],
    value: (one: Throughput) => number,
  ): number | undefined {
    return medianRatio(
      this.throughput(scenario, server).map(value),
      this.throughput(scenario, peer).map(value),
    );
  }

  #measurements(scenario: string, server: string): Measurement[] {
    return this.#of(scenario, server)
      .map((run) => run.measurement)
      .filter((one) => one !== undefined);
  }

  #of(scenario: string, server: string): Run[] {
    return this.#runs.filter((run) => run.scenario === scenario && run.server === server);
  }
}

/** Round by round. */
export function medianRatio(mine: readonly number[], others: readonly number[]): number | undefined {
  const rounds = Math.min(mine.length, others.length);
  return median(Array.from({ length: rounds }, (_, i) => (mine[i] ?? 0) / (others[i] ?? 0)));
}

export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle];
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}
