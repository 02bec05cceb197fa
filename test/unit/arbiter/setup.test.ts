import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pythonSettings } from "../../../src/arbiter/forkserver-handle.ts";
import {
  APPLIED_BY_ARBITER,
  APPLIED_BY_FRONTS,
  APPLIED_BY_GENERATIONS,
  APPLIED_BY_LISTENERS,
  APPLIED_BY_SITES,
  APPLIED_TO_RECORDS,
  changedButFixed,
} from "../../../src/arbiter/setup.ts";
import type { Config } from "../../../src/config/config.ts";
import { Front } from "../../../src/front/front.ts";
import { AppHandler } from "../../../src/handlers/app.ts";
import { appConfig } from "../../harness/app-config.ts";
import { quietLog, testConfig } from "../../harness/front-parts.ts";
import { ManualClock } from "../../harness/manual-clock.ts";
import { configFrom } from "../config/support.ts";

/** Looked up in the front's or the application's Config at the moment of use. */
const READ_FOR_EACH_REQUEST: readonly (keyof Config)[] = [
  ...([
    "keepAliveMs",
    "headTimeoutMs",
    "bodyTimeoutMs",
    "bodyRateMin",
    "responseStallMs",
    "lingerMs",
  ] as const),
  ...(["connectionsMax", "wsEnabled", "wsMaxSize", "wsPingIntervalMs", "wsPingTimeoutMs"] as const),
  ...(["wsPerMessageDeflate", "wsAllowedOrigins", "maxRequests", "maxRequestsJitter"] as const),
  ...(["queueMax", "headerMap", "forwardedUntrusted", "http2"] as const),
];

function namesReadBy(read: (config: Config) => void): Set<string> {
  const names = new Set<string>();
  const watched = new Proxy(configFrom("a"), {
    get: (config, name) => {
      names.add(String(name));
      return Reflect.get(config, name);
    },
  });
  read(watched);
  return names;
}

/** Every member with another value than before. */
function allDifferent(config: Config): Config {
  const changed = Object.keys(config).map((name) => [name, `another ${name}`]);
  return Object.fromEntries(changed) as unknown as Config;
}

describe("a reload with other settings", () => {
  it("names every member of the Config that it does not apply", () => {
    const running = configFrom("-w 2..8 a");
    const applied = [
      ...APPLIED_BY_GENERATIONS,
      ...APPLIED_BY_ARBITER,
      ...APPLIED_BY_FRONTS,
      ...APPLIED_BY_LISTENERS,
      ...APPLIED_TO_RECORDS,
    ];
    const fixed = changedButFixed(running, allDifferent(running)).filter((name) => !name.includes("("));
    const names = new Set([...fixed, ...applied]);
    assert.deepEqual([...names].sort(), Object.keys(running).sort());
  });

  it("says that fronts run on as another user than the new workers", () => {
    const [running, wanted] = [configFrom("a"), configFrom("--user 1000 --group 1000 a")];
    assert.deepEqual(changedButFixed(running, wanted), [
      "unixSocket",
      "user (of fronts)",
      "group (of fronts)",
    ]);
  });

  it("starts the applications of a site with another Python", () => {
    const [running, wanted] = [configFrom("a"), configFrom("--python other a")];
    assert.deepEqual(changedButFixed(running, wanted), ["python"]);
    assert.deepEqual(changedButFixed(running, wanted, APPLIED_BY_SITES), []);
  });

  it("applies what the next generation's Python side is given", () => {
    const given = namesReadBy((config) => pythonSettings(config, { workers: 1, version: "0", name: "" }));
    assert.deepEqual(
      APPLIED_BY_GENERATIONS.filter((name) => !given.has(name)),
      [],
    );
  });

  it("applies what fronts and the applications in them read", () => {
    const app = new AppHandler({
      isMemoryTight: () => false,
      config: appConfig({}),
      log: quietLog,
      nowMs: () => 0,
      bodyFolder: "",
      events: { workerDrained() {}, workerLost() {}, workerWorn() {}, workerOverdue() {} },
    });
    const front = new Front({
      config: testConfig({}),
      handler: app,
      log: quietLog,
      accessLog: undefined,
      clock: new ManualClock(),
    });
    const read = namesReadBy((config) => {
      app.reconfigure(config);
      front.reconfigure(config, app, undefined);
    });
    app.destroy();
    const later = new Set<string>([...READ_FOR_EACH_REQUEST, "routes", "health", "sendfileRoots"]);
    assert.deepEqual(
      APPLIED_BY_FRONTS.filter((name) => !read.has(name) && !later.has(name)),
      [],
    );
  });

  it("does not name what has not changed", () => {
    assert.deepEqual(changedButFixed(configFrom("-n name a"), configFrom("-n name other --threads 4")), []);
  });

  it("applies a number of workers and its bounds", () => {
    const running = configFrom("-w 2 a");
    assert.deepEqual(changedButFixed(running, configFrom("-w 3 a")), []);
    assert.deepEqual(changedButFixed(running, configFrom("-w 2..4 a")), []);
  });
});
