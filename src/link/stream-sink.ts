// Who receives what a worker says on one stream. Called synchronously; `isEnd` means that nothing follows.

import type { Frame } from "../wire/frame.ts";
import type { WireFile, WireResponse } from "../wire/response-reader.ts";

/** A response head, of which `blockFrom` and `blockEnd` point into its frame's bytes. */
export type AnswerHead = WireResponse;
export type AnswerFrame = Frame;
export type AnswerFile = WireFile;

export interface StreamSink {
  onInform(status: number, block: Buffer): void;
  /**
   * The head, and `frame.bytes[head.blockEnd, frame.to)` as the first body bytes. The frame's bytes may be kept, the frame
   * object not.
   */
  onResponse(head: AnswerHead, frame: AnswerFrame, isEnd: boolean): void;
  onBody(bytes: Buffer, isEnd: boolean): void;
  /** The end of a response that is followed by fields: a header block. */
  onTrailers(block: Buffer): void;
  /** As `onResponse`, with a file as the body: answer by `Link.replyFile`. */
  onFile(head: AnswerHead, frame: AnswerFrame, file: AnswerFile): void;
  /** The worker takes so many more request body bytes. */
  onCredit(bytes: number): void;
  /** The app wants another time limit for this request: 0 for none. */
  onDeadline(limitMs: number): void;
  /** The end: the answer cannot be finished. */
  onAppAbort(reason: string): void;
  /** Only of a request that asks for a WebSocket. */
  readonly webSocket?: WebSocketSink;
}

/** What a worker says of a WebSocket. */
export interface WebSocketSink {
  /** `block`: header lines and a blank line for the 101 response. */
  onWebSocketAccept(subprotocol: string, block: Buffer): void;
  /** A message, or with `hasMore` a piece of one. */
  onWebSocketMessage(bytes: Buffer, isText: boolean, hasMore: boolean): void;
  onWebSocketClose(code: number, reason: Buffer): void;
}
