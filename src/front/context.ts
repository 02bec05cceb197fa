// What the connections of one front share.

import type { Clock } from "../base/ports.ts";
import type { Config } from "../config/config.ts";
import type { CommonLines } from "../h1/response-writer.ts";
import type { DateLine } from "../http/date.ts";
import type { Handler } from "../http/exchange.ts";
import type { MessageLimits } from "../http/limits.ts";
import type { AccessLog } from "../log/access-record.ts";
import type { Log } from "../log/log.ts";
import type { FrontCounters } from "./counters.ts";
import type { Deadlines } from "./deadlines.ts";
import type { FlushQueue } from "./flush-queue.ts";
import type { Slab } from "./output.ts";

/** The settings that a front reads. */
export type FrontConfig = Pick<
  Config,
  | "backlog"
  | "keepAliveMs"
  | "headTimeoutMs"
  | "bodyTimeoutMs"
  | "bodyRateMin"
  | "responseStallMs"
  | "lingerMs"
  | "connectionsMax"
  | "limitRequestLine"
  | "limitRequestFields"
  | "limitRequestFieldSize"
  | "bodyBytesMax"
  | "permitObsoleteFolding"
  | "stripHeaderSpaces"
  | "permitUnconventionalHttpMethod"
  | "permitUnconventionalHttpVersion"
  | "casefoldHttpMethod"
  | "serverHeader"
  | "dateHeader"
>;

export interface FrontContext {
  readonly config: FrontConfig;
  readonly limits: MessageLimits;
  readonly handler: Handler;
  readonly log: Log;
  /** undefined: no access log is kept, and nothing is computed for it. */
  readonly accessLog: AccessLog | undefined;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly slab: Slab;
  readonly flushQueue: FlushQueue;
  readonly common: CommonLines;
  readonly counters: FrontCounters;
  readonly isDraining: boolean;
  nextExchangeId(): number;
}

/** Both header lines, the date fresh at each look. */
export class CurrentLines implements CommonLines {
  readonly serverLine: string;
  readonly #clock: Clock;
  readonly #date: DateLine | undefined;

  constructor(serverLine: string, clock: Clock, date: DateLine | undefined) {
    this.serverLine = serverLine;
    this.#clock = clock;
    this.#date = date;
  }

  get dateLine(): string {
    return this.#date === undefined ? "" : this.#date.at(this.#clock.unixMs());
  }
}
