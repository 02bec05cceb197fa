// What the connections of one front share.

import type { FlushQueue } from "../base/flush-queue.ts";
import type { Clock } from "../base/ports.ts";
import type { Config } from "../config/config.ts";
import { DateLine } from "../http/date.ts";
import type { Handler } from "../http/exchange.ts";
import type { MessageLimits } from "../http/limits.ts";
import type { CommonLines } from "../http/message-protocol.ts";
import type { AccessLog } from "../log/access-record.ts";
import type { Log } from "../log/log.ts";
import type { FrontCounters } from "./counters.ts";
import type { Deadlines } from "./deadlines.ts";
import type { HeldMemory } from "./held-memory.ts";
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
  | "streamGraceMs"
  | "connectionsMax"
  | "clientMemoryBytes"
  | "connectionsPerClient"
  | "forwardedAllowIps"
  | "tlsHandshakesMax"
  | "hsts"
  | "limitRequestHead"
  | "limitRequestLine"
  | "limitRequestFields"
  | "limitRequestFieldSize"
  | "bodyBytesMax"
  | "permitObsoleteFolding"
  | "stripHeaderSpaces"
  | "permitUnconventionalHttpMethod"
  | "permitUnconventionalHttpVersion"
  | "casefoldHttpMethod"
  | "http2"
  | "wsEnabled"
  | "wsMaxSize"
  | "wsPingIntervalMs"
  | "wsPingTimeoutMs"
  | "wsPerMessageDeflate"
  | "wsAllowedOrigins"
  | "proxyAllowIps"
  | "gatewayAllowIps"
  | "serverHeader"
  | "dateHeader"
  | "headers"
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
  readonly memory: HeldMemory;
  readonly common: CommonLines;
  readonly counters: FrontCounters;
  readonly isDraining: boolean;
  nextExchangeId(): number;
}

/** The lines of --header for every response. */
function linesOf(headers: FrontConfig["headers"]): string {
  return headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

/** Header lines that the settings ask for, the date fresh at each look. A Server line of --header takes the place of ours. */
export class CurrentLines implements CommonLines {
  readonly serverLine: string;
  readonly extraLines: string;
  readonly #clock: Clock;
  readonly #date: DateLine | undefined;

  constructor({ serverHeader, dateHeader, headers }: FrontConfig, clock: Clock) {
    const isOurs = serverHeader && !headers.some(([name]) => name === "server");
    this.serverLine = isOurs ? "Server: tunicorn\r\n" : "";
    this.extraLines = linesOf(headers);
    this.#clock = clock;
    this.#date = dateHeader ? new DateLine() : undefined;
  }

  get dateLine(): string {
    return this.#date === undefined ? "" : this.#date.at(this.#clock.unixMs());
  }
}
