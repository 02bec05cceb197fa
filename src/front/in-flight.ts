// One request or WebSocket that a front has and has not finished, for whoever asks what the server is doing.

import type { ExchangeNotes, Peer, RequestHead } from "../http/exchange.ts";

export interface InFlight {
  readonly id: number;
  readonly method: string;
  /** Without the query, which may hold secrets. */
  readonly path: string;
  readonly elapsedMs: number;
  /** A worker has it. */
  readonly started: boolean;
  /** A worker died under it. */
  readonly retried: boolean;
  /** The worker that has it; 0 while it waits for one, or when no worker is asked. */
  readonly pid: number;
  /** The client's address, "" over a Unix socket. */
  readonly client: string;
  readonly kind: "http" | "websocket";
}

const PATH_CHARACTERS_MAX = 512;

/** What is looked at. */
export interface Unfinished {
  readonly id: number;
  readonly head: RequestHead;
  readonly notes: ExchangeNotes;
  readonly peer: Peer;
  readonly startedAtMs: number;
}

export function describeInFlight(request: Unfinished, kind: InFlight["kind"], nowMs: number): InFlight {
  const { id, head, notes, peer, startedAtMs } = request;
  return {
    id,
    method: head.method,
    path: head.path.slice(0, PATH_CHARACTERS_MAX),
    elapsedMs: Math.round(nowMs - startedAtMs),
    started: notes.workerPid > 0,
    retried: notes.retries > 0,
    pid: notes.workerPid,
    client: notes.clientAddress === "" ? peer.remoteAddress : notes.clientAddress,
    kind,
  };
}
