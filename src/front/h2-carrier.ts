// A stream of HTTP/2 as its exchange sees it: the request's body on its way to the handler, the response on its way to frames.

import { CANCEL, INTERNAL_ERROR } from "../h2/frames.ts";
import type { H2Protocol } from "../h2/protocol.ts";
import type { H2Request } from "../h2/request-reader.ts";
import type { H2Stream, StreamSink } from "../h2/stream.ts";
import type { AbortCause, BodySink, ExchangeEvents, Peer, ResponseHead } from "../http/exchange.ts";
import { type Fields, NO_FIELDS } from "../http/fields.ts";
import { isBodiless } from "../http/status.ts";
import { BodyFlow } from "./body-flow.ts";
import { ClientExchange, type ExchangeCarrier, type ResponseFraming } from "./client-exchange.ts";
import type { FrontContext } from "./context.ts";
import { Deadline, type DeadlineOwner } from "./deadlines.ts";
import type { ResponseBlocks } from "./h2-response.ts";
import { ownPage } from "./own-page.ts";

/** The connection as its streams' carriers see it. */
export interface H2Shell {
  readonly peer: Peer;
  readonly context: FrontContext;
  readonly protocol: H2Protocol;
  readonly blocks: ResponseBlocks;
  /** Frames may have to be written. */
  changed(): void;
  /** Bytes of a response were dropped: its exchange is to be told as if they had been sent. */
  owes(carrier: H2Carrier): void;
  /** The exchange is over. */
  finish(carrier: H2Carrier, cause: AbortCause | undefined): void;
}

export class H2Carrier implements ExchangeCarrier, ResponseFraming, StreamSink, DeadlineOwner {
  readonly exchange: ClientExchange;
  readonly stream: H2Stream;
  /** Of the response. */
  hasNoBody = false;
  bodyBytes: number = Number.POSITIVE_INFINITY;

  readonly #shell: H2Shell;
  readonly #isConnect: boolean;
  #awaitsContinue: boolean;
  #droppedBytes = 0;
  #flow: BodyFlow | undefined = undefined;
  #deadline: Deadline | undefined = undefined;
  /** Came before anybody read, or while the reader was paused. Bounded by the stream's window. */
  #heldBody: Buffer[] | undefined = undefined;
  #trailers: Fields = NO_FIELDS;

  constructor(shell: H2Shell, stream: H2Stream, request: H2Request) {
    this.#shell = shell;
    this.stream = stream;
    this.#awaitsContinue = request.expectsContinue;
    this.#isConnect = request.protocol !== "";
    this.exchange = new ClientExchange(this, request.head, shell.context.clock.nowMs());
  }

  get peer(): Peer {
    return this.#shell.peer;
  }

  get context(): FrontContext {
    return this.#shell.context;
  }

  get response(): ResponseFraming {
    return this;
  }

  // The request's body, for the exchange.

  get awaitsContinue(): boolean {
    return this.#awaitsContinue;
  }

  readBody(sink: BodySink): void {
    const { bodyLength } = this.exchange.head;
    if (bodyLength === 0 || (this.stream.isRemoteEnded && this.#heldBody === undefined)) {
      sink.end(this.#trailers);
      return;
    }
    this.#sayContinue();
    const { context } = this.#shell;
    this.#deadline = new Deadline(context.deadlines, this);
    this.#flow = new BodyFlow(context, this.#deadline);
    this.#flow.read(sink, bodyLength);
    this.#flowOn();
  }

  pauseBody(): void {
    this.#flow?.pause();
  }

  resumeBody(): void {
    if (this.#flow?.resume() === true) this.#flowOn();
  }

  #sayContinue(): void {
    if (!this.exchange.awaitsContinue || this.stream.isRemoteEnded) return;
    this.#awaitsContinue = false;
    this.#shell.protocol.inform(this.stream, this.#shell.blocks.inform(100, ""));
    this.#shell.changed();
  }

  /** What was held, and the end if it came. */
  #flowOn(): void {
    const flow = this.#flow;
    if (flow === undefined) return;
    const held = this.#heldBody ?? [];
    let taken = 0;
    while (taken < held.length && flow.canFlow) {
      const bytes = held[taken++] as Buffer; // below its length
      this.#shell.protocol.consumed(this.stream, bytes.length);
      flow.chunk(bytes);
    }
    this.#heldBody = taken < held.length ? held.slice(taken) : undefined;
    if (taken > 0) this.#shell.changed();
    if (this.#heldBody === undefined && this.stream.isRemoteEnded && flow.canFlow) this.#endBody();
  }

  #endBody(): void {
    this.#deadline?.disarm();
    this.#flow?.end(this.#trailers);
  }

  // For the protocol.

  onBody(lent: Buffer): void {
    this.#awaitsContinue = false;
    this.exchange.requestBytes += lent.length;
    const { bodyBytesMax } = this.#shell.context.config;
    if (bodyBytesMax > 0 && this.exchange.requestBytes > bodyBytesMax) {
      this.#fail("bad-request", 413, "The request body is longer than the limit.");
      return;
    }
    const bytes = Buffer.from(lent);
    if (this.#flow?.canFlow === true && this.#heldBody === undefined) {
      this.#shell.protocol.consumed(this.stream, bytes.length);
      this.#flow.chunk(bytes);
      return;
    }
    this.#heldBody ??= [];
    this.#heldBody.push(bytes);
  }

  onBodyEnd(trailers: Fields): void {
    this.#trailers = trailers;
    if (this.#heldBody !== undefined) return;
    if (this.#flow?.canFlow === true) this.#endBody();
    else this.#deadline?.disarm();
  }

  onFramed(): void {
    const bytes = this.stream.framedBytes + this.#droppedBytes;
    this.stream.framedBytes = 0;
    this.#droppedBytes = 0;
    if (bytes > 0) this.exchange.onSent(bytes);
  }

  onEnded(): void {
    // Who goes on with what nobody will get is told so.
    this.#shell.finish(this, this.exchange.isStreaming ? "app-aborted" : undefined);
  }

  onReset(cause: "client-left" | "bad-request"): void {
    this.#shell.finish(this, cause);
  }

  onDeadline(): void {
    this.#fail("deadline", 408, "The request body took too long.");
  }

  /** The request cannot be completed: the handler is told, the client gets a page if that is still possible. */
  #fail(cause: AbortCause, status: number, message: string): void {
    if (this.exchange.isStreaming) {
      this.#shell.protocol.reset(this.stream, CANCEL);
    } else if (this.exchange.isWaiting) {
      this.exchange.answerPage(status, message);
    }
    this.#shell.finish(this, cause);
    this.#shell.changed();
  }

  // The response, for the exchange.

  /** On HTTP/2 a response says nothing of the connection. */
  onResponseStart(): void {}

  inform(status: number, block: Buffer): void {
    const { protocol, blocks } = this.#shell;
    protocol.inform(this.stream, blocks.inform(status, block.toString("latin1")));
  }

  head(head: ResponseHead, block: string): void {
    if (this.#isConnect && head.status < 300) this.#refuseTunnel();
    else this.#respond(head, block);
  }

  /** RFC 8441 §5: a 2xx would mean that the WebSocket is open. What the handler says of its own is dropped. */
  #refuseTunnel(): void {
    this.exchange.responseBlock = "";
    this.exchange.answerPage(501, "No WebSocket is spoken here.");
    this.hasNoBody = true;
    this.#shell.changed();
  }

  #respond(head: ResponseHead, block: string): void {
    const { status, contentLength } = head;
    this.hasNoBody = isBodiless(this.exchange.head.method, status);
    if (contentLength >= 0) this.bodyBytes = contentLength;
    this.#shell.protocol.respond(this.stream, this.#shell.blocks.respond(head, block));
  }

  body(bytes: Buffer, from: number, to: number): void {
    this.#shell.protocol.write(this.stream, bytes, from, to);
  }

  share(): void {
    this.stream.isShared = true;
  }

  drop(bytes: number): void {
    if (this.#droppedBytes === 0) this.#shell.owes(this);
    this.#droppedBytes += bytes;
  }

  end(trailers: string): void {
    this.#shell.protocol.end(this.stream, this.#shell.blocks.trailers(trailers));
  }

  get pendingBytes(): number {
    return this.stream.pendingBytes;
  }

  onOutputAdded(): void {
    this.#shell.changed();
  }

  onResponseEnd(): void {
    this.#shell.changed();
  }

  sendPage(status: number, detail: string, events: ExchangeEvents | undefined): number {
    const { head, block, body } = ownPage(events ?? {}, status, detail);
    this.#respond(head, block);
    if (!this.hasNoBody) this.body(body, 0, body.length);
    this.#shell.protocol.end(this.stream, "");
    return this.hasNoBody ? 0 : body.length;
  }

  breakResponse(): void {
    const cause = this.exchange.abortCause ?? "app-aborted";
    this.#shell.protocol.reset(this.stream, cause === "client-left" ? CANCEL : INTERNAL_ERROR);
    this.#shell.finish(this, cause);
    this.#shell.changed();
  }

  // For the connection.

  /** What came of the request's body and was not read: for the WebSocket that the stream becomes. */
  takeHeldBody(): Buffer {
    const held = Buffer.concat(this.#heldBody ?? []);
    this.#heldBody = undefined;
    return held;
  }

  /** The end of the exchange, however it came. */
  finish(cause: AbortCause | undefined): void {
    this.stream.sink = undefined;
    this.#deadline?.release();
    this.#heldBody = undefined;
    this.exchange.finish(cause);
    this.#flow?.abort();
  }
}
