// One request and its response on an HTTP/1.1 connection: the object that handlers hold. It has four faces (the exchange, the
// request's body, the response's sink, the notes) so that a request costs one object.
//
//   waiting ──start──► streaming ──end──► ended ──(sent)──► over
//      │ abort: a page ──────────────────► ended
//      └─── client left, deadline, broken framing ────────► over
//
// A handler may keep the exchange after it is over; whatever it then calls is ignored.

import { assert } from "../base/assert.ts";
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
import type { MessageProtocol } from "../http/message-protocol.ts";
import type { RouteFacts } from "../http/route-facts.ts";
import type { UpgradedRequest } from "./access.ts";
import { asBuffer } from "./as-buffer.ts";
import type { FrontContext } from "./context.ts";
import { closeFile, FILE_AHEAD_BYTES, FileSender, type FileSenderOwner } from "./file-sender.ts";
import type { Output } from "./output.ts";

/** The connection as its exchange sees it. */
export interface ExchangeShell {
  readonly peer: Peer;
  readonly context: FrontContext;
  readonly protocol: MessageProtocol;
  readonly output: Output;
  readBody(sink: BodySink): void;
  pauseBody(): void;
  resumeBody(): void;
  /** The response's head is about to be made. */
  onResponseStart(): void;
  /** Bytes were put into the output. */
  onOutputAdded(): void;
  /** The response is complete, though perhaps not sent. */
  onResponseEnd(): void;
  /** Sends an error page, which `events` may change, as the whole response; returns the bytes of its body. */
  sendPage(status: number, message: string, events: ExchangeEvents | undefined): number;
  /** The response cannot be completed: the connection must not look as if it were. */
  breakResponse(): void;
}

export class H1Exchange implements Exchange, RequestBody, ResponseSink, ExchangeNotes, FileSenderOwner {
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

  readonly #shell: ExchangeShell;
  #state: "waiting" | "streaming" | "ended" | "over" = "waiting";
  #givenBytes = 0;
  #drainedBytes = 0;
  #file: FileSender | undefined = undefined;

  constructor(shell: ExchangeShell, head: RequestHead, startedAtMs: number) {
    this.#shell = shell;
    this.id = shell.context.nextExchangeId();
    this.head = head;
    this.startedAtMs = startedAtMs;
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

  get isStarted(): boolean {
    return this.#state !== "waiting";
  }

  get isEnded(): boolean {
    return this.#state === "ended";
  }

  // The request's body.

  get awaitsContinue(): boolean {
    return this.#state !== "over" && this.#shell.protocol.awaitsContinue;
  }

  read(sink: BodySink): void {
    if (this.#state === "over") sink.abort();
    else this.#shell.readBody(sink);
  }

  pause(): void {
    if (this.#state !== "over") this.#shell.pauseBody();
  }

  resume(): void {
    if (this.#state !== "over") this.#shell.resumeBody();
  }

  // The response.

  inform(status: number, block: Uint8Array): void {
    if (this.#state === "over") return;
    assert(this.#state === "waiting", "an informational response comes before the final one");
    this.#shell.output.text(this.#shell.protocol.informLines(status, asBuffer(block)));
    this.#shell.onOutputAdded();
  }

  start(head: ResponseHead, bytes: Buffer, from: number, blockEnd: number, end: number): void {
    if (this.#state === "over") return;
    assert(this.#state === "waiting", "a response starts once");
    this.#state = "streaming";
    this.status = head.status;
    const shell = this.#shell;
    shell.onResponseStart();
    const block = bytes.toString("latin1", from, blockEnd);
    if (shell.context.accessLog !== undefined) this.responseBlock = block;
    shell.output.text(shell.protocol.responseHead(head, block, shell.context.common));
    if (end > blockEnd) this.#add(bytes, blockEnd, end);
    shell.onOutputAdded();
  }

  write(bytes: Uint8Array): void {
    if (this.#state === "over" || bytes.length === 0) return;
    assert(
      this.#state === "streaming" && this.#file === undefined,
      "a body follows its head and precedes its end",
    );
    this.#add(asBuffer(bytes), 0, bytes.length);
    this.#shell.onOutputAdded();
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
    if (this.#shell.protocol.bodyMode === "none") {
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
    this.#state = "ended"; // so that the handler is not told of what it said itself
    if (isStarted || cause === "client-left") {
      this.#shell.breakResponse();
      return;
    }
    this.status = status;
    this.bodyBytes = this.#shell.sendPage(status, reason, this.events);
    this.#shell.onResponseEnd();
  }

  // For the file sender.

  onFilePiece(bytes: Buffer): void {
    this.#add(bytes, 0, bytes.length);
    this.#shell.onOutputAdded();
  }

  onFileEnd(): void {
    this.#file = undefined;
    this.#complete();
  }

  onFileError(message: string): void {
    this.#shell.context.log.error("file response broken", {
      request: this.id,
      target: this.head.target,
      message,
    });
    this.abortCause ??= "app-aborted";
    this.#shell.breakResponse();
  }

  // For the connection.

  /** Some of the output left: tells the handler, or reads on in the file. */
  onSent(): void {
    if (this.#state !== "streaming") return;
    const pendingBytes = this.#shell.output.pendingBytes;
    if (this.#file !== undefined) {
      if (pendingBytes < FILE_AHEAD_BYTES) this.#file.pump();
      return;
    }
    // Pending bytes may be framing, or of an earlier response: then what is told comes later, never too early.
    const bytes = this.#givenBytes - pendingBytes - this.#drainedBytes;
    if (bytes <= 0) return;
    this.#drainedBytes += bytes;
    this.events?.onDrain(bytes);
  }

  /** What outlives this exchange when the connection changes to another protocol. */
  upgraded(responseBlock: string): UpgradedRequest {
    const { id, head, startedAtMs, workerPid, queueMs, appMicros, retries, clientAddress, scheme } = this;
    const notes = { workerPid, queueMs, appMicros, retries, clientAddress, scheme };
    return { id, head, notes, responseBlock, startedAtMs };
  }

  /** The same for who does not look at the fields: they are not kept for as long as a connection lives. */
  upgradedInShort(): UpgradedRequest {
    const { target, path, query, authority, ...head } = this.head;
    const own = { path: copyOf(path), query: copyOf(query), authority: copyOf(authority), fields: NO_FIELDS };
    return { ...this.upgraded(""), head: { ...head, target: copyOf(target), ...own } };
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

  #add(bytes: Buffer, from: number, to: number): void {
    const { protocol, output } = this.#shell;
    this.#givenBytes += to - from;
    const admitted = protocol.admitBody(to - from);
    if (admitted < to - from) this.#noteSurplus(to - from - admitted);
    if (admitted === 0 || protocol.bodyMode === "none") return;
    this.bodyBytes += admitted;
    if (protocol.bodyMode === "plain") {
      output.bytes(bytes, from, from + admitted);
      return;
    }
    for (let at = from; at < from + admitted; at += protocol.chunkBytesMax) {
      const end = Math.min(from + admitted, at + protocol.chunkBytesMax);
      output.text(protocol.chunkHead(end - at));
      output.bytes(bytes, at, end);
      output.text(protocol.chunkTail);
    }
  }

  #complete(trailers?: Uint8Array): void {
    const { protocol, output } = this.#shell;
    if (protocol.endResponse() === "short") {
      this.#shell.context.log.error("response shorter than its Content-Length", {
        request: this.id,
        target: this.head.target,
        sent: this.bodyBytes,
      });
      this.abortCause ??= "app-aborted";
      this.#state = "ended";
      this.#shell.breakResponse();
      return;
    }
    const isTold = trailers !== undefined && this.#takesTrailers();
    output.text(protocol.responseTail(isTold ? asBuffer(trailers).toString("latin1") : ""));
    this.#state = "ended";
    this.#shell.onResponseEnd();
  }

  /** RFC 9110 §10.1.4: a client that says so does not throw them away. */
  #takesTrailers(): boolean {
    return this.head.fields.all("te").some((value) => /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(value));
  }

  #noteSurplus(bytes: number): void {
    if (this.#shell.protocol.bodyMode === "none") return;
    const { log } = this.#shell.context;
    log.warning("response longer than its Content-Length", {
      request: this.id,
      target: this.head.target,
      bytes,
    });
  }
}

/** V8 makes a slice hold the text that it was cut from: here a whole request head. */
function copyOf(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
