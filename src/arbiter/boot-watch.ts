// Whether a worker that is not ready in time is stuck, or only busy: an import that computes, or compiles, on a slow machine. One
// that computes goes on; one that was stopped (SIGSTOP, a debugger) is not to blame. Pure; milliseconds.

import type { Log } from "../log/log.ts";
import type { PoolWorker } from "./pool.ts";

/** What the machine says of a process. */
export interface ProcessSight {
  readonly isStopped: boolean;
  /** Used so far. */
  readonly cpuMs: number;
}

/** Who is late is looked at so often. */
export const PROBE_EVERY_MS = 1_000;
/** Busy is who used at least so much of the time between two looks: less is a loop that waits. */
const BUSY_SHARE = 0.05;
/** Nobody is given more than so many boot timeouts. */
export const BOOT_TIMEOUTS_MAX = 10;

interface Look {
  readonly atMs: number;
  readonly cpuMs: number;
  readonly isStopped: boolean;
}

export class BootWatch {
  readonly #log: Log;
  /** By age. */
  readonly #looks = new Map<number, Look>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Until when a worker whose boot timeout is over shall be given time; undefined: not longer. */
  judge(
    worker: PoolWorker,
    sight: ProcessSight | undefined,
    moment: { readonly nowMs: number; readonly bootTimeoutMs: number },
  ): number | undefined {
    const { nowMs, bootTimeoutMs } = moment;
    const before = this.#looks.get(worker.age);
    this.#looks.delete(worker.age);
    if (sight === undefined) return undefined;
    const isLast = nowMs >= worker.sinceMs + BOOT_TIMEOUTS_MAX * bootTimeoutMs;
    if (!sight.isStopped && (isLast || !isBusy(before, sight, nowMs))) return undefined;
    this.#tell(worker, before, sight);
    this.#looks.set(worker.age, { atMs: nowMs, ...sight });
    return nowMs + PROBE_EVERY_MS;
  }

  forget(age: number): void {
    this.#looks.delete(age);
  }

  #tell({ nr, pid, step }: PoolWorker, before: Look | undefined, sight: ProcessSight): void {
    const fields = { nr, pid, step };
    if (sight.isStopped && before?.isStopped !== true)
      this.#log.warning("a worker that is not ready was stopped by a signal: it is waited for", fields);
    else if (before === undefined)
      this.#log.warning("a worker is not ready in time: it is waited for as long as it computes", fields);
  }
}

/** At the first look, and at that after a stop, nothing is known yet. */
function isBusy(before: Look | undefined, sight: ProcessSight, nowMs: number): boolean {
  if (before === undefined || before.isStopped) return true;
  return sight.cpuMs - before.cpuMs >= BUSY_SHARE * (nowMs - before.atMs);
}
