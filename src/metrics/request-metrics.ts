// What a front counts of finished requests for --metrics. Seconds in the names, milliseconds inside.

import { type Samples, sampleName } from "./exposition.ts";

export interface FinishedRequest {
  /** "" where no application was asked. */
  readonly app: string;
  /** "" where no head could be read. */
  readonly method: string;
  /** 0: nothing was answered. */
  readonly status: number;
  readonly elapsedMs: number;
  /** -1: no worker got it. */
  readonly queueMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** A WebSocket: how long it lived is no duration of a request. */
  readonly isWebSocket: boolean;
}

const METHODS: ReadonlySet<string> = new Set([
  ...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"],
]);
const DURATION_BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000] as const;
const QUEUE_BOUNDS_MS = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000] as const;

class Histogram {
  readonly #boundsMs: readonly number[];
  readonly #counts: number[];
  #sumMs = 0;

  constructor(boundsMs: readonly number[]) {
    this.#boundsMs = boundsMs;
    this.#counts = [...boundsMs, 0].map(() => 0);
  }

  add(ms: number): void {
    const index = this.#boundsMs.findIndex((bound) => ms <= bound);
    const at = index < 0 ? this.#boundsMs.length : index;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sumMs += ms;
  }

  samples(name: string, labels: Readonly<Record<string, string>>): [string, number][] {
    const bounds = [...this.#boundsMs.map((ms) => String(ms / 1_000)), "+Inf"];
    let sum = 0;
    const buckets = bounds.map((le, index): [string, number] => {
      sum += this.#counts[index] ?? 0;
      return [sampleName(`${name}_bucket`, { ...labels, le }), sum];
    });
    return [
      ...buckets,
      [sampleName(`${name}_sum`, labels), this.#sumMs / 1_000],
      [sampleName(`${name}_count`, labels), sum],
    ];
  }
}

interface AppFigures {
  /** By method and status: `GET 200`. */
  readonly requests: Map<string, number>;
  readonly durations: Histogram;
  readonly queues: Histogram;
  requestBytes: number;
  responseBytes: number;
}

export class RequestMetrics {
  readonly #apps = new Map<string, AppFigures>();

  add(request: FinishedRequest): void {
    const figures = this.#figuresOf(request.app);
    const method = METHODS.has(request.method) ? request.method : "other";
    const key = `${method} ${request.status}`;
    figures.requests.set(key, (figures.requests.get(key) ?? 0) + 1);
    if (!request.isWebSocket) figures.durations.add(request.elapsedMs);
    if (request.queueMs >= 0) figures.queues.add(request.queueMs);
    figures.requestBytes += request.requestBytes;
    figures.responseBytes += request.responseBytes;
  }

  samples(): Samples {
    return Object.fromEntries([...this.#apps].flatMap(([app, figures]) => samplesOf(app, figures)));
  }

  #figuresOf(app: string): AppFigures {
    const known = this.#apps.get(app);
    if (known !== undefined) return known;
    const fresh = {
      requests: new Map<string, number>(),
      durations: new Histogram(DURATION_BOUNDS_MS),
      queues: new Histogram(QUEUE_BOUNDS_MS),
      requestBytes: 0,
      responseBytes: 0,
    };
    this.#apps.set(app, fresh);
    return fresh;
  }
}

function samplesOf(app: string, figures: AppFigures): [string, number][] {
  const counts = [...figures.requests].map(([key, count]): [string, number] => {
    const [method = "", code = ""] = key.split(" ");
    return [sampleName("tunicorn_requests_total", { app, method, code }), count];
  });
  return [
    ...counts,
    ...figures.durations.samples("tunicorn_request_duration_seconds", { app }),
    ...figures.queues.samples("tunicorn_request_queue_seconds", { app }),
    [sampleName("tunicorn_request_bytes_total", { app }), figures.requestBytes],
    [sampleName("tunicorn_response_bytes_total", { app }), figures.responseBytes],
  ];
}
