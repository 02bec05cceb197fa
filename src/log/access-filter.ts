// Which requests get a line in the access log, where not all do. What failed always gets one. Milliseconds.

import type { Config } from "../config/config.ts";
import type { AccessRecord } from "./access-record.ts";

export class AccessFilter {
  readonly #slowMs: number;
  readonly #paths: ReadonlySet<string>;
  /** Each with what it stands for below: `/static/*`. */
  readonly #prefixes: readonly string[];

  /** Undefined where all are written. */
  static of(config: Pick<Config, "accessLogExcept" | "accessLogSlowMs">): AccessFilter | undefined {
    const { accessLogExcept: except, accessLogSlowMs: slowMs } = config;
    return except.length === 0 && slowMs === 0 ? undefined : new AccessFilter(except, slowMs);
  }

  constructor(except: readonly string[], slowMs: number) {
    this.#slowMs = slowMs;
    this.#paths = new Set(except);
    this.#prefixes = except.filter((path) => path.endsWith("*")).map((path) => path.slice(0, -1));
  }

  admits({ head, status, abortCause, elapsedMs }: AccessRecord): boolean {
    if (head === undefined || status >= 500 || abortCause !== undefined) return true;
    return elapsedMs >= this.#slowMs && !this.#isExcepted(head.path);
  }

  #isExcepted(path: string): boolean {
    return this.#paths.has(path) || this.#prefixes.some((prefix) => path.startsWith(prefix));
  }
}
