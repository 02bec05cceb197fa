// What happened on a connection, told to the access log. Nothing is computed while there is none.

import type { AbortCause, ExchangeNotes, Peer, RequestHead } from "../http/exchange.ts";
import type { FrontContext } from "./context.ts";

/** nginx's number for "the client left before it was answered". */
const CLIENT_LEFT = 499;

const NO_NOTES: ExchangeNotes = {
  workerPid: 0,
  queueMs: -1,
  appMicros: -1,
  retries: 0,
  clientAddress: "",
  scheme: "",
};

/** An exchange as the access log wants it, whatever the version. */
export interface EndedExchange {
  readonly id: number;
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly notes: ExchangeNotes;
  readonly status: number;
  readonly bodyBytes: number;
  readonly requestBytes: number;
  readonly responseBlock: string;
  readonly abortCause: AbortCause | undefined;
  readonly startedAtMs: number;
}

/** An exchange ended, however it ended. */
export function recordExchange(context: FrontContext, exchange: EndedExchange): void {
  const { accessLog, clock } = context;
  if (accessLog === undefined) return;
  const { head } = exchange;
  const elapsedMs = clock.nowMs() - exchange.startedAtMs;
  accessLog.record({
    id: exchange.id,
    head,
    requestLine: `${head.method} ${head.target} HTTP/${head.version}`,
    peer: exchange.peer,
    notes: exchange.notes,
    status: exchange.status || (exchange.abortCause === "client-left" ? CLIENT_LEFT : 0),
    bodyBytes: exchange.bodyBytes,
    requestBytes: exchange.requestBytes,
    responseBlock: exchange.responseBlock,
    abortCause: exchange.abortCause,
    startedAtUnixMs: clock.unixMs() - elapsedMs,
    elapsedMs,
  });
}

/** A request that ended in another protocol than HTTP: what of it the access log wants when that one ends. */
export interface UpgradedRequest {
  readonly id: number;
  readonly head: RequestHead;
  readonly notes: ExchangeNotes;
  readonly responseBlock: string;
  readonly startedAtMs: number;
}

export interface WebSocketEnd {
  readonly peer: Peer;
  /** Bytes of messages, uncompressed. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly abortCause: AbortCause | undefined;
}

const SWITCHING_PROTOCOLS = 101;
/** What takes its place on HTTP/2 (RFC 8441 §5). */
const OK = 200;

/** One line for a WebSocket, at its end. */
export function recordWebSocket(context: FrontContext, request: UpgradedRequest, end: WebSocketEnd): void {
  const { accessLog, clock } = context;
  if (accessLog === undefined) return;
  const { head } = request;
  const elapsedMs = clock.nowMs() - request.startedAtMs;
  accessLog.record({
    id: request.id,
    head,
    requestLine: `${head.method} ${head.target} HTTP/${head.version}`,
    peer: end.peer,
    notes: request.notes,
    status: head.version === "2" ? OK : SWITCHING_PROTOCOLS,
    bodyBytes: end.sentBytes,
    requestBytes: end.receivedBytes,
    responseBlock: request.responseBlock,
    abortCause: end.abortCause,
    startedAtUnixMs: clock.unixMs() - elapsedMs,
    elapsedMs,
  });
}

/** A request whose head could not be read: malformed, too large, too late. */
export interface BadRequest {
  readonly status: number;
  readonly requestLine: string;
  readonly bodyBytes: number;
}

export function recordBadRequest(context: FrontContext, peer: Peer, bad: BadRequest): void {
  const { accessLog, clock } = context;
  if (accessLog === undefined) return;
  accessLog.record({
    id: context.nextExchangeId(),
    head: undefined,
    requestLine: bad.requestLine,
    peer,
    notes: NO_NOTES,
    status: bad.status,
    bodyBytes: bad.bodyBytes,
    requestBytes: 0,
    responseBlock: "",
    abortCause: "bad-request",
    startedAtUnixMs: clock.unixMs(),
    elapsedMs: 0,
  });
}
