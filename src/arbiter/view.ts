// The arbiter as whoever watches it sees it: systemd's notifications, metrics, the control socket. Plain facts of one moment.

import type { FrontState } from "./front-handle.ts";
import type { PoolWorker } from "./pool.ts";

/**
 *     starting ──► serving ◄──► reloading
 *        └────────────┴─────────────┴──► leaving ──► stopping
 *
 * `leaving`: a stop was asked for, and clients are still taken for a while (--drain-delay).
 */
export type Phase = "starting" | "serving" | "reloading" | "leaving" | "stopping";

export interface ArbiterView {
  readonly phase: Phase;
  /** The last reload failed: the code before it serves. */
  readonly isDegraded: boolean;
  /** The one that serves; 0 before the first. */
  readonly generation: number;
  readonly workersWanted: number;
  readonly workers: readonly PoolWorker[];
  readonly fronts: readonly { readonly nr: number; readonly pid: number; readonly state: FrontState }[];
}

export function countServing({ workers }: ArbiterView): number {
  return workers.filter(({ isServing }) => isServing).length;
}
