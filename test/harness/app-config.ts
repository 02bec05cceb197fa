// The settings that the app handler reads, for tests.

import type { AppConfig } from "../../src/handlers/app-ports.ts";

const DEFAULTS = {
  bodyMemoryBytes: 65_536,
  queueMax: 100,
  queueTimeoutMs: 30_000,
  requestsAheadMax: 64,
  limitConcurrency: 0,
  timeoutMs: 0,
  maxRequests: 0,
  maxRequestsJitter: 0,
  forwardedAllowIps: ["127.0.0.1", "::1"],
  forwardedUntrusted: "pass",
  secureSchemeHeaders: {
    "X-FORWARDED-PROTOCOL": "ssl",
    "X-FORWARDED-PROTO": "https",
    "X-FORWARDED-SSL": "on",
  },
  forwarderHeaders: ["SCRIPT_NAME", "PATH_INFO"],
  headerMap: "drop",
  scriptName: "",
  interface: "wsgi",
  workerClass: "auto",
  rootPath: "",
  proxyHeaders: "auto",
  streamGraceMs: 5_000,
  gracefulTimeoutMs: 30_000,
  responseBufferBytes: 1_048_576,
  responseSpillBytes: 0,
  responseSpillTotalBytes: 0,
  wsMaxQueue: 32,
} satisfies AppConfig;

export function appConfig(changes: Partial<AppConfig>): AppConfig {
  return { ...DEFAULTS, ...changes };
}
