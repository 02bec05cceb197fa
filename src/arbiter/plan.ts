// The arbiter's judgement. Pure: no clock, no processes, no signals. All it knows arrives as an argument, so a test can
// play any history (crash loops, late exits, a reload during a reload). Moments and lengths are milliseconds.

/**
 *     booting ──► ready ──► draining ──► killed ──► (exit)
 *
 * Any state may be left for a later one, and a worker may exit in each. `draining` and `killed` workers still live;
 * only an exit report removes a worker.
 */
export type WorkerState = "booting" | "ready" | "draining" | "killed";

export interface Worker {
  /** The how-manieth fork of this arbiter: a worker's identity, never given twice. */
  readonly age: number;
  /** The seat it fills. */
  readonly nr: number;
  readonly generation: number;
  readonly state: WorkerState;
  /** When it came into its state. */
  readonly sinceMs: number;
  /** Ready, and known to a front. */
  readonly isServing: boolean;
  /** It shall be replaced, a successor first. */
  readonly isRetiring: boolean;
  /** Booting: it was seen to be busy, and is not overdue before. */
  readonly patienceEndMs?: number;
}

export interface Wanted {
  /** Seats 0 … workers - 1 are filled; the others are surplus. */
  readonly workers: number;
  readonly generation: number;
  /** How many seats may have a successor booting beside a worker that still serves. */
  readonly surgeMax: number;
  /** 0: no limit. */
  readonly bootTimeoutMs: number;
  readonly drainTimeoutMs: number;
  /**
   * Development: whoever does not fill its seat as wanted goes at once, and a successor comes when it is gone. Nobody runs old
   * code, and what only one process can have (a port, a lock) is free for the new one.
   */
  readonly isExclusive?: boolean;
  /** Seats that crashed, and when they may be filled again. */
  readonly forkNotBeforeMs: ReadonlyMap<number, number>;
}

export type DrainCause = "scale-down" | "reload" | "retire";
export type KillCause = "boot-timeout" | "drain-timeout";

export type Action =
  | { readonly type: "fork"; readonly nr: number; readonly generation: number }
  | { readonly type: "drain"; readonly age: number; readonly cause: DrainCause }
  | { readonly type: "kill"; readonly age: number; readonly cause: KillCause };

/** What to do now so that `pool` comes closer to `wanted`. Asking twice is harmless once the pool knows what was done. */
export function plan(pool: readonly Worker[], wanted: Wanted, nowMs: number): Action[] {
  return [
    ...killOverdue(pool, wanted, nowMs),
    ...forkMissing(pool, wanted, nowMs),
    ...drainSurplus(pool, wanted),
  ];
}

/** The next moment at which time alone changes the plan, or undefined: until then only events can. */
export function nextMomentMs(pool: readonly Worker[], wanted: Wanted, nowMs: number): number | undefined {
  const moments = [
    ...pool.map((worker) => overdueAtMs(worker, wanted)),
    ...missingSeats(pool, wanted).map((nr) => wanted.forkNotBeforeMs.get(nr) ?? nowMs),
  ].filter((moment) => moment > nowMs && Number.isFinite(moment));
  return moments.length === 0 ? undefined : Math.min(...moments);
}

function killOverdue(pool: readonly Worker[], wanted: Wanted, nowMs: number): Action[] {
  return pool
    .filter((worker) => overdueAtMs(worker, wanted) <= nowMs)
    .map(({ age, state }) => ({
      type: "kill",
      age,
      cause: state === "booting" ? "boot-timeout" : "drain-timeout",
    }));
}

/** The moment at which a worker is killed, if nothing happens. */
export function overdueAtMs(worker: Worker, wanted: Wanted): number {
  switch (worker.state) {
    case "booting":
      if (wanted.bootTimeoutMs === 0) return Number.POSITIVE_INFINITY;
      return Math.max(worker.sinceMs + wanted.bootTimeoutMs, worker.patienceEndMs ?? 0);
    case "draining":
      return worker.sinceMs + wanted.drainTimeoutMs;
    case "ready":
    case "killed":
      return Number.POSITIVE_INFINITY;
  }
}

/** Empty seats first: a seat whose old worker still serves can wait. */
function forkMissing(pool: readonly Worker[], wanted: Wanted, nowMs: number): Action[] {
  const due = missingSeats(pool, wanted).filter((nr) => (wanted.forkNotBeforeMs.get(nr) ?? nowMs) <= nowMs);
  if (wanted.isExclusive === true)
    return forks(
      due.filter((nr) => !isTaken(pool, nr)),
      wanted,
    );
  const empty = due.filter((nr) => !isServed(pool, nr));
  const served = due.filter((nr) => isServed(pool, nr));
  const surgeLeft = Math.max(0, wanted.surgeMax - countSurge(pool));
  return forks([...empty, ...served.slice(0, surgeLeft)], wanted);
}

function forks(seats: readonly number[], { generation }: Wanted): Action[] {
  return seats.map((nr) => ({ type: "fork", nr, generation }));
}

/** An old worker keeps its seat until its successor serves: neither a reload nor recycling costs capacity. */
function drainSurplus(pool: readonly Worker[], wanted: Wanted): Action[] {
  return pool.filter(isComingOrReady).flatMap((worker): Action[] => {
    const cause = surplusCause(pool, worker, wanted);
    return cause === undefined ? [] : [{ type: "drain", age: worker.age, cause }];
  });
}

function surplusCause(pool: readonly Worker[], worker: Worker, wanted: Wanted): DrainCause | undefined {
  if (worker.nr >= wanted.workers) return "scale-down";
  if (fillsSeat(worker, wanted)) return undefined;
  const servesNobody = worker.state === "booting";
  const hasSuccessor = pool.some((w) => w.nr === worker.nr && w.isServing && fillsSeat(w, wanted));
  const isNeeded = !servesNobody && !hasSuccessor && !isSpare(pool, worker, wanted);
  if (isNeeded && wanted.isExclusive !== true) return undefined;
  return worker.isRetiring ? "retire" : "reload";
}

/** Reloads during reloads leave several in one seat. One is enough until a successor serves: the oldest, whose code is proven. */
function isSpare(pool: readonly Worker[], worker: Worker, wanted: Wanted): boolean {
  return pool.some((w) => w.nr === worker.nr && w.age < worker.age && w.isServing && !fillsSeat(w, wanted));
}

function missingSeats(pool: readonly Worker[], wanted: Wanted): number[] {
  const filled = new Set(pool.filter((worker) => fillsSeat(worker, wanted)).map((worker) => worker.nr));
  return Array.from({ length: wanted.workers }, (_, nr) => nr).filter((nr) => !filled.has(nr));
}

function fillsSeat(worker: Worker, wanted: Wanted): boolean {
  return isComingOrReady(worker) && worker.generation === wanted.generation && !worker.isRetiring;
}

function isComingOrReady(worker: Worker): boolean {
  return worker.state === "booting" || worker.state === "ready";
}

function isTaken(pool: readonly Worker[], nr: number): boolean {
  return pool.some((worker) => worker.nr === nr);
}

function isServed(pool: readonly Worker[], nr: number): boolean {
  return pool.some((worker) => worker.nr === nr && worker.state === "ready");
}

function countSurge(pool: readonly Worker[]): number {
  return pool.filter((worker) => worker.state === "booting" && isServed(pool, worker.nr)).length;
}
