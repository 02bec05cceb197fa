// The settings that the app handler reads, for tests.

import type { AppConfig } from "../../src/handlers/app-ports.ts";

const DEFAULTS = {
  bodyMemoryBytes: 65_536,
  queueMax: 100,
  queueTimeoutMs: 30_000,
  requestsAheadMax: 64,
  limitConcurrency: 0,
  forwardedAllowIps: ["127.0.0.1", "::1"],
  secureSchemeHeaders: {
    "X-FORWARDED-PROTOCOL": "ssl",
    "X-FORWARDED-PROTO": "https",
    "X-FORWARDED-SSL": "on",
  },
  forwarderHeaders: ["SCRIPT_NAME", "PATH_INFO"],
  headerMap: "drop",
  scriptName: "",
} satisfies AppConfig;

export function appConfig(changes: Partial<AppConfig>): AppConfig {
  return { ...DEFAULTS, ...changes };
}
