// How long to wait before something that died is made again. Pure: time is an argument. The first death after a calm
// stretch is answered at once; deaths in a row wait 0.5 s, 1 s, … 30 s.
// What has served is made again at once, and not more than once a second: it was not the start that failed, and clients wait.

const BACKOFF_FIRST_MS = 500;
export const BACKOFF_MAX_MS = 30_000;
/** After so long a life the row of deaths is over: it was not the boot that failed. */
export const BACKOFF_CALM_MS = 10_000;
/** After it has served for so long. */
export const SERVED_CALM_MS = 1_000;

export interface Life {
  readonly bornAtMs: number;
  /** Undefined: it never did. */
  readonly servedSinceMs?: number | undefined;
}

export interface Backoff {
  /** Deaths in a row. */
  readonly deaths: number;
  readonly notBeforeMs: number;
}

export const NO_BACKOFF: Backoff = { deaths: 0, notBeforeMs: 0 };

/** `life`: of the thing that died now. */
export function afterDeath(backoff: Backoff, life: Life, nowMs: number): Backoff {
  const deaths = wasCalm(life, nowMs) ? 1 : backoff.deaths + 1;
  return { deaths, notBeforeMs: nowMs + waitMs(deaths) };
}

function wasCalm({ bornAtMs, servedSinceMs = Number.POSITIVE_INFINITY }: Life, nowMs: number): boolean {
  return nowMs - bornAtMs >= BACKOFF_CALM_MS || nowMs - servedSinceMs >= SERVED_CALM_MS;
}

function waitMs(deaths: number): number {
  if (deaths <= 1) return 0;
  // Beyond 2^6 the limit is reached; the exponent is bounded so that it never overflows.
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(deaths - 2, 6));
}
