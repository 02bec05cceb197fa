// Settings: the processes that run the application, the processes in front of them, and the line between.

import type { WorkerClass } from "../config.ts";
import { duration, size } from "../quantity.ts";
import { refused, type SettingsOf, SUPPORTED } from "../setting.ts";
import { choice, count, SWITCH, scalar, type ValueType } from "../value-type.ts";
import { WORKER_CLASS } from "../worker-class.ts";

export interface WorkerValues {
  readonly workers: number | "auto";
  readonly worker_class: WorkerClass;
  readonly interface: "auto" | "wsgi";
  readonly threads: number;
  readonly worker_connections: number;
  readonly fronts: number;
  readonly max_requests: number;
  readonly max_requests_jitter: number;
  readonly limit_concurrency: number;
  readonly preload_app: boolean;
  readonly queue_size: number;
  readonly queue_timeout: number;
  readonly requests_ahead: number;
}

const WORKERS_MAX = 1024;

const WORKERS: ValueType<number | "auto"> = scalar<number | "auto">(
  "N|auto",
  `expected a whole number, 1 to ${WORKERS_MAX}, or auto`,
  (value) => {
    if (value.trim().toLowerCase() === "auto") return "auto";
    const parsed = count(1, WORKERS_MAX).read(value);
    return parsed.ok ? parsed.value : undefined;
  },
);

const ASGI_NEXT = "ASGI comes with the next release; this one runs WSGI applications";

export const WORKER_SETTINGS: SettingsOf<WorkerValues> = {
  workers: {
    section: "Workers",
    flags: ["-w", "--workers"],
    uvicorn: ["--workers"],
    platformEnv: ["WEB_CONCURRENCY"],
    type: WORKERS,
    byDefault: 1,
    defaultText: "$WEB_CONCURRENCY, else 1",
    doc: "Processes that run the application. `auto`: as many as CPUs may be used (cgroup quota, affinity), and no more than memory holds at 100 MB each.",
    status: SUPPORTED,
  },
  worker_class: {
    section: "Workers",
    flags: ["-k", "--worker-class"],
    type: WORKER_CLASS,
    byDefault: "sync",
    doc: "The kind of worker: sync runs one request at a time; gthread runs --threads at a time. sync with more than one thread means gthread.",
    status: SUPPORTED,
  },
  interface: {
    section: "Workers",
    flags: ["--interface"],
    uvicorn: ["--interface"],
    type: choice(["auto", "wsgi"], { asgi3: ASGI_NEXT, asgi2: ASGI_NEXT }),
    byDefault: "auto",
    doc: "As uvicorn has it: the interface that the application speaks. This release knows WSGI only.",
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
    byDefault: 1000,
    doc: "Requests that one asgi worker runs at a time. sync and gthread workers run as many as they have threads.",
    status: SUPPORTED,
  },
  fronts: {
    section: "Workers",
    flags: ["--fronts"],
    type: count(1, 64),
    byDefault: 1,
    doc: "Processes that own the clients' connections. One feeds dozens of cores of application work.",
    status: SUPPORTED,
  },
  max_requests: {
    section: "Workers",
    flags: ["--max-requests"],
    uvicorn: ["--limit-max-requests"],
    type: count(0),
    byDefault: 0,
    doc: "Replace a worker after so many requests; 0 never does.",
    status: refused("replacing workers by count of requests"),
  },
  max_requests_jitter: {
    section: "Workers",
    flags: ["--max-requests-jitter"],
    uvicorn: ["--limit-max-requests-jitter"],
    type: count(0),
    byDefault: 0,
    doc: "Add a random number up to this one to --max-requests, for each worker.",
    status: refused("replacing workers by count of requests"),
  },
  limit_concurrency: {
    section: "Workers",
    flags: ["--limit-concurrency"],
    uvicorn: ["--limit-concurrency"],
    type: count(0),
    byDefault: 0,
    doc: "As uvicorn has it: answer 503 beyond so many connections or requests; 0 never does.",
    status: refused("--limit-concurrency", "--queue-size and --connections bound what the server takes"),
  },
  preload_app: {
    section: "Workers",
    flags: ["--preload"],
    type: SWITCH,
    byDefault: false,
    doc: "Load the application once, before the workers are forked.",
    status: refused("loading the application before workers are forked"),
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
  requests_ahead: {
    section: "Waiting line",
    flags: ["--requests-ahead"],
    type: count(1, 64),
    byDefault: 64,
    doc: "Most requests that a worker is given at once while its application answers short and steadily. 1 always sends the next one only when a worker is free.",
    status: SUPPORTED,
  },
};

export interface LimitValues {
  readonly timeout: number;
  readonly graceful_timeout: number;
  readonly keepalive: number;
  readonly boot_timeout: number;
  readonly head_timeout: number;
  readonly body_timeout: number;
  readonly body_rate_min: number;
  readonly response_timeout: number;
  readonly linger_timeout: number;
  readonly timeout_worker_healthcheck: number;
  readonly limit_request_line: number;
  readonly limit_request_fields: number;
  readonly limit_request_field_size: number;
  readonly limit_request_body: number;
  readonly body_memory: number;
  readonly response_buffer: number;
}

/** gunicorn reads 0 as "no limit" here; there is always one, so 0 means the largest. */
function limit(max: number): ValueType<number> {
  const type = count(0, max);
  return {
    ...type,
    read: (given) => {
      const reading = type.read(given);
      return reading.ok && reading.value === 0 ? { ok: true, value: max } : reading;
    },
  };
}

export const LIMIT_SETTINGS: SettingsOf<LimitValues> = {
  timeout: {
    section: "Time limits",
    flags: ["-t", "--timeout"],
    type: duration(0),
    byDefault: 0,
    defaultText: "0: none",
    doc: "How long the application may take for one request.",
    status: refused("a deadline for the application's requests", "leave it out, or give 0"),
  },
  graceful_timeout: {
    section: "Time limits",
    flags: ["--graceful-timeout"],
    uvicorn: ["--timeout-graceful-shutdown"],
    type: duration(0),
    byDefault: 30_000,
    doc: "How long requests may still run once a graceful stop was asked for.",
    status: SUPPORTED,
  },
  keepalive: {
    section: "Time limits",
    flags: ["--keep-alive"],
    uvicorn: ["--timeout-keep-alive"],
    type: duration(0),
    byDefault: 75_000,
    doc: "How long an idle connection is kept for the client's next request; 0 closes after each response. The default is longer than the 60 seconds of the usual load balancers, so that they end idle connections first and never send a request into one that is just being closed (a 502). For every worker class.",
    status: SUPPORTED,
  },
  boot_timeout: {
    section: "Time limits",
    flags: ["--boot-timeout"],
    type: duration(1),
    byDefault: 120_000,
    doc: "How long a worker may take to load the application.",
    status: SUPPORTED,
  },
  head_timeout: {
    section: "Time limits",
    flags: ["--head-timeout"],
    type: duration(1),
    byDefault: 10_000,
    doc: "How long a client may take for a whole request head, from its first byte (from connecting, for the first one).",
    status: SUPPORTED,
  },
  body_timeout: {
    section: "Time limits",
    flags: ["--body-timeout"],
    type: duration(1),
    byDefault: 60_000,
    doc: "How long a client may take for a whole request body, beside the time that --body-rate-min grants for its length.",
    status: SUPPORTED,
  },
  body_rate_min: {
    section: "Time limits",
    flags: ["--body-rate-min"],
    type: size(1),
    byDefault: 1024,
    doc: "Bytes per second at which a request body earns more time than --body-timeout.",
    status: SUPPORTED,
  },
  response_timeout: {
    section: "Time limits",
    flags: ["--response-timeout"],
    type: duration(1),
    byDefault: 60_000,
    doc: "How long a client may take no byte of a response that waits for it.",
    status: SUPPORTED,
  },
  linger_timeout: {
    section: "Time limits",
    flags: ["--linger-timeout"],
    type: duration(0),
    byDefault: 2000,
    doc: "How long to go on reading from a client after the last response, so that its unread bytes do not cut the response off.",
    status: SUPPORTED,
  },
  timeout_worker_healthcheck: {
    section: "Time limits",
    flags: ["--timeout-worker-healthcheck"],
    uvicorn: ["--timeout-worker-healthcheck"],
    type: duration(1),
    byDefault: 5000,
    doc: "As uvicorn has it: how long a worker may take to answer a ping.",
    status: refused("--timeout-worker-healthcheck", "--boot-timeout bounds a slow start"),
  },
  limit_request_line: {
    section: "Size limits",
    flags: ["--limit-request-line"],
    type: limit(65_536),
    byDefault: 4094,
    doc: "Bytes of a request line; 414 beyond. 0 means the largest, 65536.",
    status: SUPPORTED,
  },
  limit_request_fields: {
    section: "Size limits",
    flags: ["--limit-request-fields"],
    type: limit(32_768),
    byDefault: 100,
    doc: "Header fields of a request; 431 beyond. 0 means the largest, 32768.",
    status: SUPPORTED,
  },
  limit_request_field_size: {
    section: "Size limits",
    flags: ["--limit-request-field_size", "--limit-request-field-size"],
    type: limit(65_536),
    byDefault: 8190,
    doc: "Bytes of one header field; 431 beyond. 0 means the largest, 65536.",
    status: SUPPORTED,
  },
  limit_request_body: {
    section: "Size limits",
    flags: ["--limit-request-body"],
    type: size(0),
    byDefault: 2 ** 30,
    doc: "Bytes of a request body; 413 beyond, before the body is read where its length is known. 0 means no limit. The default is waitress's: large enough for uploads, small enough for a disk.",
    status: SUPPORTED,
  },
  body_memory: {
    section: "Size limits",
    flags: ["--body-memory"],
    type: size(0, 1_000_000_000),
    byDefault: 128 * 1024,
    doc: "Bytes of a request body that are kept in memory; a longer one goes to a temporary file.",
    status: SUPPORTED,
  },
  response_buffer: {
    section: "Size limits",
    flags: ["--response-buffer"],
    type: size(65_536, 1_000_000_000),
    byDefault: 2 ** 20,
    doc: "Bytes of a response that are held for a slow client, so that the worker is free before the client has read them.",
    status: SUPPORTED,
  },
};
