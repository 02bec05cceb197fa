// One request and its response, whatever the HTTP version: what a front hands to a handler.
// Everything here is synchronous; a handler keeps the exchange and answers when it can.

import type { Fields } from "./fields.ts";

export type HttpVersion = "1.0" | "1.1" | "2";

export interface RequestHead {
  readonly method: string;
  /** The request target exactly as received (RAW_URI); printable ASCII. */
  readonly target: string;
  /** The target's path, still percent-encoded; "*" for `OPTIONS *`. */
  readonly path: string;
  /** What follows the first "?", without it; "" when there is none. */
  readonly query: string;
  readonly version: HttpVersion;
  /** The host asked for: of an absolute target, else of the Host field; "" when a 1.0 request names none. */
  readonly authority: string;
  readonly fields: Fields;
  /** Bytes of the body; 0 when there is none, -1 when only its end will tell (chunked). */
  readonly bodyLength: number;
}

/** The two ends of a client's connection, the same object for all of its exchanges. */
export interface Peer {
  /** Textual IP address, or "" when the client came over a Unix socket. */
  readonly remoteAddress: string;
  /** 0 for a Unix socket. */
  readonly remotePort: number;
  /** Local address, or the path of the Unix socket. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly isUnix: boolean;
  readonly isTls: boolean;
  /** As Fields.memo: for `handlers/` alone. */
  memo: unknown;
}

/** Receives a request's body. Called synchronously, in order; `end` or `abort` comes last and once. */
export interface BodySink {
  /** `chunk` is the sink's to keep: nobody writes into it later. */
  chunk(bytes: Uint8Array): void;
  end(trailers: Fields): void;
  /** The body will not be completed: client left, broken framing, deadline, too large. The exchange is over or ending. */
  abort(): void;
}

/** The request body as the handler sees it: nothing flows until `read`. */
export interface RequestBody {
  /** Announces the reader. Sends `100 Continue` when the client waits for it. To be called at most once. */
  read(sink: BodySink): void;
  /** Back-pressure towards the client; resumed bodies continue at once or later. */
  pause(): void;
  resume(): void;
}

export interface ResponseHead {
  readonly status: number;
  /** "" for the standard phrase. */
  readonly reason: string;
  /** Content-Length, or -1 when unknown: then the front frames the body itself. */
  readonly contentLength: number;
  readonly hasServer: boolean;
  readonly hasDate: boolean;
  /** The response is the last one of its connection. */
  readonly close: boolean;
  /** Send each chunk at once; never hold bytes back. */
  readonly noBuffer: boolean;
}

/** Why an exchange ended other than by its response. First cause wins. */
export type AbortCause =
  | "client-left"
  | "deadline"
  | "response-stalled"
  | "app-aborted"
  | "front-stops"
  | "bad-request";

/** How the response is given. Out of order calls are our own bug and throw. */
export interface ResponseSink {
  /** An informational response (103); `block` as below. Ignored for HTTP/1.0 clients. */
  inform(status: number, block: Uint8Array): void;
  /**
   * The response head; once. `blockAndBody[from, blockEnd)` is a ready-made HTTP/1.1 header block (lines and the blank line),
   * `[blockEnd, end)` the first body bytes, possibly none. The bytes are not copied: they must not change later.
   */
  start(head: ResponseHead, bytes: Buffer, from: number, blockEnd: number, end: number): void;
  write(bytes: Uint8Array): void;
  /** The response is complete. With start+end in one turn, head and body leave in one write. */
  end(): void;
  /** Instead of write/end: the rest of the body is `length` bytes of the open file at `offset`; the sink closes the descriptor. */
  endWithFile(fd: number, offset: number, length: number): void;
  /** The response cannot be finished. Nothing sent yet → a 5xx page with `status`; else the connection breaks. */
  abort(cause: AbortCause, status: number, reason: string): void;
}

export interface ExchangeEvents {
  /** The client left, or the front gave the exchange up. Nothing may be sent any more. */
  onAbort(cause: AbortCause): void;
  /**
   * Response bytes that have left for the client since the last call (or will not be sent: HEAD). Drives credit. Only called
   * for responses that did not fit into one write.
   */
  onDrain(bytes: number): void;
  /**
   * The client closed its sending side after a whole request. It may still read the response, or may have left altogether:
   * TCP does not tell. The exchange goes on unless its handler ends it.
   */
  onHalfClose?(): void;
}

export interface Exchange {
  /** Unique within the front; for logs. */
  readonly id: number;
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly body: RequestBody;
  readonly response: ResponseSink;
  /** Set once by the handler that takes the exchange. */
  events: ExchangeEvents | undefined;
  /** For the access log: set by the handler. */
  readonly notes: ExchangeNotes;
  readonly startedAtMs: number;
}

/** What handlers tell the access log and the metrics. */
export interface ExchangeNotes {
  workerPid: number;
  /** Milliseconds waited for a worker; -1 when none was asked. */
  queueMs: number;
  /** Microseconds in the app until its response head; -1 when unknown. */
  appMicros: number;
  retries: number;
  /** The client's address after the trust rules, when it differs from the peer's. */
  clientAddress: string;
  /** As the app was told; "" before. */
  scheme: string;
}

/** Answers exchanges. Must not throw for anything a client sent. */
export interface Handler {
  handle(exchange: Exchange): void;
}
