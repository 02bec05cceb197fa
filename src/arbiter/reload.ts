// Which generation shall serve. Pure. A reload is a new generation beside the old one; until every seat is served by
// the new one the old one stays within reach, and a failure goes back to it.

export interface Reload {
  /** The last generation that is known to boot. */
  readonly proven: number;
  /** The one that is being brought up, if any. */
  readonly coming: number | undefined;
  /** The highest number ever given. */
  readonly newest: number;
}

/** The first start is a reload from nothing: generation 0 has no workers. */
export const FIRST_START: Reload = { proven: 0, coming: 1, newest: 1 };

/** A reload during a reload leaves the unfinished one: newer code counts. */
export function beginReload(reload: Reload): Reload {
  return { ...reload, coming: reload.newest + 1, newest: reload.newest + 1 };
}

/** Development: the code that served is old, whatever becomes of the new one. */
export function replace(reload: Reload): Reload {
  const next = reload.newest + 1;
  return { proven: reload.proven === 0 ? 0 : next, coming: next, newest: next };
}

export function succeed(reload: Reload): Reload {
  return reload.coming === undefined ? reload : { ...reload, proven: reload.coming, coming: undefined };
}

export function fail(reload: Reload): Reload {
  return { ...reload, coming: undefined };
}

/** The generation that the plan shall bring up: the new one once its forkserver can fork. */
export function wantedGeneration(reload: Reload, canFork: (generation: number) => boolean): number {
  const { proven, coming } = reload;
  return coming !== undefined && (proven === 0 || canFork(coming)) ? coming : proven;
}

/** Generations that nobody needs any more once their last worker is gone. */
export function isNeeded(reload: Reload, generation: number): boolean {
  return generation === reload.proven || generation === reload.coming;
}
