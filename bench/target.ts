// What tunicorn has set out to reach, each a judgement on one run's results.

import type { IdleSockets, Throughput, Transfer } from "./measurement.ts";
import { SCENARIOS } from "./scenario.ts";
import type { Soak } from "./soak.ts";
import { median, medianRatio, type Results } from "./summary.ts";

export interface Verdict {
  readonly target: string;
  /** Undefined: what it needs was not measured. */
  readonly value: number | undefined;
  readonly isReached: boolean | undefined;
}

interface Target {
  readonly scenario: string;
  readonly what: string;
  readonly compare: "≥" | "≤";
  readonly wanted: number;
  readonly value: (results: Results) => number | undefined;
}

const perSecond = (one: Throughput): number => one.perSecond;
const cpu = (one: Throughput): number => one.cpuUsPerRequest;

export const TARGETS: readonly Target[] = [
  ratioTarget("hello", "req/s", "gunicorn-sync", "≥", 6),
  ratioTarget("hello", "req/s", "granian", "≥", 1.5),
  ratioTarget("hello", "CPU per request", "uwsgi", "≤", 0.8),
  ratioTarget("flask", "req/s", "gunicorn-sync", "≥", 2.5),
  ratioTarget("flask", "req/s", "granian", "≥", 1),
  ratioTarget("django", "req/s", "gunicorn-sync", "≥", 2.5),
  ratioTarget("django", "req/s", "granian", "≥", 1),
  ratioTarget("django-page", "CPU per request", "gunicorn-sync", "≤", 0.95),
  {
    scenario: "one-slow",
    what: "fast requests that waited while a worker was idle",
    compare: "≤",
    wanted: 0,
    value: (results) => median(results.oneSlow("one-slow", "tunicorn").map(({ late }) => late)),
  },
  {
    scenario: "slow-clients",
    what: "p99 of normal requests with slow clients, by that without",
    compare: "≤",
    wanted: 1.5,
    value: (results) =>
      median(results.slowClients("slow-clients", "tunicorn").map((one) => one.beside.p99Us / one.calm.p99Us)),
  },
  {
    scenario: "hello",
    what: "MB of the tree more than gunicorn-sync's",
    compare: "≤",
    wanted: 40,
    value: memoryAboveGunicornMb,
  },
  ratioTarget("hello-asgi", "CPU per request", "uvicorn", "≤", 0.95),
  ratioTarget("hello-asgi", "req/s", "uvicorn", "≥", 1.1),
  h2Target("hello-h2", ["tunicorn-asgi", "hypercorn"], 5),
  h2Target("hello-h2", ["tunicorn-asgi", "granian-asgi"], 0.7),
  h2Target("hello-h2-tls", ["tunicorn-asgi-tls", "hypercorn-tls"], 5),
  h2Target("hello-h2-tls", ["tunicorn-asgi-tls", "granian-asgi-tls"], 0.7),
  ratioTarget("fastapi", "CPU per request", "uvicorn", "≤", 1),
  ratioTarget("fastapi", "req/s", "uvicorn", "≥", 1),
  {
    ...ratioTarget("ws-echo", "req/s", "uvicorn", "≥", 1.2),
    what: "messages/s, times uvicorn's,",
  },
  {
    scenario: "ws-idle",
    what: "MB of the tree, times uvicorn's,",
    compare: "≤",
    wanted: 1,
    value: (results) => {
      const mb = (server: string): number[] => results.idleSockets("ws-idle", server).map(treeMb);
      return medianRatio(mb("tunicorn-asgi"), mb("uvicorn"));
    },
  },
  {
    scenario: "flask-nginx-uwsgi",
    what: "req/s, times uWSGI's over a Unix socket,",
    compare: "≥",
    wanted: 1,
    value: (results) =>
      results.ratio("flask-nginx-uwsgi", ["nginx-tunicorn-uwsgi", "nginx-uwsgi"], perSecond),
  },
  {
    scenario: "hello-tls",
    what: "CPU per request, times that in plain text,",
    compare: "≤",
    wanted: 1.4,
    value: (results) => results.ratio("hello-tls", ["tunicorn-tls", "tunicorn"], cpu),
  },
  {
    scenario: "handshakes",
    what: "handshakes per CPU second, times nginx's,",
    compare: "≥",
    wanted: 0.8,
    value: (results) => results.ratio("handshakes", ["nginx-tls", "tunicorn-tls"], cpu),
  },
  filesTarget("static-10k", "nginx", 0.5),
  filesTarget("static-10k", "granian", 3),
  filesTarget("static-1m", "nginx", 0.5),
  filesTarget("static-1m", "granian", 3),
  transferTarget("up-100mb", 0.5),
  transferTarget("down-100mb", 0.5),
  transferTarget("file-100mb", 1),
];

/** Garbage collectors leave sizes that differ so much from one moment to the next. */
const SOAK_GROWTH_MB_MAX = 8;
/** With fewer points the first third is the heap finding its size. */
const SOAK_POINTS_MIN = 9;

/** The first third of the way against the last: a leak shows, one moment's garbage does not. */
export function judgeSoak({ server, points }: Soak): Verdict {
  const third = Math.ceil(points.length / 3);
  const sizeMb = (some: Soak["points"]): number => median(some.map((point) => point.aloneKb / 1_024)) ?? 0;
  const value = sizeMb(points.slice(-third)) - sizeMb(points.slice(0, third));
  const target = `${server}: MB grown from the first third to the last ≤ ${SOAK_GROWTH_MB_MAX}`;
  if (points.length < SOAK_POINTS_MIN) return { target, value: undefined, isReached: undefined };
  return { target, value, isReached: value <= SOAK_GROWTH_MB_MAX };
}

/** Only of scenarios that were measured. */
export function judge(results: Results, scenarios: readonly string[]): Verdict[] {
  return TARGETS.filter(({ scenario }) => scenarios.includes(scenario)).map((target) => {
    const value = target.value(results);
    return {
      target: `${target.scenario}: ${target.what} ${target.compare} ${target.wanted}`,
      value,
      isReached: value === undefined ? undefined : isReached(target, value),
    };
  });
}

function isReached({ compare, wanted }: Target, value: number): boolean {
  return compare === "≥" ? value >= wanted : value <= wanted;
}

function ratioTarget(
  scenario: string,
  unit: "req/s" | "CPU per request",
  peer: string,
  compare: "≥" | "≤",
  wanted: number,
): Target {
  const isAsgi = SCENARIOS.some((one) => one.name === scenario && one.interface === "asgi");
  const own = isAsgi ? "tunicorn-asgi" : "tunicorn";
  const value = (results: Results): number | undefined =>
    results.ratio(scenario, [own, peer], unit === "req/s" ? perSecond : cpu);
  return { scenario, what: `${unit}, times ${peer}'s,`, compare, wanted, value };
}

function h2Target(scenario: string, pair: readonly [string, string], wanted: number): Target {
  const value = (results: Results): number | undefined => results.ratio(scenario, pair, perSecond);
  return { scenario, what: `req/s, times ${pair[1]}'s,`, compare: "≥", wanted, value };
}

function filesTarget(scenario: string, peer: "nginx" | "granian", wanted: number): Target {
  const value = (results: Results): number | undefined =>
    results.ratio(scenario, ["tunicorn-static", `${peer}-static`], perSecond);
  return { scenario, what: `req/s, times ${peer}'s,`, compare: "≥", wanted, value };
}

/** A server that did not hold all of them has no memory to show. */
function treeMb(one: IdleSockets): number {
  return one.missing === 0 ? one.memory.aloneKb / 1_024 : Number.NaN;
}

function transferTarget(scenario: string, wanted: number): Target {
  const speed = (one: Transfer): number => one.mbPerSecond;
  const value = (results: Results): number | undefined =>
    medianRatio(
      results.transfers(scenario, "tunicorn-asgi").map(speed),
      results.transfers(scenario, "uvicorn").map(speed),
    );
  return { scenario, what: "MB/s, times uvicorn's,", compare: "≥", wanted, value };
}

function memoryAboveGunicornMb(results: Results): number | undefined {
  const aloneMb = (server: string): number | undefined =>
    median(results.throughput("hello", server).map((one) => one.memory.aloneKb / 1_024));
  const own = aloneMb("tunicorn");
  const peer = aloneMb("gunicorn-sync");
  return own === undefined || peer === undefined ? undefined : own - peer;
}
