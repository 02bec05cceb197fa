// What a front counts. Plain numbers that status and metrics read; only the front writes them.

import type { AbortCause } from "../http/exchange.ts";

export interface FrontCounters {
  connectionsOpen: number;
  connectionsTotal: number;
  /** Turned away because `connectionsMax` were open and none was idle. */
  connectionsRefused: number;
  /** Idle connections closed early to make room for new ones. */
  connectionsEvicted: number;
  acceptErrors: number;
  /** TLS handshakes that began, and those that came to nothing. */
  tlsHandshakes: number;
  tlsFailures: number;
  /** What clients make the front hold in memory, and those that were cut off because it was too much. */
  clientMemoryBytes: number;
  memoryCuts: number;
  requests: number;
  /** Exchanges that a handler has and has not finished. */
  exchangesOpen: number;
  webSocketsOpen: number;
  webSocketsTotal: number;
  webSocketMessagesReceived: number;
  webSocketMessagesSent: number;
  bytesReceived: number;
  bytesSent: number;
  /** By error code (base/errors.ts). */
  readonly badRequests: Map<string, number>;
  readonly aborts: Map<AbortCause, number>;
}

export function newCounters(): FrontCounters {
  return {
    connectionsOpen: 0,
    connectionsTotal: 0,
    connectionsRefused: 0,
    connectionsEvicted: 0,
    acceptErrors: 0,
    tlsHandshakes: 0,
    tlsFailures: 0,
    clientMemoryBytes: 0,
    memoryCuts: 0,
    requests: 0,
    exchangesOpen: 0,
    webSocketsOpen: 0,
    webSocketsTotal: 0,
    webSocketMessagesReceived: 0,
    webSocketMessagesSent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    badRequests: new Map(),
    aborts: new Map(),
  };
}

export function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
