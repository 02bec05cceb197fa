// Bursts of ten requests of which one sleeps for a second. The application stamps when it ran each, so it can be proved
// for every fast request whether it waited while a worker was idle.

import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { idleWaits, type Span } from "./idle-wait.ts";
import type { LoadTimes } from "./load-throughput.ts";
import type { OneSlow } from "./measurement.ts";
import type { RunningServer } from "./running-server.ts";
import { wrk } from "./wrk.ts";

const BURST_REQUESTS = 10;
/** 2.5 slow seconds in every second: more than half of four workers, never all for long. */
const BURST_EVERY_MS = 400;
const CONNECTIONS = 64;
const REQUEST_TIMEOUT_MS = 20_000;
const SEED = 20;
/** A machine with busy cores needs some milliseconds to wake a worker; longer than this is the server's doing. */
const LATE_US = 25_000;

interface Answered extends Span {
  readonly isSlow: boolean;
  readonly received: number;
}

/** `slots`: how many requests the server's workers run at once. */
export async function measureOneSlow(
  server: RunningServer,
  slots: number,
  times: LoadTimes,
): Promise<OneSlow> {
  // Many fast requests first: a server that sends ahead to steady workers has learned to do so when the slow ones come.
  await wrk({ url: server.url("/fast"), seconds: times.warmUpSeconds, connections: CONNECTIONS });
  const outcomes = await sendBursts(server, Math.ceil((times.seconds * 1_000) / BURST_EVERY_MS));
  const answered = outcomes.filter((outcome) => outcome !== undefined);
  return summarize(answered, outcomes.length, slots);
}

async function sendBursts(server: RunningServer, bursts: number): Promise<(Answered | undefined)[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, scheduling: "fifo" });
  const random = randomFrom(SEED);
  const sent: Promise<Answered | undefined>[] = [];
  for (let burst = 0; burst < bursts; burst++) {
    const slowIndex = Math.floor(random() * BURST_REQUESTS);
    for (let i = 0; i < BURST_REQUESTS; i++) sent.push(ask(server, agent, i === slowIndex));
    await delay(BURST_EVERY_MS);
  }
  const outcomes = await Promise.all(sent);
  agent.destroy();
  return outcomes;
}

/** Undefined for a request that failed. */
function ask(server: RunningServer, agent: Agent, isSlow: boolean): Promise<Answered | undefined> {
  const { promise, resolve } = Promise.withResolvers<Answered | undefined>();
  const sent = nowUs();
  const options = { agent, timeout: REQUEST_TIMEOUT_MS };
  const outgoing = request(server.url(isSlow ? "/slow" : "/fast"), options, (response) => {
    let text = "";
    response.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
    response.on("error", () => resolve(undefined));
    response.on("end", () => resolve(parseAnswer(response.statusCode, text, { sent, isSlow })));
  });
  outgoing.on("timeout", () => outgoing.destroy());
  outgoing.on("error", () => resolve(undefined));
  outgoing.end();
  return promise;
}

function parseAnswer(
  status: number | undefined,
  text: string,
  request: { readonly sent: number; readonly isSlow: boolean },
): Answered | undefined {
  if (status !== 200) return undefined;
  // What plain_wsgi.stamped writes, in nanoseconds.
  const { start, end } = JSON.parse(text) as { start: number; end: number };
  return { ...request, received: nowUs(), start: start / 1_000, end: end / 1_000 };
}

function summarize(answered: readonly Answered[], requests: number, slots: number): OneSlow {
  const waits = idleWaits(answered, slots).filter((_, i) => !answered[i]?.isSlow);
  const fast = answered.filter((span) => !span.isSlow).map((span) => span.received - span.sent);
  fast.sort((a, b) => a - b);
  return {
    type: "one-slow",
    requests,
    errors: requests - answered.length,
    fastP50Us: quantile(fast, 0.5),
    fastP99Us: quantile(fast, 0.99),
    fastMaxUs: quantile(fast, 1),
    idleWaitMaxUs: Math.max(0, ...waits),
    late: waits.filter((wait) => wait > LATE_US).length,
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** CLOCK_MONOTONIC, which Python's time.monotonic_ns() reads too. */
function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** mulberry32: the same bursts for every server. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
