// A protocol on which requests come one after another, each answered before the next, without I/O: what a front's connection
// knows of HTTP/1.1 (h1/) and of what web servers speak to applications (gateway/).
// A peer's fault is an event, and then this side never reads again. Calls out of order are our own bug and throw.

import type { ErrorCode } from "../base/errors.ts";
import type { RequestHead, ResponseHead } from "./exchange.ts";
import type { Fields } from "./fields.ts";

export interface RequestEvent {
  readonly type: "request";
  readonly head: RequestHead;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** The protocols the client would switch to, lower-case ("websocket"); "" when it does not ask. */
  readonly upgrade: string;
}

/** The peer broke the protocol: answer `status`, then close. The side stays in state "error" for good. */
export interface ErrorEvent {
  readonly type: "error";
  readonly code: ErrorCode;
  readonly status: number;
  readonly message: string;
  /** For the log: the request line as received, up to the fault; may hold any latin-1 character. */
  readonly requestLine: string;
}

export type MessageEvent =
  | RequestEvent
  /** `bytes` is the receiver's to keep: nobody writes into it later. */
  | { readonly type: "body"; readonly bytes: Buffer }
  | { readonly type: "end"; readonly trailers: Fields }
  | ErrorEvent
  /** The peer will send no more, and nothing is half received. */
  | { readonly type: "closed" };

export const NEED_DATA = "need-data" as const;
/** Nothing is looked at before `startNextCycle`, or ever again after an error, `closed` and `upgrade`. */
export const PAUSED = "paused" as const;

/** Header lines of the server's own, each with CRLF; "" for none. */
export interface CommonLines {
  /** For responses that have no Server field of their own. */
  readonly serverLine: string;
  /** For responses that have no Date field of their own. */
  readonly dateLine: string;
  /** For every response. */
  readonly extraLines: string;
}

/** How the body goes out: as it is, in chunks with something around each, or not at all. */
export type BodyMode = "plain" | "chunked" | "none";

export interface MessageProtocol {
  /** Bytes from the client; stored without a copy unless some are waiting already. Never throws. */
  receive(bytes: Buffer): void;
  /** The bytes given to `receive` are about to change: what was not used up yet is copied. */
  keepInput(): void;
  /** The client sends no more. It may still read. */
  receiveEof(): void;
  next(): MessageEvent | typeof NEED_DATA | typeof PAUSED;
  /** Bytes received and not looked at yet: pause the socket when they become many. */
  readonly bufferedBytes: number;
  /** True when any byte of a further request was received (deadline: head), false when the connection is idle. */
  readonly hasPartialHead: boolean;
  /** The client sends its body only when it has been asked to. */
  readonly awaitsContinue: boolean;
  /** To be sent when the body is wanted; "" when it was sent, or is not waited for any more. */
  continueLine(): string;
  /** An informational response; "" where the client cannot take it. `block` ends in a blank line. */
  informLines(status: number, block: Buffer): string;
  /** Everything up to the body. Without a request to answer it is a refusal: nothing more is read. */
  responseHead(head: ResponseHead, block: string, common: CommonLines): string;
  readonly bodyMode: BodyMode;
  /** How long the body is that may follow; Infinity when only its end will tell. It is the caller's to count. */
  readonly bodyBytes: number;
  /** A chunk holds no more. */
  readonly chunkBytesMax: number;
  /** What precedes a chunk of `length` bytes, never 0, in mode "chunked", and what follows it. */
  chunkHead(length: number): string;
  readonly chunkTail: string;
  /** What follows the whole response. `trailers` is a header block, "" for none. */
  responseTail(trailers: string): string;
  /** To be called when the body is as long as was said: else the connection must break. */
  endResponse(): void;
  /** The rest of the request body is not wanted. False when the connection cannot be used again because of it. */
  discardBody(bytesMax: number): boolean;
  /** Nothing more is read, and the connection ends: a deadline passed, the server refuses. A response may still be given. */
  abandon(): void;
  /** After both sides of the exchange are complete: true when the connection may serve another request. */
  readonly canReuse: boolean;
  /** The peer has said all that it may on this connection: it need not be waited for. */
  readonly needsNoGoodbye: boolean;
  startNextCycle(): void;
  /** For so long the peer may count on an unused connection, whatever --keep-alive says; milliseconds. */
  readonly idleMsMin: number;
  /** From now on every response is the last one of the connection. */
  closeAfterResponse(): void;
  /** The connection changes to another protocol: hands out what was received beyond the request. */
  upgrade(): Buffer;
  /**
   * Looks at what a peer may send while its request is answered, which `next` is not asked for then. Undefined where there is
   * no such thing.
   */
  readonly aside: Aside | undefined;
}

export interface Aside {
  /** What is to be sent at once, between two pieces of the response; "" for nothing. */
  answers(): string;
  /** The peer does not want the response any more. */
  readonly isAborted: boolean;
}
