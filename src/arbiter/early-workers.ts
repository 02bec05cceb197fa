// Workers whose hello overtook their forkserver's report of the fork: two connections, no order between them. What such a
// worker says meanwhile is kept.

import type { WorkerReport } from "../control/messages.ts";
import type { WorkerHandle } from "./worker-handle.ts";

/** A worker that said hello and that no forkserver reports within so long is a leftover of a dead forkserver. */
const EARLY_MAX_MS = 5_000;
const REPORTS_MAX = 16;

export interface EarlyWorker {
  readonly handle: WorkerHandle;
  readonly untilMs: number;
  readonly reports: WorkerReport[];
}

export class EarlyWorkers {
  /** By pid. */
  readonly #workers = new Map<number, EarlyWorker>();

  onHello(handle: WorkerHandle, nowMs: number): void {
    this.#workers.set(handle.hello.pid, { handle, untilMs: nowMs + EARLY_MAX_MS, reports: [] });
  }

  onReport(handle: WorkerHandle, report: WorkerReport): void {
    const early = this.#workers.get(handle.hello.pid);
    if (early?.handle === handle && early.reports.length < REPORTS_MAX) early.reports.push(report);
  }

  onGone(handle: WorkerHandle): void {
    const { pid } = handle.hello;
    if (this.#workers.get(pid)?.handle === handle) this.#workers.delete(pid);
  }

  /** It is early no more. */
  take(pid: number): EarlyWorker | undefined {
    const early = this.#workers.get(pid);
    this.#workers.delete(pid);
    return early;
  }

  /** Those that nobody has reported in time. */
  takeLeftovers(nowMs: number): EarlyWorker[] {
    const leftovers = [...this.#workers.values()].filter(({ untilMs }) => nowMs >= untilMs);
    for (const { handle } of leftovers) this.#workers.delete(handle.hello.pid);
    return leftovers;
  }

  nextMomentMs(): number {
    return Math.min(...[...this.#workers.values()].map(({ untilMs }) => untilMs), Number.POSITIVE_INFINITY);
  }
}
