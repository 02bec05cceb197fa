// One request and its response, whatever the HTTP version: what a front hands to a handler.
// Everything here is synchronous; a handler keeps the exchange and answers when it can.

import type { ErrorPage } from "./error-page.ts";
import type { Fields } from "./fields.ts";
import type { RouteFacts } from "./route-facts.ts";

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
  /**
   * Of a request that a trusted web server brought over uwsgi, FastCGI or SCGI: the variables that it set beside the fields
   * (REMOTE_ADDR, REMOTE_USER, SCRIPT_NAME, HTTPS, its own), names and values one after the other. undefined over HTTP.
   */
  readonly variables: readonly string[] | undefined;
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
  /** undefined: plain text. */
  readonly tls: TlsFacts | undefined;
  /** Who is at the other end was told, by the PROXY protocol or a web server's variables: it is no socket's address. */
  readonly isTold?: boolean;
  /** The listener's name, for routes; "" when it has none. */
  readonly listener: string;
  /** As Fields.memo: for `handlers/` alone. */
  memo: unknown;
}

/** What a client and this server agreed upon. Certificates are PEM; "" where there is none. */
export interface TlsFacts {
  /** As OpenSSL names it: `TLSv1.3`. */
  readonly version: string;
  /** The IANA name: `TLS_AES_128_GCM_SHA256`. */
  readonly cipher: string;
  /** The name that the client asked for (SNI), in lower case; "" for none. */
  readonly serverName: string;
  readonly serverCertificate: string;
  readonly client: ClientCertificate | undefined;
}

export interface ClientCertificate {
  /** PEM, the client's own first. */
  readonly chain: readonly string[];
  /** RFC 4514. */
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal, upper case. */
  readonly serial: string;
  /** "" when it was verified, else OpenSSL's reason. */
  readonly error: string;
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
  /** The client sends nothing of the body before `read` (RFC 9110 §10.1.1, `Expect: 100-continue`). */
  readonly awaitsContinue: boolean;
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
  /** The response is the last one of its connection. On HTTP/2, where others share the connection, it says nothing. */
  readonly close: boolean;
  /** Send each chunk at once; never hold bytes back. */
  readonly noBuffer: boolean;
  /** What comes with the head is the whole body and a cache's: that it waits for a client costs no memory. */
  readonly isShared?: boolean;
}

/** Why an exchange ended other than by its response. First cause wins. */
export type AbortCause =
  | "client-left"
  | "deadline"
  | "response-stalled"
  | "memory-short"
  | "app-aborted"
  | "front-stops"
  | "bad-request";

/** How the response is given. Out of order calls are our own bug and throw. */
export interface ResponseSink {
  /** An informational response (103); `block` as below. Ignored for HTTP/1.0 clients. */
  inform(status: number, block: Uint8Array): void;
  /**
   * The response head; once. `blockAndBody[from, blockEnd)` is a ready-made HTTP/1.1 header block (lines and the blank line),
   * `[blockEnd, end)` the first body bytes, possibly none. The bytes are not copied but given away: whoever gave them neither
   * changes nor reads them later (base/piece-pool.ts may hand their memory out again).
   */
  start(head: ResponseHead, bytes: Buffer, from: number, blockEnd: number, end: number): void;
  /** `bytes` are given away, as above. */
  write(bytes: Uint8Array): void;
  /**
   * The response is complete. With start+end in one turn, head and body leave in one write. `trailers` is a header block as
   * above, for what follows the body; dropped where the client did not ask for such, or cannot take it.
   */
  end(trailers?: Uint8Array): void;
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
  /**
   * The server is about to answer with an error page of its own (an `abort` before the response's start, a body that is too large
   * or too slow): what to send in its place. undefined: the plain page, which tells `detail`.
   */
  errorPage?(status: number, detail: string): ErrorPage | undefined;
}

export interface Exchange {
  /** Unique within the front; for logs. */
  readonly id: number;
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly body: RequestBody;
  readonly response: ResponseSink;
  /** Set when the client asks for a WebSocket. */
  readonly webSocket: WebSocketOffer | undefined;
  /** Set once by the handler that takes the exchange. */
  events: ExchangeEvents | undefined;
  /** For the access log: set by the handler. */
  readonly notes: ExchangeNotes;
  readonly startedAtMs: number;
  /** What the route that took the exchange says of it; undefined before, and where it says nothing. */
  route: RouteFacts | undefined;
}

/**
 * A client's wish to speak WebSocket, whatever carries it (RFC 6455 on HTTP/1.1, RFC 8441 on HTTP/2). A handler that has no use
 * for it answers the exchange as any other.
 */
export interface WebSocketOffer {
  /** In the client's order; only tokens, each once. Empty before `admit`. */
  readonly subprotocols: readonly string[];
  /**
   * Looks at the handshake. False: it is faulty, or its origin is not allowed, and the exchange was answered (400, 403, 426).
   * To be called first.
   */
  admit(): boolean;
  /**
   * Says yes, in place of a response: the exchange is over, and `events` are told of what follows. `subprotocol` is "" for none;
   * `block` is header lines and a blank line. Undefined when the client left meanwhile.
   */
  accept(subprotocol: string, block: Buffer, events: WebSocketEvents): WebSocketChannel | undefined;
}

/** The client's end of a WebSocket, as its handler sees it. After the end all calls are ignored. */
export interface WebSocketChannel {
  /** A message, or with `hasMore` a piece of one, which leaves at once as a fragment. Text is UTF-8. `bytes` must not change later. */
  send(bytes: Buffer, isText: boolean, hasMore: boolean): void;
  /** Bytes that wait for the client to take them. */
  readonly unsentBytes: number;
  /** Back-pressure towards the client. */
  pause(): void;
  resume(): void;
  /** The closing handshake; `onClose` follows in bounded time. `reason`: UTF-8, cut to what a close frame can hold. */
  close(code: number, reason: Buffer): void;
  /** Closes with 1012 at a random moment within so many milliseconds, so that not all clients come back at once. */
  closeForRestart(withinMs: number): void;
}

export interface WebSocketEvents {
  /** A whole message; text was checked to be UTF-8. `bytes` is the receiver's to keep. */
  onMessage(bytes: Buffer, isText: boolean): void;
  /** Bytes left for the client. */
  onDrain(): void;
  /**
   * The end, once and last. The client's code and reason (1005 when it gave none), 1006 when the connection broke, 1012 when this
   * server stops or the handler's `closeForRestart` took effect.
   */
  onClose(code: number, reason: Buffer): void;
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
  /** As ExchangeEvents.errorPage, for a request that cannot become an exchange. Asked of the front's own handler only. */
  errorPage?(status: number, detail: string): ErrorPage | undefined;
}
