// What a Front is built of when a test or a benchmark drives it in-process: settings, a log and an access log that remember.

import type { FrontConfig } from "../../src/front/context.ts";
import type { AccessLog, AccessRecord } from "../../src/log/access-record.ts";
import type { Log, LogFields } from "../../src/log/log.ts";

const DEFAULTS: FrontConfig = {
  backlog: 2048,
  keepAliveMs: 5_000,
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  bodyRateMin: 1_000,
  responseStallMs: 60_000,
  streamGraceMs: 5_000,
  lingerMs: 5_000,
  connectionsMax: 10_000,
  clientMemoryBytes: 1_073_741_824,
  connectionsPerClient: 0,
  forwardedAllowIps: [],
  tlsHandshakesMax: 1_000,
  hsts: "",
  limitRequestHead: 262_144,
  limitRequestLine: 4_094,
  limitRequestFields: 100,
  limitRequestFieldSize: 8_190,
  bodyBytesMax: 0,
  permitObsoleteFolding: false,
  stripHeaderSpaces: false,
  permitUnconventionalHttpMethod: false,
  permitUnconventionalHttpVersion: false,
  casefoldHttpMethod: false,
  http2: { streamsMax: 100, windowBytes: 65_535, frameBytesMax: 16_384, listBytesMax: 65_536 },
  wsEnabled: true,
  wsMaxSize: 16 * 1024 * 1024,
  wsPingIntervalMs: 20_000,
  wsPingTimeoutMs: 20_000,
  wsPerMessageDeflate: true,
  wsAllowedOrigins: [],
  proxyAllowIps: ["127.0.0.1"],
  gatewayAllowIps: ["127.0.0.1"],
  serverHeader: true,
  dateHeader: true,
  headers: [],
};

export function testConfig(changes: Partial<FrontConfig>): FrontConfig {
  return { ...DEFAULTS, ...changes };
}

const silent = (): void => {};

export const quietLog: Log = {
  trace: silent,
  debug: silent,
  info: silent,
  warning: silent,
  error: silent,
  critical: silent,
};

export class MemoryLog implements Log {
  /** `level event`. */
  readonly lines: string[] = [];

  trace(event: string, _fields?: LogFields): void {
    this.lines.push(`trace ${event}`);
  }
  debug(event: string, _fields?: LogFields): void {
    this.lines.push(`debug ${event}`);
  }
  info(event: string, _fields?: LogFields): void {
    this.lines.push(`info ${event}`);
  }
  warning(event: string, _fields?: LogFields): void {
    this.lines.push(`warning ${event}`);
  }
  error(event: string, _fields?: LogFields): void {
    this.lines.push(`error ${event}`);
  }
  critical(event: string, _fields?: LogFields): void {
    this.lines.push(`critical ${event}`);
  }
}

export class MemoryAccessLog implements AccessLog {
  readonly records: AccessRecord[] = [];

  record(entry: AccessRecord): void {
    this.records.push(entry);
  }
  reopen(): void {}
  async close(): Promise<void> {}
}
