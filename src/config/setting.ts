// One row of the settings table. From these rows come the parser, --help, validation, --print-config and docs/settings.md.

import type { Given, ValueType } from "./value-type.ts";

export type Section =
  | "Application"
  | "Listening"
  | "Workers"
  | "Time limits"
  | "Size limits"
  | "Waiting line"
  | "HTTP"
  | "Responses"
  | "Proxies in front"
  | "Static files"
  | "Logging"
  | "Process"
  | "Operation"
  | "Development"
  | "ASGI and WebSocket"
  | "TLS and HTTP/2"
  | "Other"
  | "Long tasks";

/**
 * `refused`: its feature does not exist; any value but the default is an error that names the feature.
 * `inert`: taken so that known command lines start, but there is nothing to set; each use is answered with a warning.
 */
export type Status =
  | { readonly kind: "supported" }
  | { readonly kind: "refused"; readonly feature: string; readonly advice: string }
  | { readonly kind: "inert"; readonly note: string };

export interface Setting<T> {
  readonly section: Section;
  /** gunicorn's flags and tunicorn's own; the first is the one that messages name. */
  readonly flags: readonly string[];
  /** uvicorn's flags with the same meaning; each has a variable UVICORN_<FLAG>. */
  readonly uvicorn?: readonly string[];
  /** Flags that take no value and stand for one: `--no-date-header` → false. */
  readonly fixed?: Readonly<Record<string, Given>>;
  /** The value of the flag without a value, where one may be left out: `--proxy-protocol` → auto. */
  readonly bare?: string;
  /** Variables of the platform, weaker than a configuration file: WEB_CONCURRENCY. */
  readonly platformEnv?: readonly string[];
  readonly type: ValueType<T>;
  readonly byDefault: T;
  /** How help names the default where the value itself does not say it. */
  readonly defaultText?: string;
  readonly doc: string;
  readonly status: Status;
}

/** A section of the table: its rows by gunicorn's or our own snake_case name. */
export type SettingsOf<V> = { readonly [K in keyof V]: Setting<V[K]> };

/** A row of which the value's type does not matter. */
// biome-ignore lint/suspicious/noExplicitAny: ValueType<T> both reads and shows T, so no other type holds every row
export type AnySetting = Setting<any>;

export const SUPPORTED: Status = { kind: "supported" };

export function refused(feature: string, advice: string = ""): Status {
  return { kind: "refused", feature, advice };
}

export function inert(note: string): Status {
  return { kind: "inert", note };
}
