// Settings: the processes that run the application, the processes in front of them, and the line between.

import type { Interface, WorkerClass } from "../config.ts";
import { duration, size } from "../quantity.ts";
import { RATE, type Rate } from "../rate.ts";
import { type SettingsOf, SUPPORTED } from "../setting.ts";
import { choice, count, SWITCH, scalar, type ValueType } from "../value-type.ts";
import { WORKER_CLASS } from "../worker-class.ts";

export interface WorkerValues {
  readonly workers: number | "auto" | WorkerRange;
  readonly workers_idle: number;
  readonly worker_class: WorkerClass;
  readonly interface: Interface;
  readonly threads: number;
  readonly worker_connections: number;
  readonly fronts: number;
  readonly max_requests: number;
  readonly max_requests_jitter: number;
  readonly workers_lifetime: number;
  readonly workers_lifetime_jitter: number;
  readonly workers_max_rss: number;
  readonly limit_concurrency: number;
  readonly preload_app: boolean;
  readonly queue_size: number;
  readonly queue_timeout: number;
  readonly requests_ahead: number;
  readonly limit_rate: Rate | null;
}

/** `2..8`: as many as the load asks for. */
export interface WorkerRange {
  readonly min: number;
  readonly max: number;
}

const WORKERS_MAX = 1024;

const WORKER_COUNT = count(1, WORKERS_MAX);

const WORKERS: ValueType<WorkerValues["workers"]> = scalar<WorkerValues["workers"]>(
  "N|N..N|auto",
  `expected a whole number, 1 to ${WORKERS_MAX}, two such numbers as in 2..8, or auto`,
  (value) => {
    if (value.trim().toLowerCase() === "auto") return "auto";
    const [min, max, ...more] = value.split("..").map((part) => WORKER_COUNT.read(part));
    if (min === undefined || !min.ok || more.length > 0) return undefined;
    if (max === undefined) return min.value;
    return max.ok && max.value >= min.value ? { min: min.value, max: max.value } : undefined;
  },
  (value) => (typeof value === "object" ? `${value.min}..${value.max}` : String(value)),
);

export const WORKER_SETTINGS: SettingsOf<WorkerValues> = {
  workers: {
    section: "Workers",
    flags: ["-w", "--workers"],
    uvicorn: ["--workers"],
    platformEnv: ["WEB_CONCURRENCY"],
    type: WORKERS,
    byDefault: 1,
    defaultText: "$WEB_CONCURRENCY, else 1",
    doc: "Processes that run the application. `auto`: as many as CPUs may be used (cgroup quota, affinity), and no more than memory holds at 100 MB each. `2..8`: two at first, up to eight while requests wait for a worker and memory allows, fewer again when idle.",
    status: SUPPORTED,
  },
  workers_idle: {
    section: "Workers",
    flags: ["--workers-idle"],
    type: duration(1_000),
    byDefault: 60_000,
    doc: "With -w N..N: how long a worker must not have been needed before it is removed.",
    status: SUPPORTED,
  },
  worker_class: {
    section: "Workers",
    flags: ["-k", "--worker-class"],
    type: WORKER_CLASS,
    byDefault: "auto",
    doc: "The kind of worker: sync runs one request at a time; gthread runs --threads at a time; asgi runs an ASGI application's requests on one event loop. sync with more than one thread means gthread. auto looks at the application once it is loaded: asgi for an ASGI one, else sync.",
    status: SUPPORTED,
  },
  interface: {
    section: "Workers",
    flags: [],
    uvicorn: ["--interface"],
    type: choice(["auto", "wsgi", "asgi3", "asgi2"]),
    byDefault: "auto",
    doc: "As uvicorn has it: the interface that the application speaks, where it is not found out by itself.",
    status: SUPPORTED,
  },
  threads: {
    section: "Workers",
    flags: ["--threads"],
    type: count(1, 1024),
    byDefault: 1,
    doc: "Requests that one gthread worker runs at a time, each in a thread of its own.",
    status: SUPPORTED,
  },
  worker_connections: {
    section: "Workers",
    flags: ["--worker-connections"],
    type: count(1, 1_000_000),
    byDefault: 65_536,
    doc: "Requests and WebSockets that one asgi worker runs at a time; further ones wait in line. uvicorn has no such limit, and gunicorn's asgi worker ignores this one: hence the large default.",
    status: SUPPORTED,
  },
  fronts: {
    section: "Workers",
    flags: ["--fronts"],
    type: count(1, 64),
    byDefault: 1,
    doc: "Processes that own the clients' connections. One feeds dozens of cores of application work. Never more than the workers of any application.",
    status: SUPPORTED,
  },
  max_requests: {
    section: "Workers",
    flags: ["--max-requests"],
    uvicorn: ["--limit-max-requests"],
    type: count(0),
    byDefault: 0,
    doc: "Replace a worker after so many requests, its successor first; 0 never does.",
    status: SUPPORTED,
  },
  max_requests_jitter: {
    section: "Workers",
    flags: ["--max-requests-jitter"],
    uvicorn: ["--limit-max-requests-jitter"],
    type: count(0),
    byDefault: 0,
    doc: "Add a random number up to this one to --max-requests, for each worker.",
    status: SUPPORTED,
  },
  workers_lifetime: {
    section: "Workers",
    flags: ["--workers-lifetime"],
    type: duration(0),
    byDefault: 0,
    doc: "Replace a worker at this age, its successor first; 0 never does.",
    status: SUPPORTED,
  },
  workers_lifetime_jitter: {
    section: "Workers",
    flags: ["--workers-lifetime-jitter"],
    type: duration(0),
    byDefault: 0,
    doc: "Add a random time up to this one to --workers-lifetime, for each worker.",
    status: SUPPORTED,
  },
  workers_max_rss: {
    section: "Workers",
    flags: ["--workers-max-rss"],
    type: size(0),
    byDefault: 0,
    doc: "Replace a worker, its successor first, that holds more memory (RSS) twice in a row, 10 seconds apart; 0 never does.",
    status: SUPPORTED,
  },
  limit_concurrency: {
    section: "Workers",
    flags: [],
    uvicorn: ["--limit-concurrency"],
    type: count(0, 1_000_000),
    byDefault: 0,
    defaultText: "0: none",
    doc: "As uvicorn has it: requests and WebSockets that may run and wait, for each worker; further ones are answered 503 at once.",
    status: SUPPORTED,
  },
  preload_app: {
    section: "Workers",
    flags: ["--preload"],
    type: SWITCH,
    byDefault: false,
    doc: "Load the application once, before the workers are forked, which then share its memory and start at once. A reload loads it anew.",
    status: SUPPORTED,
  },
  queue_size: {
    section: "Waiting line",
    flags: ["--queue-size"],
    type: count(0, 1_000_000),
    byDefault: 1000,
    doc: "Requests that may wait for a free worker; further ones are answered 503 with Retry-After.",
    status: SUPPORTED,
  },
  queue_timeout: {
    section: "Waiting line",
    flags: ["--queue-timeout"],
    type: duration(1),
    byDefault: 30_000,
    doc: "How long a request may wait for a free worker before it is answered 503 with Retry-After.",
    status: SUPPORTED,
  },
  limit_rate: {
    section: "Waiting line",
    flags: ["--limit-rate"],
    type: RATE,
    byDefault: null,
    doc: "How often one client, known by its address (or a network /64 of IPv6), may ask the application: 10/s, 100/m or 1000/h; ,burst=20 says how many requests may come at once, without it as many as the first number. Further ones are answered 429 with Retry-After. Each front counts for itself.",
    status: SUPPORTED,
  },
  requests_ahead: {
    section: "Waiting line",
    flags: ["--requests-ahead"],
    type: count(1, 64),
    byDefault: 64,
    doc: "Most requests that a worker is given at once while its application answers short and steadily. 1 always sends the next one only when a worker is free.",
    status: SUPPORTED,
  },
};
