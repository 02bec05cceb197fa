// The access line of `tunicorn dev`, for eyes: time, method, status, duration, and the path last since it has any length.

import type { AccessRecord } from "./access-record.ts";
import { coloredStatus } from "./color.ts";
import { escapeAccess } from "./escape.ts";

/** As wide as the usual methods and durations below 100 s. */
const METHOD_WIDTH = 7;
const DURATION_WIDTH = 8;

export function developmentLine(record: AccessRecord, colors: boolean): string {
  const { head, status, elapsedMs, abortCause } = record;
  const method = escapeAccess(head?.method ?? "-").padEnd(METHOD_WIDTH);
  const shown = colors ? coloredStatus(status, String(status)) : String(status);
  const duration = elapsedMs.toFixed(1).padStart(DURATION_WIDTH);
  const target = escapeAccess(head?.target ?? record.requestLine);
  const cause = abortCause === undefined ? "" : `  (${abortCause})`;
  return `${clockText(record.startedAtUnixMs)}  ${method} ${shown} ${duration} ms  ${target}${cause}`;
}

/** Of this machine's day, whose date a developer knows. */
function clockText(unixMs: number): string {
  const date = new Date(unixMs);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(":");
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
