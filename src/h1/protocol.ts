// HTTP/1.1 of one client's connection, server's side, without I/O (RFC 9112): bytes in, events and response heads out.
// A client's fault is an event, and then this side never reads again. Calls out of order are our own bug and throw.

import { AssertionError, assert, unreachable } from "../base/assert.ts";
import { InputBuffer } from "../base/input-buffer.ts";
import type { RequestHead, ResponseHead } from "../http/exchange.ts";
import { NO_FIELDS } from "../http/fields.ts";
import type { MessageLimits } from "../http/limits.ts";
import {
  type Aside,
  type BodyMode,
  type CommonLines,
  type MessageEvent,
  type MessageProtocol,
  NEED_DATA,
  PAUSED,
} from "../http/message-protocol.ts";
import { WriteSide } from "../http/write-side.ts";
import { BodyReader } from "./body-reader.ts";
import { FAULTY, faultMessage, faultStatus, type H1Fault } from "./fault.ts";
import { HeadReader } from "./head-reader.ts";
import { at, CR, LF } from "./octet.ts";
import { informLines, ResponseWriter } from "./response-writer.ts";
import { isFinal, READ_TRANSITIONS, type ReadState } from "./state.ts";

/** The end of a chunked body, which a trailer section follows: lines and a blank line (RFC 9112 §7.1). */
const LAST_CHUNK = "0\r\n";
const END: MessageEvent = { type: "end", trailers: NO_FIELDS };
const CLOSED: MessageEvent = { type: "closed" };
const CONTINUE_LINE = "HTTP/1.1 100 Continue\r\n\r\n";

export class H1Protocol implements MessageProtocol {
  readonly chunkBytesMax: number = Number.POSITIVE_INFINITY;
  readonly chunkTail: string = "\r\n";
  readonly idleMsMin = 0;
  /** A client may send its next request already. */
  readonly needsNoGoodbye = false;
  /** A client that pipelines waits for its turn. */
  readonly aside: Aside | undefined = undefined;
  readonly #input: InputBuffer = new InputBuffer();
  readonly #reader: HeadReader;
  readonly #body: BodyReader;
  readonly #writer: ResponseWriter = new ResponseWriter();
  readonly #write: WriteSide = new WriteSide();
  #read: ReadState = "head";
  #head: RequestHead | undefined = undefined;
  #awaitsContinue = false;
  #hasSkippedEmptyLine = false;
  #hasEof = false;
  #mustClose = false;
  /** Of a request that has no head because it was faulty. */
  #faultyMethod = "";

  constructor(limits: MessageLimits) {
    this.#reader = new HeadReader(limits);
    this.#body = new BodyReader(limits);
  }

  /** Bytes from the client; stored without a copy unless some are waiting already. Never throws. */
  receive(bytes: Buffer): void {
    if (!isFinal(this.#read)) this.#input.append(bytes);
  }

  /** The bytes given to `receive` are about to change: what was not used up yet is copied. */
  keepInput(): void {
    this.#input.own();
  }

  /** The client sends no more. It may still read. */
  receiveEof(): void {
    this.#hasEof = true;
  }

  next(): MessageEvent | typeof NEED_DATA | typeof PAUSED {
    switch (this.#read) {
      case "head":
        return this.#nextInHead();
      case "body":
        return this.#nextInBody();
      default:
        return PAUSED;
    }
  }

  /** Bytes received and not looked at yet (pipelining): pause the socket when they become many. */
  get bufferedBytes(): number {
    return this.#input.length;
  }

  /** True when any byte of a further request was received (deadline: head), false when the connection is idle. */
  get hasPartialHead(): boolean {
    return this.#read === "head" && this.#input.length > 0;
  }

  /** True when the current request was received to its end. */
  get isRequestComplete(): boolean {
    return this.#read === "done" || (this.#read === "body" && this.#body.isAtEnd);
  }

  /** The client sends its body only when it has been asked to. */
  get awaitsContinue(): boolean {
    return this.#awaitsContinue && this.#write.isOwed && this.#input.length === 0;
  }

  /** To be sent when the body is wanted; "" when it was sent, or is not waited for any more. */
  continueLine(): string {
    if (!this.awaitsContinue) return "";
    this.#awaitsContinue = false;
    return CONTINUE_LINE;
  }

  /** An informational response; "" for HTTP/1.0 clients and when the response has begun. `block` ends in a blank line. */
  informLines(status: number, block: Buffer): string {
    const mayInform = this.#write.isOwed && this.#head?.version === "1.1";
    return mayInform ? informLines(status, block.toString("latin1")) : "";
  }

  /**
   * Status line, Server, Date, Connection, Transfer-Encoding and the ready-made header block as one latin-1 string, and with
   * it all framing decisions (HEAD, 204, 304, chunked, close-delimited for 1.0, keep-alive). Without a request to answer it is
   * a refusal (408): nothing more is read.
   */
  responseHead(head: ResponseHead, block: string, common: CommonLines): string {
    assert(head.status >= 200, "responseHead is for final responses");
    if (this.#write.isIdle) this.abandon();
    this.#write.begin();
    const request = this.#head;
    return this.#writer.head(head, block, common, {
      method: request?.method ?? this.#faultyMethod,
      version: request?.version ?? "1.0",
      isPersistent: this.#mayPersist(),
    });
  }

  /** Body bytes are written as they are, in chunks (RFC 9112 §7.1), or dropped. */
  get bodyMode(): BodyMode {
    return this.#writer.mode;
  }

  get bodyBytes(): number {
    return this.#writer.bodyBytes;
  }

  chunkHead(length: number): string {
    return `${length.toString(16)}\r\n`;
  }

  responseTail(trailers: string): string {
    if (this.#writer.mode !== "chunked") return "";
    return trailers === "" ? `${LAST_CHUNK}\r\n` : LAST_CHUNK + trailers;
  }

  endResponse(): void {
    this.#write.end();
  }

  /**
   * The rest of the request body is not wanted: from now on `next` drops it. False when the connection cannot be used again,
   * because more than `bytesMax` are to come, or because the client may or may not send what it was not asked for (RFC 9110
   * §10.1.1). To be called before `responseHead`, so that the response can tell.
   */
  discardBody(bytesMax: number): boolean {
    if (this.#read !== "body" || this.#body.isAtEnd) return this.isRequestComplete;
    const isUnsent = this.#awaitsContinue && this.#input.length === 0;
    if (!this.#body.discard(bytesMax) || isUnsent) this.abandon();
    return this.#read === "body";
  }

  /** Nothing more is read, and the connection ends: a deadline passed, the server refuses. A response may still be given. */
  abandon(): void {
    this.#mustClose = true;
    if (this.#read === "head" || this.#read === "body") this.#enterRead("abandoned");
    this.#write.owe();
    this.#input.clear();
  }

  /** After both sides of the exchange are complete: true when the connection may serve another request. */
  get canReuse(): boolean {
    return this.#read === "done" && this.#write.isDone && this.#writer.isPersistent && !this.#mustClose;
  }

  startNextCycle(): void {
    assert(this.canReuse, "the next request may only be read after a complete exchange");
    this.#enterRead("head");
    this.#write.startNextCycle();
    this.#head = undefined;
    this.#awaitsContinue = false;
    this.#hasSkippedEmptyLine = false;
  }

  /** From now on every response carries `Connection: close`. */
  closeAfterResponse(): void {
    this.#mustClose = true;
  }

  /**
   * The connection changes to another protocol: hands out what was received beyond the request. The new owner writes the 101
   * itself; nothing is read or written here any more.
   */
  upgrade(): Buffer {
    assert(this.isRequestComplete, "an upgrade comes behind a whole request");
    this.#write.giveUp();
    this.#enterRead("upgraded");
    this.#mustClose = true;
    return this.#input.takeAll();
  }

  #enterRead(state: ReadState): void {
    if (!READ_TRANSITIONS[this.#read].includes(state)) refuseTransition(this.#read, state);
    this.#read = state;
  }

  #nextInHead(): MessageEvent | typeof NEED_DATA {
    const input = this.#input;
    if (input.length === 0) return this.#hasEof ? this.#close() : NEED_DATA;
    if (at(input.bytes, input.start) === CR && !this.#hasSkippedEmptyLine) return this.#skipEmptyLine();
    const end = this.#reader.read(input.bytes, input.start, input.end);
    if (end >= 0) return this.#startRequest(end);
    if (end === FAULTY) return this.#fail(this.#reader.fault);
    return this.#starve();
  }

  /** RFC 9112 §2.2: one empty line before the request line is ignored. */
  #skipEmptyLine(): MessageEvent | typeof NEED_DATA {
    const input = this.#input;
    if (input.length === 1) return this.#starve();
    if (at(input.bytes, input.start + 1) !== LF) return this.#fail("ERR_H1_LINE_END");
    this.#hasSkippedEmptyLine = true;
    input.consumeTo(input.start + 2);
    return this.#nextInHead();
  }

  #startRequest(end: number): MessageEvent {
    const reader = this.#reader;
    const head = reader.head as RequestHead; // read with a whole head
    this.#input.consumeTo(end);
    this.#head = head;
    this.#awaitsContinue = reader.expectsContinue;
    this.#write.owe();
    this.#enterRead("body");
    this.#body.start(head.bodyLength);
    return { type: "request", head, expectsContinue: reader.expectsContinue, upgrade: reader.upgrade };
  }

  #nextInBody(): MessageEvent | typeof NEED_DATA | typeof PAUSED {
    const piece = this.#body.next(this.#input);
    if (piece instanceof Uint8Array) {
      this.#awaitsContinue = false;
      return { type: "body", bytes: piece };
    }
    switch (piece) {
      case "end":
        return this.#endBody();
      case "need-data":
        return this.#starve();
      case "fault":
        return this.#fail(this.#body.fault);
      case "too-much":
        this.abandon();
        return PAUSED;
      default:
        return unreachable(piece);
    }
  }

  #endBody(): MessageEvent {
    this.#enterRead("done");
    this.#awaitsContinue = false;
    const { trailers } = this.#body;
    return trailers === NO_FIELDS ? END : { type: "end", trailers };
  }

  /** Nothing to go on with: more will come, unless the client closed in the middle. */
  #starve(): MessageEvent | typeof NEED_DATA {
    return this.#hasEof ? this.#fail("ERR_H1_UNEXPECTED_EOF") : NEED_DATA;
  }

  #close(): MessageEvent {
    this.#enterRead("closed");
    return CLOSED;
  }

  #fail(fault: H1Fault): MessageEvent {
    const requestLine = this.#requestLine();
    this.#faultyMethod = requestLine.startsWith("HEAD ") ? "HEAD" : "";
    this.#enterRead("error");
    this.#write.owe();
    this.#mustClose = true;
    this.#input.clear();
    return {
      type: "error",
      code: fault,
      status: faultStatus(fault),
      message: faultMessage(fault),
      requestLine,
    };
  }

  #requestLine(): string {
    const head = this.#head;
    if (head !== undefined) return `${head.method} ${head.target} HTTP/${head.version}`;
    return this.#reader.requestLine(this.#input.bytes, this.#input.start, this.#input.end);
  }

  /** As far as is known when the response begins. A request still being received does not matter yet. */
  #mayPersist(): boolean {
    if (this.#head === undefined || this.#mustClose || !this.#reader.isPersistent) return false;
    const isDry = this.#input.length === 0;
    return !(isDry && (this.#hasEof || (this.#read === "body" && this.#awaitsContinue)));
  }
}

/** Apart from the check, so that the claim is only put together when it is needed. */
function refuseTransition(from: string, to: string): never {
  throw new AssertionError(`no way from ${from} to ${to}`);
}
