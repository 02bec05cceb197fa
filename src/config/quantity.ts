// Sizes in bytes and lengths of time in milliseconds, as users write them: 10M, 64k, 30, 1.5, 500ms, 5m.

import { scalar, type ValueType } from "./value-type.ts";

const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};
const SIZE_FORM = /^(\d{1,15}(?:\.\d{1,6})?) *([bkmgt]?)(?:i?b)?$/i;

/** Bytes, or undefined. Units are powers of 1024, with or without B or iB behind them. */
export function parseSize(text: string): number | undefined {
  const match = SIZE_FORM.exec(text.trim());
  if (match === null) return undefined;
  const bytes = Number(match[1]) * (SIZE_UNITS[(match[2] ?? "").toLowerCase()] ?? Number.NaN);
  return Number.isSafeInteger(Math.round(bytes)) ? Math.round(bytes) : undefined;
}

/** The shortest exact form: 1048576 → 1M. */
export function showSize(bytes: number): string {
  for (const unit of ["t", "g", "m", "k"]) {
    const scale = SIZE_UNITS[unit] ?? 1;
    if (bytes >= scale && bytes % scale === 0)
      return `${bytes / scale}${unit === "k" ? "k" : unit.toUpperCase()}`;
  }
  return String(bytes);
}

const TIME_UNITS: Readonly<Record<string, number>> = {
  "": 1000,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const TIME_PART = /(\d{1,12}(?:\.\d{1,6})?) *(ms|s|m|h|d|)/gi;
const TIME_FORM = /^(?:\d{1,12}(?:\.\d{1,6})? *(?:ms|s|m|h|d) *)*(?:\d{1,12}(?:\.\d{1,6})?)?$/i;

/** Milliseconds, or undefined. A bare number means seconds, as gunicorn and uvicorn have it. 1h30m is 90 minutes. */
export function parseDuration(text: string, maxMs: number = DURATION_MS_MAX): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.length > 40 || !TIME_FORM.test(trimmed)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of trimmed.matchAll(TIME_PART)) {
    ms += Number(amount) * (TIME_UNITS[(unit ?? "").toLowerCase()] ?? Number.NaN);
  }
  return ms <= maxMs ? Math.round(ms) : undefined;
}

/** A timer of Node holds 2^31-1 ms, about 24.8 days; longer ones would fire at once. */
const DURATION_MS_MAX: number = 2 ** 31 - 1;

/** Caches count seconds in 31 bits (RFC 9111 §1.2.2); no timer waits for them. */
const AGE_SECONDS_MAX = 2 ** 31 - 1;

/** Whole seconds for caches: 3600, 1h, 30d; undefined for anything else. */
export function parseAge(text: string): number | undefined {
  const ms = parseDuration(text, AGE_SECONDS_MAX * 1000);
  return ms === undefined ? undefined : Math.floor(ms / 1000);
}

/** Seconds where they are exact, else milliseconds. */
export function showDuration(ms: number): string {
  return ms % 100 === 0 ? String(ms / 1000) : `${ms}ms`;
}

/** Bytes from `min` on. */
export function size(min: number, max: number = Number.MAX_SAFE_INTEGER): ValueType<number> {
  const upTo = max === Number.MAX_SAFE_INTEGER ? "" : ` to ${showSize(max)}`;
  const expected = `expected a size such as 65536, 64k or 10M, ${upTo === "" ? `${showSize(min)} or more` : `${showSize(min)}${upTo}`}`;
  const parse = (value: string): number | undefined => within(parseSize(value), min, max);
  return scalar("SIZE", expected, parse, showSize);
}

/** Milliseconds; `minMs` is 0 where 0 has a meaning, else 1. */
export function duration(minMs: number): ValueType<number> {
  const expected = `expected a length of time such as 30, 1.5, 500ms or 5m${minMs === 0 ? "" : ", more than 0"}`;
  const parse = (value: string): number | undefined => within(parseDuration(value), minMs, DURATION_MS_MAX);
  return scalar("SECONDS", expected, parse, showDuration);
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}
