// HTTP/1.1 of one client's connection, server's side, without I/O (RFC 9112). CONTRACT: to be implemented.
// (the declarations below are the agreed surface; bodies to come)

import type { RequestHead, ResponseHead } from "../http/exchange.ts";
import type { Fields } from "../http/fields.ts";
import type { MessageLimits } from "../http/limits.ts";

export type H1Event =
  | { readonly type: "request"; readonly head: RequestHead; readonly expectsContinue: boolean }
  | { readonly type: "body"; readonly bytes: Buffer }
  | { readonly type: "end"; readonly trailers: Fields }
  /** The peer broke the protocol: answer `status` (0: say nothing), then close. The side stays in state "error" for good. */
  | { readonly type: "error"; readonly code: string; readonly status: number; readonly message: string }
  /** The peer will send no more, and nothing is half received. */
  | { readonly type: "closed" };

export const NEED_DATA = "need-data" as const;
/** A whole request was received; the next is not looked at before `startNextCycle`. */
export const PAUSED = "paused" as const;

export declare class H1Protocol {
  constructor(limits: MessageLimits);
  /** Bytes from the client; stored without copy. Never throws. */
  receive(bytes: Buffer): void;
  receiveEof(): void;
  next(): H1Event | typeof NEED_DATA | typeof PAUSED;
  /** True when any byte of a further request was received (deadline: head), false when the connection is idle. */
  readonly hasPartialHead: boolean;
  /** `HTTP/1.1 100 Continue`; "" when it must not be sent any more or was sent. */
  continueLine(): string;
  informLines(status: number, block: Buffer): string;
  /**
   * Status line, Server, Date, Connection, Transfer-Encoding and the ready-made header block as one latin-1 string, and with
   * it all framing decisions (HEAD, 1xx, 204, 304, chunked, close-delimited for 1.0, keep-alive).
   */
  responseHead(
    head: ResponseHead,
    block: string,
    common: { readonly serverLine: string; readonly dateLine: string },
  ): string;
  /** True when body bytes are to be written as they are; false: chunked, use chunkHead/CHUNK_TAIL; bodyForbidden: drop them. */
  readonly bodyMode: "plain" | "chunked" | "none";
  /** Accounts for `length` body bytes and returns how many may be sent (never beyond Content-Length). */
  admitBody(length: number): number;
  /** Ends the response. `short` when fewer bytes than Content-Length were admitted: the connection must break. */
  endResponse(): "complete" | "short";
  /** After both sides of the exchange are complete: true when the connection may serve another request. */
  readonly canReuse: boolean;
  startNextCycle(): void;
  /** From now on every response carries `Connection: close`. */
  closeAfterResponse(): void;
}
