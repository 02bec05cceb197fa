// How many requests of one client are taken: `10/s`, `100/m,burst=20`. Resolved: requests at once, and the time that earns one more.

import { scalar, type ValueType } from "./value-type.ts";

export interface Rate {
  /** Requests that a client may make at once. */
  readonly burst: number;
  /** Milliseconds after which it may make one more. */
  readonly stepMs: number;
}

export const RATE_EXPECTED = "expected a rate such as 10/s, 100/m or 1000/h, and perhaps ,burst=20";

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const FORM = /^(\d{1,9})\/([smh])(?:,burst=(\d{1,9}))?$/;

/** Without `burst`, what a unit of time brings may come at once. */
export function parseRate(text: string): Rate | undefined {
  const [, count = "0", unit = "", burst = count] = FORM.exec(text.replace(/\s/g, "")) ?? [];
  const rate = { burst: Number(burst), stepMs: (UNITS_MS[unit] ?? 0) / Number(count) };
  return Number(count) > 0 && rate.burst > 0 ? rate : undefined;
}

function showRate({ burst, stepMs }: Rate): string {
  const [unit = "h", ms = 1] =
    Object.entries(UNITS_MS).find(
      ([, unitMs]) => Math.abs(unitMs / stepMs - Math.round(unitMs / stepMs)) < 1e-6,
    ) ?? [];
  return `${Math.round(ms / stepMs)}/${unit},burst=${burst}`;
}

/** null: no limit. */
export const RATE: ValueType<Rate | null> = scalar<Rate | null>(
  "RATE[,burst=N]",
  RATE_EXPECTED,
  (text) => (text === "" || text === "0" ? null : parseRate(text)),
  (rate) => (rate === null ? "" : showRate(rate)),
);
