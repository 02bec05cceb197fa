// What one front counts for --metrics, and how it gets at what the whole server has to tell: the arbiter asks all fronts.

import type { Clock } from "../base/ports.ts";
import type { FrontReport } from "../control/messages.ts";
import type { FrontCounters } from "../front/counters.ts";
import type { HealthFacts } from "../handlers/health.ts";
import type { AccessRecord } from "../log/access-record.ts";
import { type Samples, sampleName } from "../metrics/exposition.ts";
import { RequestMetrics } from "../metrics/request-metrics.ts";

const ANSWER_MS = 5_000;
/** Workers whose application is remembered, for requests that end after them. */
const PIDS_MAX = 4_096;

export class FrontFigures {
  readonly #clock: Clock;
  readonly #report: (report: FrontReport) => void;
  readonly #requests = new RequestMetrics();
  readonly #appByPid = new Map<number, string>();
  readonly #waiting = new Map<number, (text: string | undefined) => void>();
  #ids = 0;

  constructor(clock: Clock, report: (report: FrontReport) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  workerJoined(pid: number, app: string): void {
    this.#appByPid.set(pid, app);
    const [oldest] = this.#appByPid.keys();
    if (this.#appByPid.size > PIDS_MAX && oldest !== undefined) this.#appByPid.delete(oldest);
  }

  record({ head, notes, status, elapsedMs, requestBytes, bodyBytes }: AccessRecord): void {
    this.#requests.add({
      app: this.#appByPid.get(notes.workerPid) ?? "",
      method: head?.method ?? "",
      status,
      elapsedMs,
      queueMs: notes.queueMs,
      requestBytes,
      responseBytes: bodyBytes,
      isWebSocket: status === 101 || head?.method === "CONNECT",
    });
  }

  samples(nr: number, counters: FrontCounters, facts: Facts): Samples {
    const front = { nr };
    return {
      ...this.#requests.samples(),
      ...connectionSamples(counters),
      ...mapSamples("tunicorn_bad_requests_total", "reason", counters.badRequests),
      ...mapSamples("tunicorn_requests_aborted_total", "cause", counters.aborts),
      tunicorn_requests_waiting: facts.waiting,
      tunicorn_requests_running: facts.running,
      tunicorn_body_memory_bytes: facts.bodyMemoryBytes,
      [sampleName("tunicorn_front_resident_bytes", front)]: process.memoryUsage.rss(),
      [sampleName("tunicorn_front_busy_seconds_total", front)]:
        performance.eventLoopUtilization().active / 1_000,
    };
  }

  /** All that the server has to tell; undefined when it did not in time. */
  collect(): Promise<string | undefined> {
    const id = ++this.#ids;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const timer = this.#clock.after(ANSWER_MS, () => this.onExposition(id, undefined));
    this.#waiting.set(id, (text) => {
      timer.cancel();
      resolve(text);
    });
    this.#report({ type: "exposition-wanted", id });
    return promise;
  }

  onExposition(id: number, text: string | undefined): void {
    this.#waiting.get(id)?.(text);
    this.#waiting.delete(id);
  }
}

type Facts = Pick<HealthFacts, "waiting" | "running"> & { readonly bodyMemoryBytes: number };

function connectionSamples(counters: FrontCounters): Samples {
  return {
    tunicorn_requests_open: counters.exchangesOpen,
    tunicorn_connections_open: counters.connectionsOpen,
    tunicorn_connections_total: counters.connectionsTotal,
    tunicorn_connections_refused_total: counters.connectionsRefused,
    tunicorn_connections_evicted_total: counters.connectionsEvicted,
    tunicorn_accept_errors_total: counters.acceptErrors,
    tunicorn_tls_handshakes_total: counters.tlsHandshakes,
    tunicorn_tls_failures_total: counters.tlsFailures,
    tunicorn_websockets_open: counters.webSocketsOpen,
    tunicorn_websockets_total: counters.webSocketsTotal,
    tunicorn_websocket_messages_received_total: counters.webSocketMessagesReceived,
    tunicorn_websocket_messages_sent_total: counters.webSocketMessagesSent,
    tunicorn_received_bytes_total: counters.bytesReceived,
    tunicorn_sent_bytes_total: counters.bytesSent,
    tunicorn_client_memory_bytes: counters.clientMemoryBytes,
    tunicorn_client_memory_cuts_total: counters.memoryCuts,
  };
}

function mapSamples(name: string, label: string, counts: ReadonlyMap<string, number>): Samples {
  return Object.fromEntries([...counts].map(([key, count]) => [sampleName(name, { [label]: key }), count]));
}
