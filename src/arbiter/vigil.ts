// What the arbiter notices of ready workers by asking now and then: their memory, and whether an event loop still turns when its
// control thread cannot say so itself. Requests of sync and gthread workers are the fronts' to watch. Pure; milliseconds.

import type { Config } from "../config/config.ts";

export interface VigilOptions {
  /** 0: no limit. */
  readonly maxRssBytes: number;
  /** How long an asgi worker may leave a question open; 0: for ever. */
  readonly timeoutMs: number;
  readonly lifetimeMs: number;
  readonly lifetimeJitterMs: number;
}

export function vigilOptions(config: Config): VigilOptions {
  return {
    maxRssBytes: config.workersMaxRssBytes,
    timeoutMs: config.timeoutMs,
    lifetimeMs: config.workersLifetimeMs,
    lifetimeJitterMs: config.workersLifetimeJitterMs,
  };
}

/** A worker as the vigil knows it. */
export interface Watched {
  readonly age: number;
  readonly bornAtMs: number;
  readonly isAsgi: boolean;
}

export type Finding =
  | { readonly type: "ask"; readonly age: number }
  | { readonly type: "old"; readonly age: number }
  | { readonly type: "silent"; readonly age: number; readonly forMs: number };

interface Notes {
  readonly lifetimeMs: number;
  askedAtMs: number;
  isAnswered: boolean;
  /** When the question was asked whose answer told the memory that counts. */
  weighedAtMs: number;
  /** Weighings in a row that were above the limit. */
  large: number;
}

export const ASK_EVERY_MS = 10_000;
/** Where the time limit is short, an event loop that holds its control thread up shall not be found much later. */
const ASK_EVERY_MIN_MS = 1_000;
const LARGE_ANSWERS = 2;
const KIB = 1024;
const NEVER: number = Number.POSITIVE_INFINITY;

export class Vigil {
  #options: VigilOptions;
  readonly #random: () => number;
  readonly #notes = new Map<number, Notes>();

  /** `random`: 0 up to 1. */
  constructor(options: VigilOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  /** Workers that are watched already keep the lifetime that they were given. */
  configure(options: VigilOptions): void {
    this.#options = options;
  }

  look(workers: readonly Watched[], nowMs: number): Finding[] {
    const known = new Set(workers.map(({ age }) => age));
    for (const age of this.#notes.keys()) if (!known.has(age)) this.#notes.delete(age);
    return workers.flatMap((worker) => this.#lookAt(worker, this.#notesOf(worker, nowMs), nowMs));
  }

  /** True: it holds too much, for the second time in a row. */
  onAnswer(age: number, rssKib: number): boolean {
    const notes = this.#notes.get(age);
    if (notes === undefined) return false;
    notes.isAnswered = true;
    const { maxRssBytes } = this.#options;
    if (notes.askedAtMs < notes.weighedAtMs + ASK_EVERY_MS) return false;
    notes.weighedAtMs = notes.askedAtMs;
    notes.large = maxRssBytes > 0 && rssKib * KIB > maxRssBytes ? notes.large + 1 : 0;
    return notes.large === LARGE_ANSWERS;
  }

  nextMomentMs(workers: readonly Watched[]): number {
    const moments = workers.flatMap((worker) => {
      const notes = this.#notes.get(worker.age);
      return notes === undefined ? [] : [this.#nextMomentOf(worker, notes)];
    });
    return Math.min(...moments, NEVER);
  }

  #notesOf({ age }: Watched, nowMs: number): Notes {
    const known = this.#notes.get(age);
    if (known !== undefined) return known;
    const { lifetimeMs, lifetimeJitterMs } = this.#options;
    const notes = {
      lifetimeMs: lifetimeMs === 0 ? NEVER : lifetimeMs + this.#random() * lifetimeJitterMs,
      askedAtMs: nowMs,
      isAnswered: true,
      weighedAtMs: nowMs,
      large: 0,
    };
    this.#notes.set(age, notes);
    return notes;
  }

  #lookAt(worker: Watched, notes: Notes, nowMs: number): Finding[] {
    if (nowMs < this.#nextMomentOf(worker, notes)) return [];
    const { age } = worker;
    if (nowMs >= worker.bornAtMs + notes.lifetimeMs) return [{ type: "old", age }];
    if (!notes.isAnswered) return [{ type: "silent", age, forMs: nowMs - notes.askedAtMs }];
    notes.askedAtMs = nowMs;
    notes.isAnswered = false;
    return [{ type: "ask", age }];
  }

  #nextMomentOf(worker: Watched, notes: Notes): number {
    const oldAtMs = worker.bornAtMs + notes.lifetimeMs;
    return Math.min(oldAtMs, this.#nextQuestionAtMs(worker, notes));
  }

  /** An open question is followed by no other one; of an asgi worker it must be answered in time. */
  #nextQuestionAtMs({ isAsgi }: Watched, { askedAtMs, isAnswered }: Notes): number {
    const { maxRssBytes, timeoutMs } = this.#options;
    const isTimed = isAsgi && timeoutMs > 0;
    if (!isAnswered) return isTimed ? askedAtMs + timeoutMs : NEVER;
    if (isTimed) return askedAtMs + Math.min(ASK_EVERY_MS, Math.max(ASK_EVERY_MIN_MS, timeoutMs / 2));
    return maxRssBytes > 0 ? askedAtMs + ASK_EVERY_MS : NEVER;
  }
}
