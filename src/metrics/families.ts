// All metrics that --metrics shows. docs/metrics.md explains them. Names and units as Prometheus recommends: seconds, bytes,
// `_total` for what only grows.

import type { Family } from "./exposition.ts";

export const FAMILIES: readonly Family[] = [
  gauge("tunicorn_info", "1, with the version as a label"),
  gauge("tunicorn_start_time_seconds", "when the server started, Unix time"),
  gauge("tunicorn_degraded", "1 when the last reload failed or the application does not start"),
  gauge("tunicorn_generation", "reloads of the application, and its start"),
  gauge("tunicorn_workers", "workers by state"),
  gauge("tunicorn_workers_wanted", "workers that there should be"),
  counter("tunicorn_worker_exits_total", "ends of workers by cause"),
  gauge("tunicorn_worker_resident_bytes", "memory of a worker"),
  gauge("tunicorn_worker_busy", "requests that a worker runs"),
  counter("tunicorn_requests_total", "finished requests"),
  histogram("tunicorn_request_duration_seconds", "from the request's head to the response's end"),
  histogram("tunicorn_request_queue_seconds", "in the waiting line, of requests that a worker got"),
  counter("tunicorn_request_bytes_total", "bytes of request bodies"),
  counter("tunicorn_response_bytes_total", "bytes of response bodies"),
  gauge("tunicorn_requests_waiting", "requests in the waiting line"),
  gauge("tunicorn_requests_running", "requests that workers have"),
  gauge("tunicorn_requests_open", "requests that were begun and are not finished, files and pages included"),
  counter("tunicorn_requests_aborted_total", "requests that were cut short, by cause"),
  counter("tunicorn_bad_requests_total", "what clients sent and could not be understood, by reason"),
  gauge("tunicorn_connections_open", "client connections"),
  counter("tunicorn_connections_total", "client connections that were taken"),
  counter("tunicorn_connections_refused_total", "turned away because of --connections"),
  counter("tunicorn_connections_evicted_total", "idle ones closed for others, because of --connections"),
  counter("tunicorn_accept_errors_total", "connections that could not be taken"),
  counter("tunicorn_tls_handshakes_total", "TLS handshakes that began"),
  counter("tunicorn_tls_failures_total", "TLS handshakes that came to nothing"),
  gauge("tunicorn_websockets_open", "open WebSockets"),
  counter("tunicorn_websockets_total", "WebSockets that were opened"),
  counter("tunicorn_websocket_messages_received_total", "messages of clients"),
  counter("tunicorn_websocket_messages_sent_total", "messages to clients"),
  counter("tunicorn_received_bytes_total", "bytes from clients' sockets"),
  counter("tunicorn_sent_bytes_total", "bytes to clients' sockets"),
  gauge("tunicorn_client_memory_bytes", "what clients make the fronts hold, see --client-memory"),
  counter("tunicorn_client_memory_cuts_total", "clients cut off because of --client-memory"),
  gauge("tunicorn_body_memory_bytes", "request bodies that are held in memory"),
  gauge("tunicorn_front_resident_bytes", "memory of a front"),
  counter("tunicorn_front_busy_seconds_total", "time in which a front's event loop was at work"),
];

function gauge(name: string, help: string): Family {
  return { name, type: "gauge", help };
}

function counter(name: string, help: string): Family {
  return { name, type: "counter", help };
}

function histogram(name: string, help: string): Family {
  return { name, type: "histogram", help };
}
