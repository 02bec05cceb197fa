// How a stop proceeds. Pure. TERM is graceful, INT and QUIT are quick (gunicorn's meanings); each further
// signal goes one step up. A stop that is overdue ends in kills, so it is bounded whatever the children do.

/**
 *     running ──► leaving ──► graceful ──► quick ──► kill
 *
 * `leaving`: clients are still taken, so that load balancers can turn away first (--drain-delay). Left out without a delay.
 */
export type StopLevel = "running" | "leaving" | "graceful" | "quick" | "kill";

const LEVELS: readonly StopLevel[] = ["running", "leaving", "graceful", "quick", "kill"];

/** What a quick stop waits for workers that are in the middle of something. */
const QUICK_STOP_MS = 2_000;
/** How long killed children may take to be reaped before the arbiter goes without them. */
export const KILL_WAIT_MS = 2_000;

export type StopSignal = "SIGTERM" | "SIGINT" | "SIGQUIT";

export interface Stop {
  readonly level: StopLevel;
  /** When the level is overdue. */
  readonly deadlineMs: number;
  /** While leaving: when the graceful stop that follows is overdue. */
  readonly gracefulUntilMs?: number;
}

/** How long a graceful stop may take as a whole, and how much of it is for leaving. */
export interface StopTimes {
  readonly gracefulTimeoutMs: number;
  readonly drainDelayMs: number;
}

export const RUNNING: Stop = { level: "running", deadlineMs: Number.POSITIVE_INFINITY };

export function onStopSignal(stop: Stop, signal: StopSignal, times: StopTimes, nowMs: number): Stop {
  if (stop.level === "leaving" && signal !== "SIGTERM") return stopQuickly(nowMs);
  if (stop.level !== "running") return hasten(stop, nowMs);
  if (signal !== "SIGTERM") return stopQuickly(nowMs);
  const { gracefulTimeoutMs, drainDelayMs } = times;
  const deadlineMs = nowMs + drainDelayMs;
  return drainDelayMs === 0
    ? stopGracefully(gracefulTimeoutMs, nowMs)
    : { level: "leaving", deadlineMs, gracefulUntilMs: nowMs + gracefulTimeoutMs };
}

/** Clients are taken and served. */
export function isTaking(level: StopLevel): boolean {
  return level === "running" || level === "leaving";
}

function stopGracefully(gracefulTimeoutMs: number, nowMs: number): Stop {
  return { level: "graceful", deadlineMs: nowMs + gracefulTimeoutMs };
}

export function stopQuickly(nowMs: number): Stop {
  return { level: "quick", deadlineMs: nowMs + QUICK_STOP_MS };
}

/** Overdue: leaving ends in graceful, that and quick end in kill; a kill that is overdue is over. */
export function onStopTime(stop: Stop, nowMs: number): Stop {
  if (nowMs < stop.deadlineMs || stop.level === "kill") return stop;
  if (stop.level === "leaving") return endLeaving(stop, nowMs);
  return { level: "kill", deadlineMs: nowMs + KILL_WAIT_MS };
}

/** What the fronts get of a graceful stop; the rest is for the workers' own ends. */
export function frontGraceMs(gracefulTimeoutMs: number): number {
  return gracefulTimeoutMs - Math.min(1_000, gracefulTimeoutMs / 4);
}

function endLeaving({ gracefulUntilMs }: Stop, nowMs: number): Stop {
  return { level: "graceful", deadlineMs: gracefulUntilMs ?? nowMs };
}

function hasten(stop: Stop, nowMs: number): Stop {
  if (stop.level === "leaving") return endLeaving(stop, nowMs);
  const next = LEVELS[Math.min(LEVELS.indexOf(stop.level) + 1, LEVELS.length - 1)];
  if (next === stop.level) return stop;
  return next === "quick" ? stopQuickly(nowMs) : { level: "kill", deadlineMs: nowMs + KILL_WAIT_MS };
}
