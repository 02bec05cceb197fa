// How many workers shall there be, between two bounds (--workers 2..8)? Pure: reports and moments come as arguments. It adds
// when requests wait for a worker and memory allows, and takes one away when for a whole idle time fewer would have done.

/** Below this a wait is what any queue has; nobody notices. */
export const GROW_WAIT_MS = 100;
/** A report of pressure says nothing after so long. */
const FRESH_MS = 1_000;
/** While memory forbids, how long until it is looked at again. */
const MEMORY_LOOK_MS = 5_000;

export interface ElasticBounds {
  readonly min: number;
  readonly max: number;
  readonly idleMs: number;
}

/** What one front sees (handlers/pressure.ts). */
export interface Pressure {
  readonly waitingMs: number;
  readonly queued: number;
  /** The most requests that ran at once since its last report. */
  readonly busy: number;
}

export interface ElasticFacts {
  readonly wanted: number;
  /** Workers that take requests. While it is less than `wanted` some are on their way, or cannot come: no more are asked for. */
  readonly serving: number;
  /** Requests that one worker runs at once. */
  readonly slots: number;
  readonly nowMs: number;
  /** How many more workers fit into memory; asked only when one is wanted. */
  room(): number;
}

export class Elastic {
  readonly #bounds: ElasticBounds;
  readonly #fronts = new Map<number, Pressure & { readonly atMs: number }>();
  /** Since when fewer workers would have done. */
  #calmSinceMs: number;
  #noRoomUntilMs = Number.NEGATIVE_INFINITY;

  constructor(bounds: ElasticBounds, nowMs: number) {
    this.#bounds = bounds;
    this.#calmSinceMs = nowMs;
  }

  /** Whether there is anything to decide. */
  get isElastic(): boolean {
    return this.#bounds.min < this.#bounds.max;
  }

  onPressure(front: number, pressure: Pressure, nowMs: number): void {
    this.#fronts.set(front, { ...pressure, atMs: nowMs });
  }

  onFrontGone(front: number): void {
    this.#fronts.delete(front);
  }

  /** The number of workers that is right now. */
  judge(facts: ElasticFacts): number {
    if (!this.isElastic) return facts.wanted;
    if (this.#areAllNeeded(facts)) this.#calmSinceMs = facts.nowMs;
    const grown = this.#grown(facts);
    return grown > facts.wanted ? grown : this.#shrunk(facts);
  }

  /** When time alone may change the judgement. */
  nextMomentMs(wanted: number): number {
    const canShrink = this.isElastic && wanted > this.#bounds.min;
    return canShrink ? this.#calmSinceMs + this.#bounds.idleMs : Number.POSITIVE_INFINITY;
  }

  /** A burst is met in few steps: up to half as many again, and no more than what waits can use. */
  #grown({ wanted, serving, slots, nowMs, room }: ElasticFacts): number {
    const isPressed = this.#fresh(nowMs).some(({ waitingMs }) => waitingMs >= GROW_WAIT_MS);
    if (!isPressed || wanted >= this.#bounds.max || serving < wanted) return wanted;
    if (nowMs < this.#noRoomUntilMs) return wanted;
    const fitting = room();
    if (fitting < 1) {
      this.#noRoomUntilMs = nowMs + MEMORY_LOOK_MS;
      return wanted;
    }
    const queued = this.#fresh(nowMs).reduce((sum, front) => sum + front.queued, 0);
    const useful = Math.ceil(queued / Math.max(1, slots));
    const step = Math.max(1, Math.min(useful, Math.ceil(wanted / 2)));
    return Math.min(this.#bounds.max, wanted + Math.min(step, fitting));
  }

  /** One at a time, an idle time for each. */
  #shrunk({ wanted, nowMs }: ElasticFacts): number {
    if (nowMs < this.nextMomentMs(wanted)) return wanted;
    this.#calmSinceMs = nowMs;
    return wanted - 1;
  }

  /** One fewer could not have run what ran, or something waits. */
  #areAllNeeded({ wanted, slots, nowMs }: ElasticFacts): boolean {
    const fresh = this.#fresh(nowMs);
    const busy = fresh.reduce((sum, front) => sum + front.busy, 0);
    const isWaiting = fresh.some(({ waitingMs }) => waitingMs >= GROW_WAIT_MS);
    return isWaiting || Math.ceil(busy / Math.max(1, slots)) >= wanted;
  }

  #fresh(nowMs: number): (Pressure & { readonly atMs: number })[] {
    return [...this.#fronts.values()].filter(({ atMs }) => nowMs - atMs <= FRESH_MS);
  }
}
