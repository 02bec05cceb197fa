// Settings: how long things may take, and how large they may be.

import { duration, size } from "../quantity.ts";
import { inert, type SettingsOf, SUPPORTED } from "../setting.ts";
import { count, type ValueType } from "../value-type.ts";

export interface LimitValues {
  readonly timeout: number;
  readonly graceful_timeout: number;
  readonly stream_grace: number;
  readonly keepalive: number;
  readonly boot_timeout: number;
  readonly head_timeout: number;
  readonly body_timeout: number;
  readonly body_rate_min: number;
  readonly response_timeout: number;
  readonly linger_timeout: number;
  readonly timeout_worker_healthcheck: number;
  readonly limit_request_head: number;
  readonly limit_request_line: number;
  readonly limit_request_fields: number;
  readonly limit_request_field_size: number;
  readonly limit_request_body: number;
  readonly body_memory: number;
  readonly response_buffer: number;
  readonly client_memory: number;
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
    byDefault: 30_000,
    doc: "sync and gthread workers: how long the application may take to the first byte of an answer, and then from one byte to the next. The client gets 504, the stacks go to the log, and the worker is replaced. asgi workers: how long the event loop may stand still. 0: no limit.",
    status: SUPPORTED,
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
  stream_grace: {
    section: "Time limits",
    flags: ["--stream-grace"],
    type: duration(0),
    byDefault: 5_000,
    doc: "How long event streams, which end only when somebody ends them, go on when their worker or the server stops. It is part of --graceful-timeout, and never longer.",
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
    flags: [],
    uvicorn: ["--timeout-worker-healthcheck"],
    type: duration(1),
    byDefault: 5000,
    doc: "As uvicorn has it: how long a worker may take to answer a ping.",
    status: inert(
      "workers are not pinged to death: --boot-timeout bounds a slow start, and the end of a worker's socket is its end",
    ),
  },
  limit_request_head: {
    section: "Size limits",
    flags: ["--limit-request-head"],
    uvicorn: ["--h11-max-incomplete-event-size"],
    type: size(1024, 2 ** 24),
    byDefault: 262_144,
    doc: "Bytes of a whole request head; 431 beyond. As uvicorn's h11 parser has it.",
    status: SUPPORTED,
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
    type: size(262_144, 1_000_000_000),
    byDefault: 2 ** 20,
    doc: "Bytes of a response that are held for a slow client, so that the worker is free before the client has read them.",
    status: SUPPORTED,
  },
  client_memory: {
    section: "Size limits",
    flags: ["--client-memory"],
    type: size(0),
    byDefault: 0,
    defaultText: "0: a quarter of the memory there is, at most 1G, shared by the fronts",
    doc: "Bytes that all clients of a front together may make it hold in memory: responses that they do not take, heads and WebSocket messages that they do not end. Beyond half of it less of each response is held; beyond all of it those clients are cut off that have moved nothing for longest.",
    status: SUPPORTED,
  },
};
