// One request and its response, whatever carries it: the object that handlers hold. It has four faces (the exchange, the
// request's body, the response's sink, the notes) so that a request costs one object.
//
//   waiting ──start──► streaming ──end──► ended ──(sent)──► over
//      │ abort: a page ──────────────────► ended
//      └─── client left, deadline, faulty body ────────────► over
//
// A handler may keep the exchange after it is over; whatever it then calls is ignored.

import { assert } from "../base/assert.ts";
import { closeFile, FilePieces, type FilePiecesOwner } from "../base/file-pieces.ts";
import { ownText } from "../base/own-text.ts";
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
import { NO_FIELDS } from "../http/fields.ts";
import type { RouteFacts } from "../http/route-facts.ts";
import type { UpgradedRequest } from "./access.ts";
import { asBuffer } from "./as-buffer.ts";
import type { FrontContext } from "./context.ts";

/** Of a file, at a time. */
const FILE_PIECE_BYTES = 131_072;
/** A file is read ahead while less than this waits for the client. */
const FILE_AHEAD_BYTES = 131_072;

/** What an exchange travels on, as that sees it: a connection that has one at a time, or a stream of HTTP/2. */
export interface ExchangeCarrier {
  readonly peer: Peer;
  readonly context: FrontContext;
  readonly response: ResponseFraming;
  /** The client sends its body only when it has been asked to. */
  readonly awaitsContinue: boolean;
  readBody(sink: BodySink): void;
  pauseBody(): void;
  resumeBody(): void;
  /** The response's head is about to be made. */
  onResponseStart(): void;
  /** Something of the response may have to be sent. */
  onOutputAdded(): void;
  /** The response is complete, though perhaps not sent. */
  onResponseEnd(): void;
  /** Sends an error page, which `events` may change, as the whole response; returns the bytes of its body. */
  sendPage(status: number, detail: string, events: ExchangeEvents | undefined): number;
  /** The response cannot be completed: it must not look as if it were. */
  breakResponse(): void;
}

/** Puts one response into the output, as its protocol has it. Bytes are given away. */
export interface ResponseFraming {
  inform(status: number, block: Buffer): void;
  head(head: ResponseHead, block: string): void;
  /** No body belongs to this response, whatever its head says. */
  readonly hasNoBody: boolean;
  /** How long its body is; Infinity when only its end will tell. */
  readonly bodyBytes: number;
  body(bytes: Buffer, from: number, to: number): void;
  /** The bytes given so far are a cache's: that they wait costs no memory. */
  share(): void;
  /** So many bytes are not sent: the exchange is to be told as if they had left. */
  drop(bytes: number): void;
  /** `trailers` is a header block, "" for none. */
  end(trailers: string): void;
  /** Bytes of it, at least, that have not left for the client. */
  readonly pendingBytes: number;
}

export class ClientExchange implements Exchange, RequestBody, ResponseSink, ExchangeNotes, FilePiecesOwner {
  readonly id: number;
  readonly head: RequestHead;
  readonly startedAtMs: number;
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

  readonly #carrier: ExchangeCarrier;
  #state: "waiting" | "streaming" | "ended" | "over" = "waiting";
  /** Of the response's body, as far as it was promised; Infinity when its length is not known. */
  #bytesLeft = 0;
  #file: FilePieces | undefined = undefined;

  constructor(carrier: ExchangeCarrier, head: RequestHead, startedAtMs: number) {
    this.#carrier = carrier;
    this.id = carrier.context.nextExchangeId();
    this.head = head;
    this.startedAtMs = startedAtMs;
  }

  get peer(): Peer {
    return this.#carrier.peer;
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

  get isStreaming(): boolean {
    return this.#state === "streaming";
  }

  get isEnded(): boolean {
    return this.#state === "ended";
  }

  // The request's body.

  get awaitsContinue(): boolean {
    return this.#state === "waiting" && this.#carrier.awaitsContinue;
  }

  read(sink: BodySink): void {
    if (this.#state === "over") sink.abort();
    else this.#carrier.readBody(sink);
  }

  pause(): void {
    if (this.#state !== "over") this.#carrier.pauseBody();
  }

  resume(): void {
    if (this.#state !== "over") this.#carrier.resumeBody();
  }

  // The response.

  inform(status: number, block: Uint8Array): void {
    if (this.#state === "over") return;
    assert(this.#state === "waiting", "an informational response comes before the final one");
    this.#carrier.response.inform(status, asBuffer(block));
    this.#carrier.onOutputAdded();
  }

  start(head: ResponseHead, bytes: Buffer, from: number, blockEnd: number, end: number): void {
    if (this.#state === "over") return;
    assert(this.#state === "waiting", "a response starts once");
    this.#state = "streaming";
    this.status = head.status;
    const carrier = this.#carrier;
    carrier.onResponseStart();
    const block = bytes.toString("latin1", from, blockEnd);
    if (carrier.context.accessLog !== undefined) this.responseBlock = block;
    carrier.response.head(head, block);
    this.#bytesLeft = carrier.response.bodyBytes;
    if (end > blockEnd) this.#add(bytes, blockEnd, end);
    if (head.isShared === true) carrier.response.share();
    carrier.onOutputAdded();
  }

  write(bytes: Uint8Array): void {
    if (this.#state === "over" || bytes.length === 0) return;
    assert(
      this.#state === "streaming" && this.#file === undefined,
      "a body follows its head and precedes its end",
    );
    this.#add(asBuffer(bytes), 0, bytes.length);
    this.#carrier.onOutputAdded();
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
    if (this.#carrier.response.hasNoBody) {
      closeFile(fd);
      this.#complete();
      return;
    }
    this.#file = new FilePieces({ fd, offset, length }, FILE_PIECE_BYTES, this);
    this.#file.pull();
  }

  abort(cause: AbortCause, status: number, reason: string): void {
    if (this.#state === "over" || this.#state === "ended") return;
    this.abortCause ??= cause;
    const isStarted = this.#state === "streaming";
    this.#state = "ended"; // so that the handler is not told of what it said itself
    if (isStarted || cause === "client-left") {
      this.#carrier.breakResponse();
      return;
    }
    this.answerPage(status, reason);
    this.#carrier.onResponseEnd();
  }

  // For the file.

  onFilePiece(bytes: Buffer): void {
    this.#add(bytes, 0, bytes.length);
    this.#carrier.onOutputAdded();
  }

  onFileEnd(): void {
    this.#file = undefined;
    this.#complete();
  }

  onFileError(message: string): void {
    const { log } = this.#carrier.context;
    log.error("file response broken", { request: this.id, target: this.head.target, message });
    this.#break();
  }

  // For the carrier.

  /** An error page is the whole response. */
  answerPage(status: number, detail: string): void {
    this.status = status;
    this.bodyBytes = this.#carrier.sendPage(status, detail, this.events);
  }

  /** So many bytes of the response left: tells the handler, or reads on in the file. */
  onSent(bytes: number): void {
    if (this.#state !== "streaming") return;
    if (this.#file === undefined) {
      if (bytes > 0) this.events?.onDrain(bytes);
    } else if (this.#carrier.response.pendingBytes < FILE_AHEAD_BYTES) {
      this.#file.pull();
    }
  }

  /** What outlives this exchange when its connection, or its stream, changes to another protocol. */
  upgraded(responseBlock: string): UpgradedRequest {
    const { id, head, startedAtMs, workerPid, queueMs, appMicros, retries, clientAddress, scheme } = this;
    const notes = { workerPid, queueMs, appMicros, retries, clientAddress, scheme };
    return { id, head, notes, responseBlock, startedAtMs };
  }

  /** The same for who does not look at the fields: they are not kept for as long as a connection lives. */
  upgradedInShort(): UpgradedRequest {
    const { target, path, query, authority, ...head } = this.head;
    const own = {
      path: ownText(path),
      query: ownText(query),
      authority: ownText(authority),
      fields: NO_FIELDS,
    };
    return { ...this.upgraded(""), head: { ...head, target: ownText(target), ...own } };
  }

  /** The end, however it came. `cause` is told to the handler unless the response was complete. */
  finish(cause: AbortCause | undefined): void {
    if (this.#state === "over") return;
    const isTold = cause !== undefined && this.#state !== "ended";
    this.#state = "over";
    this.abortCause ??= cause;
    this.#file?.stop();
    if (isTold) this.events?.onAbort(cause);
  }

  /** Never more than was promised. */
  #add(bytes: Buffer, from: number, to: number): void {
    const { response } = this.#carrier;
    const admitted = response.hasNoBody ? 0 : Math.min(to - from, this.#bytesLeft);
    if (admitted < to - from) this.#drop(to - from - admitted);
    if (admitted === 0) return;
    this.#bytesLeft -= admitted;
    this.bodyBytes += admitted;
    response.body(bytes, from, from + admitted);
  }

  #drop(bytes: number): void {
    const { response, context } = this.#carrier;
    response.drop(bytes);
    if (response.hasNoBody) return;
    context.log.warning("response longer than its Content-Length", {
      request: this.id,
      target: this.head.target,
      bytes,
    });
  }

  #complete(trailers?: Uint8Array): void {
    this.#state = "ended";
    if (this.#isShort()) {
      this.#carrier.context.log.error("response shorter than its Content-Length", {
        request: this.id,
        target: this.head.target,
        sent: this.bodyBytes,
      });
      this.#break();
      return;
    }
    const isTold = trailers !== undefined && this.#takesTrailers();
    this.#carrier.response.end(isTold ? asBuffer(trailers).toString("latin1") : "");
    this.#carrier.onResponseEnd();
  }

  #isShort(): boolean {
    const isPromised = this.#bytesLeft !== Number.POSITIVE_INFINITY;
    return isPromised && this.#bytesLeft > 0 && !this.#carrier.response.hasNoBody;
  }

  /** RFC 9110 §10.1.4: a client that says so does not throw them away. */
  #takesTrailers(): boolean {
    return this.head.fields.all("te").some((value) => /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(value));
  }

  /** The response cannot be completed, for a reason of the handler's. */
  #break(): void {
    this.abortCause ??= "app-aborted";
    this.#carrier.breakResponse();
  }
}
