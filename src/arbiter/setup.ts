// What a generation runs with, and where the next one's comes from: a configuration file may say something else by then.

import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/config.ts";
import type { SiteApplication } from "../config/site.ts";
import type { Evaluate, Evaluated } from "../control/messages.ts";
import type { Child, ChildSink, ChildSpec } from "./child.ts";

export interface Setup {
  readonly config: Config;
  /** Every setting as a configuration file would say it, for hooks. */
  readonly cfg: Readonly<Record<string, unknown>>;
  /** How its Python is started; without one as the application's first was. */
  readonly forkserverSpec?: ChildSpec | undefined;
}

export type SetupReading =
  | {
      readonly ok: true;
      readonly setup: Setup;
      /** Every application of the site, of which `setup` is the server's share. */
      readonly apps: readonly SiteApplication[];
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface SetupSource {
  /** What a forkserver runs before anything else; undefined where no file in Python configures. */
  readonly evaluate: Evaluate | undefined;
  /** Absolute paths of what is read. */
  readonly files: readonly string[];
  /** Reads everything anew. `evaluated`: what the file in Python said this time. */
  read(evaluated: Evaluated | undefined): SetupReading;
}

/** A forkserver that has evaluated the configuration file before there was an arbiter. */
export type AdoptForkserver = (sink: ChildSink) => Child;

/** What a new generation's Python side takes from its own Config. */
export const APPLIED_BY_GENERATIONS: readonly (keyof Config)[] = [
  ...(["app", "workerClass", "interface", "threads", "workerConnections"] as const),
  ...(["chdir", "pythonPath", "env", "umask", "preload", "fileWrapperDirect", "staticDjango"] as const),
  ...(["loop", "loopBlockedMs", "lifespan", "lifespanTimeoutMs", "lifespanShutdownTimeoutMs"] as const),
  ...(["asgiDisconnectGraceMs", "gracefulTimeoutMs", "timeoutMs", "wsMaxQueue"] as const),
  ...(["logConfig", "logConfigJson", "logConfigDict", "loggerClass", "captureOutput"] as const),
  ...(["user", "group", "initGroups"] as const),
];

/** Of these, what processes that stay do not take over: a front runs on as who it is. */
const FIXED_IN_FRONTS: ReadonlySet<keyof Config> = new Set(["user", "group"]);

/** What a site's applications are started with anew; the interpreter of a configuration file in Python runs already. */
export const APPLIED_BY_SITES: readonly (keyof Config)[] = ["python"];

/** What the arbiter and each front write down, and what they are called. */
export const APPLIED_TO_RECORDS: readonly (keyof Config)[] = [
  ...(["accessLog", "accessLogFormat", "accessLogJson", "accessLogExcept", "accessLogSlowMs"] as const),
  ...(["errorLog", "logJson", "logLevel"] as const),
  ...(["useColors", "healthAccessLog", "statsd", "procName"] as const),
];

/** What the arbiter itself looks up each time, or anew when a generation serves. */
export const APPLIED_BY_ARBITER: readonly (keyof Config)[] = [
  ...(["workers", "workersMin", "workersMax", "workersIdleMs", "bootTimeoutMs", "drainDelayMs"] as const),
  ...(["workersLifetimeMs", "workersLifetimeJitterMs", "workersMaxRssBytes"] as const),
];

/** What is opened, and closed, at a reload (arbiter/listener-keeper.ts); `bind` tells the same. */
export const APPLIED_BY_LISTENERS: readonly (keyof Config)[] = ["bind", "listeners"];

/** What fronts are given when every generation that was coming serves, or has failed. */
export const APPLIED_BY_FRONTS: readonly (keyof Config)[] = [
  ...(["routes", "keepAliveMs", "headTimeoutMs", "bodyTimeoutMs", "bodyRateMin", "responseStallMs"] as const),
  ...([
    "lingerMs",
    "streamGraceMs",
    "connectionsMax",
    "clientMemoryBytes",
    "connectionsPerClient",
    "bodyBytesMax",
    "bodyMemoryBytes",
  ] as const),
  ...(["limitRequestHead", "limitRequestLine", "limitRequestFields", "limitRequestFieldSize"] as const),
  ...(["permitObsoleteFolding", "stripHeaderSpaces", "casefoldHttpMethod"] as const),
  ...(["permitUnconventionalHttpMethod", "permitUnconventionalHttpVersion"] as const),
  ...(["wsEnabled", "wsMaxSize", "wsPingIntervalMs", "wsPingTimeoutMs", "wsPerMessageDeflate"] as const),
  ...(["wsAllowedOrigins", "serverHeader", "dateHeader", "headers"] as const),
  ...(["queueMax", "queueTimeoutMs", "requestsAheadMax", "limitConcurrency"] as const),
  ...(["maxRequests", "maxRequestsJitter", "responseBufferBytes", "rootPath", "scriptName"] as const),
  ...(["proxyHeaders", "forwardedAllowIps", "secureSchemeHeaders", "forwarderHeaders", "headerMap"] as const),
  ...(["forwardedUntrusted", "proxyAllowIps", "gatewayAllowIps", "tlsHandshakesMax", "hsts"] as const),
  ...(["http2", "responseSpillBytes", "responseSpillTotalBytes", "sendfileRoots", "health"] as const),
];

const APPLIED: ReadonlySet<string> = new Set<keyof Config>([
  ...APPLIED_BY_GENERATIONS,
  ...APPLIED_BY_ARBITER,
  ...APPLIED_BY_FRONTS,
  ...APPLIED_BY_LISTENERS,
  ...APPLIED_TO_RECORDS,
]);

/** The Config's members that differ and that only a new start can change. `also`: others that this reload applies. */
export function changedButFixed(
  running: Config,
  wanted: Config,
  also: readonly (keyof Config)[] = [],
): readonly string[] {
  return (Object.keys(wanted) as (keyof Config)[]) // a Config has no others
    .filter((name) => !isDeepStrictEqual(running[name], wanted[name]))
    .filter((name) => FIXED_IN_FRONTS.has(name) || !(APPLIED.has(name) || also.includes(name)))
    .map((name) => (FIXED_IN_FRONTS.has(name) ? `${name} (of fronts)` : name));
}
