// What the end of a worker says about its boot. Pure.

import type { BootFailure } from "../control/messages.ts";
import type { WorkerExit } from "./deaths.ts";
import type { PoolWorker } from "./pool.ts";

/** Nobody had asked it to end. */
export function isFailure({ cause, isRetiring }: PoolWorker): boolean {
  if (cause === undefined) return !isRetiring;
  return (
    cause === "boot-error" ||
    cause === "boot-timeout" ||
    cause === "control-lost" ||
    cause === "forkserver-lost"
  );
}

/** Of a worker that ended, or was ended, before it was ready. */
export function bootFailureOf(worker: PoolWorker, exit: WorkerExit, nowMs: number): BootFailure {
  if (worker.bootFailure !== undefined) return worker.bootFailure;
  const seconds = Math.round((nowMs - worker.bornAtMs) / 100) / 10;
  const end = exit.signal === null ? `exit code ${exit.code ?? "unknown"}` : exit.signal;
  const message =
    worker.cause === "boot-timeout"
      ? `it was not ready after ${seconds} s`
      : `it ended with ${end} after ${seconds} s, before it was ready`;
  return { step: worker.step, message, traceback: "", hint: "", exitCode: 3 };
}
