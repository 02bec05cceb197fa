// One request and its response on a stream of HTTP/2: the object that handlers hold, with the same four faces as H1Exchange.
//
//   waiting ──start──► streaming ──end──► ended ──(sent)──► over
//      │ abort: a page ──────────────────► ended
//      └─── client left, deadline, faulty body ────────────► over
//
// A handler may keep the exchange after it is over; whatever it then calls is ignored.

import { assert } from "../base/assert.ts";
import { CANCEL, INTERNAL_ERROR } from "../h2/frames.ts";
import type { H2Protocol } from "../h2/protocol.ts";
import type { H2Request } from "../h2/request-reader.ts";
import type { H2Stream, StreamSink } from "../h2/stream.ts";
import { type ErrorPage, errorPage } from "../http/error-page.ts";
import type {
  AbortCause,
  BodySink,
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
import { type Fields, NO_FIELDS } from "../http/fields.ts";
import { ownHead } from "../http/own-response.ts";
import type { RouteFacts } from "../http/route-facts.ts";
import { isBodiless } from "../http/status.ts";
import type { UpgradedRequest } from "./access.ts";
import { asBuffer } from "./as-buffer.ts";
import { BodyFlow } from "./body-flow.ts";
import type { FrontContext } from "./context.ts";
import { Deadline, type DeadlineOwner } from "./deadlines.ts";
import { closeFile, FILE_AHEAD_BYTES, FileSender, type FileSenderOwner } from "./file-sender.ts";
import type { ResponseBlocks } from "./h2-response.ts";

/** The connection as its exchanges see it. */
export interface H2Shell {
  readonly peer: Peer;
  readonly context: FrontContext;
  readonly protocol: H2Protocol;
  readonly blocks: ResponseBlocks;
  /** Frames may have to be written. */
  changed(): void;
  /** Bytes of a response were dropped: the exchange is to be told as if they had been sent. */
  owes(exchange: H2Exchange): void;
  /** The exchange is over. */
  finish(exchange: H2Exchange, cause: AbortCause | undefined): void;
}

export class H2Exchange
  implements Exchange, RequestBody, ResponseSink, ExchangeNotes, FileSenderOwner, StreamSink, DeadlineOwner
{
  readonly id: number;
  readonly head: RequestHead;
  readonly startedAtMs: number;
  readonly stream: H2Stream;
  webSocket: WebSocketOffer | undefined = undefined;
  events: ExchangeEvents | undefined = undefined;
  route: RouteFacts | undefined = undefined;

  workerPid = 0;
  queueMs = -1;
  appMicros = -1;
  retries = 0;
  clientAddress = "";
  scheme = "";

  /** For the access log. */
  status = 0;
  bodyBytes = 0;
  requestBytes = 0;
  responseBlock = "";
  abortCause: AbortCause | undefined = undefined;

  readonly #shell: H2Shell;
  readonly #isConnect: boolean;
  #awaitsContinue: boolean;
  #state: "waiting" | "streaming" | "ended" | "over" = "waiting";
  /** Of the response's body, as far as it was promised; Infinity when its length is not known. */
  #bytesLeft = Number.POSITIVE_INFINITY;
  #hasNoBody = false;
  #droppedBytes = 0;
  #file: FileSender | undefined = undefined;
  #flow: BodyFlow | undefined = undefined;
  #deadline: Deadline | undefined = undefined;
  /** Came before anybody read, or while the reader was paused. Bounded by the stream's window. */
  #heldBody: Buffer[] | undefined = undefined;
  #trailers: Fields = NO_FIELDS;

  constructor(shell: H2Shell, stream: H2Stream, request: H2Request) {
    this.#shell = shell;
    this.id = shell.context.nextExchangeId();
    this.head = request.head;
    this.startedAtMs = shell.context.clock.nowMs();
    this.stream = stream;
    this.#awaitsContinue = request.expectsContinue;
    this.#isConnect = request.protocol !== "";
  }

  get peer(): Peer {
    return this.#shell.peer;
  }

  get body(): RequestBody {
    return this;
  }

  get response(): ResponseSink {
    return this;
  }

  get notes(): ExchangeNotes {
    return this;
  }

  /** Nothing was answered yet, and the client is there. */
  get isWaiting(): boolean {
    return this.#state === "waiting";
  }

  // The request's body.

  get awaitsContinue(): boolean {
    return this.#state === "waiting" && this.#awaitsContinue;
  }

  read(sink: BodySink): void {
    if (this.#state === "over") {
      sink.abort();
      return;
    }
    if (this.head.bodyLength === 0 || (this.stream.isRemoteEnded && this.#heldBody === undefined)) {
      sink.end(this.#trailers);
      return;
    }
    this.#sayContinue();
    const { context } = this.#shell;
    this.#deadline = new Deadline(context.deadlines, this);
    this.#flow = new BodyFlow(context, this.#deadline);
    this.#flow.read(sink, this.head.bodyLength);
    this.#flowOn();
  }

  pause(): void {
    this.#flow?.pause();
  }

  resume(): void {
    if (this.#state !== "over" && this.#flow?.resume() === true) this.#flowOn();
  }

  #sayContinue(): void {
    if (!this.awaitsContinue || this.stream.isRemoteEnded) return;
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
    this.requestBytes += lent.length;
    const { bodyBytesMax } = this.#shell.context.config;
    if (bodyBytesMax > 0 && this.requestBytes > bodyBytesMax) {
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

  onEnded(): void {
    // Who goes on with what nobody will get is told so.
    this.#shell.finish(this, this.#state === "streaming" ? "app-aborted" : undefined);
  }

  onReset(cause: "client-left" | "bad-request"): void {
    this.#shell.finish(this, cause);
  }

  onDeadline(): void {
    this.#fail("deadline", 408, "The request body took too long.");
  }

  /** The request cannot be completed: the handler is told, the client gets a page if that is still possible. */
  #fail(cause: AbortCause, status: number, message: string): void {
    if (this.#state === "streaming") {
      this.#shell.protocol.reset(this.stream, CANCEL);
    } else if (this.#state === "waiting") {
      this.#sendPage(status, message);
    }
    this.#shell.finish(this, cause);
    this.#shell.changed();
  }

  // The response.

  inform(status: number, block: Uint8Array): void {
    if (this.#state === "over") return;
    assert(this.#state === "waiting", "an informational response comes before the final one");
    const lines = asBuffer(block).toString("latin1");
    this.#shell.protocol.inform(this.stream, this.#shell.blocks.inform(status, lines));
    this.#shell.changed();
  }

  start(head: ResponseHead, bytes: Buffer, from: number, blockEnd: number, end: number): void {
    if (this.#state === "over") return;
    assert(this.#state === "waiting", "a response starts once");
    this.#state = "streaming";
    if (this.#isConnect && head.status < 300) {
      this.#refuseTunnel();
      return;
    }
    const block = bytes.toString("latin1", from, blockEnd);
    if (this.#shell.context.accessLog !== undefined) this.responseBlock = block;
    this.#respond(head, block);
    if (end > blockEnd) this.#add(bytes, blockEnd, end);
    this.#shell.changed();
  }

  /** RFC 8441 §5: a 2xx would mean that the WebSocket is open. What the handler says of its own is dropped. */
  #refuseTunnel(): void {
    this.#sendPage(501, "No WebSocket is spoken here.");
    this.#hasNoBody = true;
    this.#bytesLeft = Number.POSITIVE_INFINITY;
    this.#shell.changed();
  }

  #respond(head: ResponseHead, block: string): void {
    const { status } = head;
    this.status = status;
    this.#hasNoBody = isBodiless(this.head.method, status);
    if (head.contentLength >= 0) this.#bytesLeft = head.contentLength;
    this.#shell.protocol.respond(this.stream, this.#shell.blocks.respond(head, block));
  }

  write(bytes: Uint8Array): void {
    if (this.#state === "over" || bytes.length === 0) return;
    assert(
      this.#state === "streaming" && this.#file === undefined,
      "a body follows its head and precedes its end",
    );
    this.#add(asBuffer(bytes), 0, bytes.length);
    this.#shell.changed();
  }

  end(trailers?: Uint8Array): void {
    if (this.#state === "over") return;
    assert(this.#state === "streaming" && this.#file === undefined, "a response ends once, after its head");
    this.#complete(trailers);
  }

  endWithFile(fd: number, offset: number, length: number): void {
    if (this.#state === "over") {
      closeFile(fd);
      return;
    }
    assert(this.#state === "streaming" && this.#file === undefined, "a file follows a response head");
    if (this.#hasNoBody) {
      closeFile(fd);
      this.#complete();
      return;
    }
    this.#file = new FileSender(fd, { offset, length }, this);
    this.#file.pump();
  }

  abort(cause: AbortCause, status: number, reason: string): void {
    if (this.#state === "over" || this.#state === "ended") return;
    this.abortCause ??= cause;
    const isStarted = this.#state === "streaming";
    if (isStarted || cause === "client-left") {
      this.#state = "ended"; // so that the handler is not told of what it said itself
      this.#shell.protocol.reset(this.stream, cause === "client-left" ? CANCEL : INTERNAL_ERROR);
      this.#shell.finish(this, cause);
    } else {
      this.#sendPage(status, reason);
      this.#state = "ended";
    }
    this.#shell.changed();
  }

  #sendPage(status: number, reason: string): void {
    const page: ErrorPage = this.events?.errorPage?.(status, reason) ?? errorPage(status, { detail: reason });
    const hasServer = /^server:/im.test(page.block);
    this.#respond({ ...ownHead(status, page.body.length), hasServer }, page.block);
    const body = Buffer.from(page.body, "latin1");
    this.#add(body, 0, body.length);
    this.#shell.protocol.end(this.stream, "");
  }

  // For the file sender.

  onFilePiece(bytes: Buffer): void {
    this.#add(bytes, 0, bytes.length);
    this.#shell.changed();
  }

  onFileEnd(): void {
    this.#file = undefined;
    this.#complete();
  }

  onFileError(message: string): void {
    const { context } = this.#shell;
    context.log.error("file response broken", { request: this.id, target: this.head.target, message });
    this.#break();
  }

  // For the connection.

  /** Some of the body became frames: tells the handler, or reads on in the file. */
  onFramed(): void {
    const bytes = this.stream.framedBytes + this.#droppedBytes;
    this.stream.framedBytes = 0;
    this.#droppedBytes = 0;
    if (this.#state !== "streaming" || bytes === 0) return;
    if (this.#file !== undefined) {
      if (this.stream.pendingBytes < FILE_AHEAD_BYTES) this.#file.pump();
      return;
    }
    this.events?.onDrain(bytes);
  }

  /** What outlives this exchange when its stream becomes a WebSocket, and what came for that already. */
  upgrade(responseBlock: string): { readonly request: UpgradedRequest; readonly received: Buffer } {
    const { id, head, startedAtMs, workerPid, queueMs, appMicros, retries, clientAddress, scheme } = this;
    const notes = { workerPid, queueMs, appMicros, retries, clientAddress, scheme };
    const received = Buffer.concat(this.#heldBody ?? []);
    this.#heldBody = undefined;
    return { request: { id, head, notes, responseBlock, startedAtMs }, received };
  }

  /** The end, however it came. `cause` is told to the handler unless the response was complete. */
  finishWith(cause: AbortCause | undefined): boolean {
    if (this.#state === "over") return false;
    const isTold = cause !== undefined && this.#state !== "ended";
    this.#state = "over";
    this.abortCause ??= cause;
    this.stream.sink = undefined;
    this.#file?.stop();
    this.#deadline?.release();
    this.#heldBody = undefined;
    if (isTold) this.events?.onAbort(cause);
    this.#flow?.abort();
    return true;
  }

  #add(bytes: Buffer, from: number, to: number): void {
    const admitted = this.#hasNoBody ? 0 : Math.min(to - from, this.#bytesLeft);
    const dropped = to - from - admitted;
    if (dropped > 0) this.#drop(dropped);
    if (admitted === 0) return;
    this.#bytesLeft -= admitted;
    this.bodyBytes += admitted;
    this.#shell.protocol.write(this.stream, bytes, from, from + admitted);
  }

  #drop(bytes: number): void {
    if (this.#droppedBytes === 0) this.#shell.owes(this);
    this.#droppedBytes += bytes;
    if (this.#hasNoBody) return;
    this.#shell.context.log.warning("response longer than its Content-Length", {
      request: this.id,
      target: this.head.target,
      bytes,
    });
  }

  #complete(trailers?: Uint8Array): void {
    if (!this.#hasNoBody && this.#bytesLeft > 0 && this.#bytesLeft !== Number.POSITIVE_INFINITY) {
      this.#shell.context.log.error("response shorter than its Content-Length", {
        request: this.id,
        target: this.head.target,
        sent: this.bodyBytes,
      });
      this.#state = "ended";
      this.#break();
      return;
    }
    this.#state = "ended";
    const isTold = trailers !== undefined && this.head.fields.get("te") !== undefined;
    const lines = isTold ? asBuffer(trailers).toString("latin1") : "";
    this.#shell.protocol.end(this.stream, this.#shell.blocks.trailers(lines));
    this.#shell.changed();
  }

  /** The response cannot be completed. */
  #break(): void {
    this.#shell.protocol.reset(this.stream, INTERNAL_ERROR);
    this.#shell.finish(this, "app-aborted");
    this.#shell.changed();
  }
}
