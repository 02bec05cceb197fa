// Stands between a handler and the client, seen from both as the other: what changes responses (compression, fields, pages,
// disk) is made of this. It passes everything on; who extends it overrides what it changes.

import type { ErrorPage } from "../http/error-page.ts";
import type {
  AbortCause,
  Exchange,
  ExchangeEvents,
  ExchangeNotes,
  Peer,
  RequestBody,
  RequestHead,
  ResponseHead,
  ResponseSink,
  WebSocketOffer,
} from "../http/exchange.ts";
import type { RouteFacts } from "../http/route-facts.ts";

export class ResponseFilter implements Exchange, ResponseSink, ExchangeEvents {
  readonly id: number;
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly body: RequestBody;
  readonly notes: ExchangeNotes;
  readonly startedAtMs: number;
  readonly webSocket: WebSocketOffer | undefined;
  /** The handler's. */
  events: ExchangeEvents | undefined = undefined;
  /** The client's side. */
  protected readonly next: ResponseSink;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.id = exchange.id;
    this.head = exchange.head;
    this.peer = exchange.peer;
    this.body = exchange.body;
    this.notes = exchange.notes;
    this.startedAtMs = exchange.startedAtMs;
    this.webSocket = exchange.webSocket;
    this.next = exchange.response;
    exchange.events = this;
  }

  get response(): ResponseSink {
    return this;
  }

  get route(): RouteFacts | undefined {
    return this.#exchange.route;
  }

  set route(facts: RouteFacts | undefined) {
    this.#exchange.route = facts;
  }

  inform(status: number, block: Uint8Array): void {
    this.next.inform(status, block);
  }

  start(head: ResponseHead, bytes: Buffer, from: number, blockEnd: number, end: number): void {
    this.next.start(head, bytes, from, blockEnd, end);
  }

  write(bytes: Uint8Array): void {
    this.next.write(bytes);
  }

  end(trailers?: Uint8Array): void {
    this.next.end(trailers);
  }

  endWithFile(fd: number, offset: number, length: number): void {
    this.next.endWithFile(fd, offset, length);
  }

  abort(cause: AbortCause, status: number, reason: string): void {
    this.next.abort(cause, status, reason);
  }

  onAbort(cause: AbortCause): void {
    this.events?.onAbort(cause);
  }

  onDrain(bytes: number): void {
    this.events?.onDrain(bytes);
  }

  onHalfClose(): void {
    this.events?.onHalfClose?.();
  }

  errorPage(status: number, detail: string): ErrorPage | undefined {
    return this.events?.errorPage?.(status, detail);
  }
}
