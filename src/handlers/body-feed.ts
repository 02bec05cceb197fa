// The request body of an ASGI request: passed on as it comes, within the credit that the worker gives as its app receives.

import type { BodySink, RequestBody } from "../http/exchange.ts";

/** What a link offers to a streamed body. */
export interface FeedTarget {
  /** Empty only at the end. `bytes` must not change later. */
  body(stream: number, bytes: Uint8Array, isEnd: boolean): void;
}

export interface FeedOptions {
  readonly stream: number;
  /** Bytes that may be sent at once; 0: the body is not even read before the worker asks for it. */
  readonly credit: number;
  /** The announced length, -1 when there is none. */
  readonly expected: number;
  /** The body will not come to its end. */
  readonly onAborted: () => void;
}

/**
 *   unread ──begin, first credit──► open ──the last byte──► over
 *      └─────────────────────────────┴──────stop, abort──────▲
 */
type FeedState = "unread" | "open" | "over";

const NOTHING: Uint8Array = new Uint8Array(0);

export class BodyFeed implements BodySink {
  readonly #source: RequestBody;
  readonly #target: FeedTarget;
  readonly #options: FeedOptions;
  #state: FeedState = "unread";
  #credit: number;
  #sentBytes = 0;
  /** What came beyond the credit: a piece or two of a client, who is paused then. */
  #waiting: Uint8Array[] = [];
  #hasEnd = false;
  #isPaused = false;

  constructor(source: RequestBody, target: FeedTarget, options: FeedOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#credit = options.credit;
  }

  /** The source was read, so the body cannot be sent again. */
  get isRead(): boolean {
    return this.#state !== "unread";
  }

  /** The worker has room for more than came. */
  get awaitsClient(): boolean {
    return this.#state === "open" && this.#credit > 0 && !this.#hasEnd;
  }

  /** Reads the source, unless the worker has to ask first. */
  begin(): void {
    if (this.#credit > 0) this.#read();
  }

  /** The worker takes so many more bytes. */
  grant(bytes: number): void {
    this.#credit += bytes;
    if (this.#state === "unread") this.#read();
    else this.#pump();
  }

  /** Nothing more is passed on; what the source still has goes nowhere. Harmless when repeated. */
  stop(): void {
    this.#state = "over";
    this.#waiting = [];
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#source.resume();
  }

  #read(): void {
    this.#state = "open";
    this.#source.read(this);
  }

  chunk(bytes: Uint8Array): void {
    if (this.#state !== "open" || bytes.length === 0) return;
    this.#waiting.push(bytes);
    this.#pump();
  }

  end(): void {
    if (this.#state !== "open") return;
    this.#hasEnd = true;
    this.#pump();
  }

  abort(): void {
    if (this.#state === "over") return;
    this.stop();
    this.#options.onAborted();
  }

  #pump(): void {
    while (this.#state === "open" && this.#credit > 0) {
      const piece = this.#waiting.shift();
      if (piece === undefined) break;
      if (piece.length > this.#credit) this.#waiting.unshift(piece.subarray(this.#credit));
      this.#send(piece.length > this.#credit ? piece.subarray(0, this.#credit) : piece);
    }
    if (this.#state !== "open") return;
    if (this.#waiting.length === 0 && this.#hasEnd) this.#send(NOTHING);
    else this.#throttle();
  }

  /** The last byte of a known length ends the body: the worker need not be woken twice. */
  #send(bytes: Uint8Array): void {
    this.#credit -= bytes.length;
    this.#sentBytes += bytes.length;
    const isEnd = bytes.length === 0 || this.#sentBytes === this.#options.expected;
    if (isEnd) this.stop();
    this.#target.body(this.#options.stream, bytes, isEnd);
  }

  #throttle(): void {
    const mustWait = this.#waiting.length > 0;
    if (mustWait === this.#isPaused) return;
    this.#isPaused = mustWait;
    if (mustWait) this.#source.pause();
    else this.#source.resume();
  }
}
