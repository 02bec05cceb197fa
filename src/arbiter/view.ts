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

/**
 *     starting ──► serving ◄──► reloading ──► removed
 *        └──► failing ──┘
 *
 * `failing`: it has never served, did not start, and is tried again.
 */
export type AppPhase = "starting" | "serving" | "reloading" | "failing" | "removed";

export interface ArbiterView {
  readonly phase: Phase;
  /** The last reload failed, or an application does not start: what was before serves. */
  readonly isDegraded: boolean;
  readonly apps: readonly AppView[];
  readonly fronts: readonly { readonly nr: number; readonly pid: number; readonly state: FrontState }[];
}

export interface AppView {
  readonly name: string;
  /** `module:attr`. */
  readonly target: string;
  readonly phase: AppPhase;
  readonly isDegraded: boolean;
  /** The one that serves; 0 before the first. */
  readonly generation: number;
  readonly workersWanted: number;
  /** Between these the number of workers follows the load; the same where it does not. */
  readonly workersMin: number;
  readonly workersMax: number;
  readonly workers: readonly PoolWorker[];
  /** Ends of workers so far, by cause. */
  readonly exits: ReadonlyMap<string, number>;
}

/** Of one application, or of the whole server. */
export function countServing(view: Pick<AppView, "workers"> | ArbiterView): number {
  return workersOf(view).filter(({ isServing }) => isServing).length;
}

export function countWanted({ apps }: ArbiterView): number {
  return apps.reduce((sum, { workersWanted }) => sum + workersWanted, 0);
}

function workersOf(view: Pick<AppView, "workers"> | ArbiterView): readonly PoolWorker[] {
  return "apps" in view ? view.apps.flatMap(({ workers }) => workers) : view.workers;
}
