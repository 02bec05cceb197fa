// What a generation runs with, and where the next one's comes from: a configuration file may say something else by then.

import type { Config } from "../config/config.ts";
import type { Evaluate, Evaluated } from "../control/messages.ts";
import type { Child, ChildSink } from "./child.ts";

export interface Setup {
  readonly config: Config;
  /** Every setting as a configuration file would say it, for hooks. */
  readonly cfg: Readonly<Record<string, unknown>>;
}

export type SetupReading =
  | { readonly ok: true; readonly setup: Setup; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface SetupSource {
  /** What a forkserver runs before anything else; undefined where no file in Python configures. */
  readonly evaluate: Evaluate | undefined;
  /** Reads everything anew. `evaluated`: what the file in Python said this time. */
  read(evaluated: Evaluated | undefined): SetupReading;
}

/** A forkserver that has evaluated the configuration file before there was an arbiter. */
export type AdoptForkserver = (sink: ChildSink) => Child;

/** What fronts and the arbiter's start have taken from the Config: a reload does not reach it. */
const FIXED: readonly (keyof Config)[] = [
  ...(["bind", "backlog", "unixSocket", "fronts", "python", "rootPath", "scriptName"] as const),
  ...([
    "keepAliveMs",
    "headTimeoutMs",
    "bodyTimeoutMs",
    "bodyRateMin",
    "responseStallMs",
    "lingerMs",
  ] as const),
  ...(["connectionsMax", "limitConcurrency", "limitRequestHead", "limitRequestLine"] as const),
  ...(["limitRequestFields", "limitRequestFieldSize", "bodyBytesMax", "bodyMemoryBytes"] as const),
  ...(["responseBufferBytes", "permitObsoleteFolding", "stripHeaderSpaces"] as const),
  ...(["permitUnconventionalHttpMethod", "permitUnconventionalHttpVersion", "casefoldHttpMethod"] as const),
  ...(["queueMax", "queueTimeoutMs", "requestsAheadMax", "wsEnabled", "wsMaxSize", "wsMaxQueue"] as const),
  ...(["wsPingIntervalMs", "wsPingTimeoutMs", "wsPerMessageDeflate", "wsAllowedOrigins"] as const),
  ...(["proxyHeaders", "forwardedAllowIps", "secureSchemeHeaders", "forwarderHeaders", "headerMap"] as const),
  ...(["serverHeader", "dateHeader", "headers", "accessLog", "accessLogFormat", "accessLogJson"] as const),
  ...(["useColors"] as const),
];

/** The Config's members that differ and that only a new start can change. */
export function changedButFixed(running: Config, wanted: Config): readonly string[] {
  return FIXED.filter((name) => JSON.stringify(running[name]) !== JSON.stringify(wanted[name]));
}
