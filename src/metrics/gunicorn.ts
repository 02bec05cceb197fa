// The metrics that gunicorn sends to statsd, by its names, so that dashboards and alerts go on. Whoever measures something new
// names it here.

import type { StatsdBatch } from "./statsd-batch.ts";

export const WORKERS = "gunicorn.workers";
export const REQUESTS = "gunicorn.requests";
const DURATION = "gunicorn.request.duration";
export const BACKLOG = "gunicorn.backlog";

/** A finished exchange. Status 0: nothing was answered. */
export interface Answered {
  readonly status: number;
  readonly elapsedMs: number;
}

export function measureRequest(batch: StatsdBatch, { status, elapsedMs }: Answered): void {
  batch.count(REQUESTS);
  if (status > 0) batch.count(`gunicorn.request.status.${status}`);
  batch.time(DURATION, elapsedMs);
}

export type LogLevelCounted = "critical" | "error" | "warning" | "exception";

/** A line of the server's own log. */
export function measureLogLine(batch: StatsdBatch, level: LogLevelCounted): void {
  batch.count(`gunicorn.log.${level}`);
}
