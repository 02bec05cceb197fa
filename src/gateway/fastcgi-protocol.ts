// FastCGI, server's side, without I/O: a responder that serves one request of a connection at a time.

import { assert } from "../base/assert.ts";
import type { ResponseHead } from "../http/exchange.ts";
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
import { FastcgiInput, type FastcgiOptions } from "./fastcgi-input.ts";
import { CONTENT_BYTES_MAX, responseEnd, stdoutHead, stdoutText } from "./fastcgi-record.ts";
import { ResponseLines } from "./response-lines.ts";

/** nginx keeps unused connections for a minute: the web server is to be the first to close. */
const IDLE_MS_MIN = 75_000;

export class FastcgiProtocol implements MessageProtocol, Aside {
  readonly chunkBytesMax: number = CONTENT_BYTES_MAX;
  readonly chunkTail: string = "";
  readonly awaitsContinue = false;
  readonly idleMsMin: number = IDLE_MS_MIN;

  readonly #input: FastcgiInput;
  readonly #lines: ResponseLines = new ResponseLines("Status:", "chunked");
  readonly #write: WriteSide = new WriteSide();
  #mustClose = false;

  constructor(options: FastcgiOptions) {
    this.#input = new FastcgiInput(options);
  }

  get aside(): Aside {
    return this;
  }

  receive(bytes: Buffer): void {
    this.#input.receive(bytes);
  }

  keepInput(): void {
    this.#input.own();
  }

  receiveEof(): void {
    this.#input.receiveEof();
  }

  next(): MessageEvent | typeof NEED_DATA | typeof PAUSED {
    const event = this.#input.next();
    if (event === NEED_DATA || event === PAUSED) return event;
    if (event.type === "error") this.#mustClose = true;
    if (event.type === "request" || event.type === "error") this.#write.owe();
    return event;
  }

  answers(): string {
    if (!this.#write.isDone) this.#input.lookBeside();
    return this.#input.takeAnswers();
  }

  get isAborted(): boolean {
    return this.#input.isAborted;
  }

  get bufferedBytes(): number {
    return this.#input.bufferedBytes;
  }

  get hasPartialHead(): boolean {
    return this.#input.hasPartialHead;
  }

  continueLine(): string {
    return "";
  }

  /** CGI knows one answer to a request. */
  informLines(): string {
    return "";
  }

  responseHead(head: ResponseHead, block: string, common: CommonLines): string {
    if (this.#write.isIdle) this.abandon();
    this.#write.begin();
    if (head.close) this.#mustClose = true;
    const { id } = this.#input;
    const lines = { method: this.#input.head?.method ?? "", extra: common.extraLines };
    const text = this.#lines.head(head, block, lines);
    if (id !== 0) return stdoutText(id, text);
    this.#lines.mode = "none"; // no request was begun that could be answered
    return "";
  }

  get bodyMode(): BodyMode {
    return this.#lines.mode;
  }

  get bodyBytes(): number {
    return this.#lines.bodyBytes;
  }

  chunkHead(length: number): string {
    return stdoutHead(this.#input.id, length);
  }

  responseTail(): string {
    return this.#input.id === 0 ? "" : responseEnd(this.#input.id);
  }

  endResponse(): void {
    this.#write.end();
  }

  discardBody(bytesMax: number): boolean {
    const isPossible = this.#input.discardBody(bytesMax);
    if (!isPossible) this.abandon();
    return isPossible;
  }

  abandon(): void {
    this.#mustClose = true;
    this.#input.abandon();
    this.#write.owe();
  }

  get canReuse(): boolean {
    const { state, keepsConnection, isAborted } = this.#input;
    const isOver = state === "done" && this.#write.isDone;
    return isOver && keepsConnection && !this.#mustClose && !isAborted;
  }

  get needsNoGoodbye(): boolean {
    return this.#input.state === "done" && !this.#input.keepsConnection;
  }

  startNextCycle(): void {
    assert(this.canReuse, "the next request may only be read after a complete exchange");
    this.#write.startNextCycle();
    this.#input.startNextCycle();
  }

  closeAfterResponse(): void {
    this.#mustClose = true;
  }

  upgrade(): Buffer {
    assert(false, "web servers' protocols change to no other");
  }
}
