// One client's HTTP/1.1 connection: the shell that gives the protocol bytes and time and carries out what follows from them.
// Its socket may be any Duplex (TCP, Unix socket, TLS). Milliseconds, bytes.
//
//            first byte        a request head        the body's end       the response's end
//   idle ───────────► head ───────────────► body ───────────────► answering ────────► idle
//                                            │ the response ended first
//                                            └──► discarding ───────────────────────► idle
//   any ── an error, the last response ──► lingering ── the client closed, or time is up ──► closed
//
// `lingering` says goodbye without a reset: our side is closed, and what the client still sends is read and thrown away, so
// that a client in the middle of an upload can read the answer (RFC 9112 §9.6).
//
// A client that closes its sending side after a whole request still gets the response, as with nginx for static files and
// gunicorn; handlers learn of it by `onHalfClose`. A reset ends the exchange at once.

import type { Duplex } from "node:stream";
import { assert, unreachable } from "../base/assert.ts";
import {
  type ErrorEvent,
  type H1Event,
  H1Protocol,
  NEED_DATA,
  PAUSED,
  type RequestEvent,
} from "../h1/protocol.ts";
import { errorPage } from "../http/error-page.ts";
import type { AbortCause, BodySink, Peer } from "../http/exchange.ts";
import { type Fields, NO_FIELDS } from "../http/fields.ts";
import { recordBadRequest, recordExchange } from "./access.ts";
import type { FrontContext } from "./context.ts";
import { increment } from "./counters.ts";
import { Deadline, type DeadlineOwner } from "./deadlines.ts";
import type { Flushable } from "./flush-queue.ts";
import { type ExchangeShell, H1Exchange } from "./h1-exchange.ts";
import { Output, type OutputOwner } from "./output.ts";

/** No further request is begun, and no response is called sent, while more than this waits for the client. */
const OUTPUT_AHEAD_BYTES = 65_536;
/** Bytes kept of what the client sends before it is its turn; beyond, the socket is paused. */
const INPUT_AHEAD_BYTES = 65_536;
/** How much of a body that nobody wants is read in order to keep the connection, and for how long. */
const DISCARD_BYTES_MAX = 65_536;
const DISCARD_MS = 2_000;
/** What is read of a client that does not stop sending after its last answer. */
const LINGER_BYTES_MAX = 64 * 1024 * 1024;
/** When draining: how long a new connection may take to send its first byte. */
const FRESH_DRAIN_MS = 1_000;

export interface ConnectionOwner {
  /** The socket is closed; said once. */
  onConnectionClosed(connection: H1Connection): void;
}

type Phase = "idle" | "head" | "body" | "answering" | "discarding" | "lingering" | "closed";

export class H1Connection implements ExchangeShell, OutputOwner, DeadlineOwner, Flushable {
  readonly context: FrontContext;
  readonly peer: Peer;
  readonly protocol: H1Protocol;
  readonly output: Output;

  readonly #socket: Duplex;
  readonly #owner: ConnectionOwner;
  /** Of the client: head, body, keep-alive, lingering; one at a time. */
  readonly #deadline: Deadline;
  /** Of the client as a reader. */
  readonly #stall: Deadline;

  #phase: Phase = "idle";
  #exchange: H1Exchange | undefined = undefined;
  #sink: BodySink | undefined = undefined;
  #isInputPaused = false;
  #isBodyPaused = false;
  #pausedLeftMs = 0;
  #awaitsContinue = false;
  #isFresh = true;
  #isTurning = false;
  #isFlushWanted = false;
  #isEof = false;
  #isEnded = false;
  /** Read while lingering. */
  #discardedBytes = 0;
  #countedSentBytes = 0;

  constructor(context: FrontContext, socket: Duplex, peer: Peer, owner: ConnectionOwner) {
    this.context = context;
    this.peer = peer;
    this.#socket = socket;
    this.#owner = owner;
    this.protocol = new H1Protocol(context.limits);
    this.output = new Output(socket, context.slab, this);
    this.#deadline = new Deadline(context.deadlines, this);
    this.#stall = new Deadline(context.deadlines, this);
    this.#arm(context.config.headTimeoutMs);
    socket.on("error", (error: Error) => this.#onError(error));
    socket.on("close", () => this.#onClose());
    socket.on("end", () => this.#onEnd());
    socket.on("data", (bytes: Buffer) => this.#onData(bytes));
  }

  /** Waits for a further request and has received nothing of it. */
  get isIdle(): boolean {
    return this.#phase === "idle" && !this.#isFresh && !this.protocol.hasPartialHead;
  }

  /** Finish what runs, begin nothing new. */
  drain(): void {
    this.protocol.closeAfterResponse();
    if (this.isIdle) this.#close();
    else if (this.#phase === "idle") this.#arm(FRESH_DRAIN_MS);
  }

  destroy(cause: AbortCause): void {
    this.#finishExchange(cause);
    this.#phase = "closed";
    this.output.discard();
    this.#socket.destroy();
  }

  // The socket.

  #onData(bytes: Buffer): void {
    this.context.counters.bytesReceived += bytes.length;
    if (this.#phase === "closed") return;
    if (this.#phase === "lingering") {
      this.#discardedBytes += bytes.length;
      if (this.#discardedBytes > LINGER_BYTES_MAX) this.destroy("client-left");
      return;
    }
    this.protocol.receive(bytes);
    this.#turn();
  }

  #onEnd(): void {
    this.#isEof = true;
    if (this.#phase === "closed" || this.#phase === "lingering") {
      this.#endWhenSent();
      return;
    }
    this.protocol.receiveEof();
    this.#exchange?.events?.onHalfClose?.();
    this.#turn();
  }

  #onError(error: Error): void {
    const code = (error as NodeJS.ErrnoException).code ?? error.name; // Node's errors have a code, others a name
    this.context.log.debug("client socket failed", {
      code,
      peer: this.peer.remoteAddress,
      phase: this.#phase,
    });
  }

  #onClose(): void {
    this.#finishExchange("client-left");
    this.#phase = "closed";
    this.#deadline.release();
    this.#stall.release();
    this.#countSent();
    this.#owner.onConnectionClosed(this);
  }

  // Taking turns: everything that was received is looked at, as far as the exchange lets us.

  #turn(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    for (;;) {
      while (this.#step());
      const wasBlocked = this.#isOutputFull();
      this.flush();
      if (!wasBlocked || this.#isOutputFull()) break;
    }
    this.#isTurning = false;
    this.#settle();
  }

  /** One event of the protocol, or one change of phase. False: nothing can be done now. */
  #step(): boolean {
    switch (this.#phase) {
      case "closed":
      case "lingering":
        return false;
      case "answering":
        return this.#stepResponse();
      case "body":
        if (this.#exchange?.isEnded) return this.#discardRest();
        if (this.#sink === undefined || this.#isBodyPaused) return false;
        return this.#stepRequest();
      case "discarding":
        return this.#stepRequest();
      case "idle":
      case "head":
        return !this.#isOutputFull() && this.#stepRequest();
      default:
        return unreachable(this.#phase);
    }
  }

  #stepResponse(): boolean {
    if (this.#exchange?.isEnded !== true || this.#isOutputFull()) return false;
    this.#finishExchange(undefined);
    this.#nextCycle();
    return true;
  }

  #stepRequest(): boolean {
    const event = this.protocol.next();
    if (event === NEED_DATA) return false;
    if (event === PAUSED) return this.#onPaused();
    this.#onEvent(event);
    return true;
  }

  /** While a body is thrown away: it was longer than is worth it. */
  #onPaused(): false {
    assert(this.#phase === "discarding", "only an abandoned body pauses the protocol");
    this.#close();
    return false;
  }

  #onEvent(event: H1Event): void {
    switch (event.type) {
      case "request":
        this.#onRequest(event);
        break;
      case "body":
        this.#onBody(event.bytes);
        break;
      case "end":
        this.#onBodyEnd(event.trailers);
        break;
      case "error":
        this.#onBadInput(event);
        break;
      case "closed":
        this.#close();
        break;
      default:
        unreachable(event);
    }
  }

  #onRequest(event: RequestEvent): void {
    const { context } = this;
    context.counters.requests++;
    context.counters.exchangesOpen++;
    this.#deadline.disarm();
    this.#isFresh = false;
    this.#phase = "body";
    this.#awaitsContinue = event.expectsContinue;
    if (context.isDraining || context.config.keepAliveMs === 0) this.protocol.closeAfterResponse();
    const exchange = new H1Exchange(this, event.head, context.clock.nowMs());
    this.#exchange = exchange;
    if (event.head.bodyLength === 0) this.#stepRequest();
    if (this.#phase === "body" || this.#phase === "answering") context.handler.handle(exchange);
  }

  #onBody(bytes: Buffer): void {
    const exchange = this.#exchange as H1Exchange; // in phase "body" there is one
    exchange.requestBytes += bytes.length;
    if (exchange.head.bodyLength < 0) this.#lengthenBodyDeadline(bytes.length);
    this.#sink?.chunk(bytes);
  }

  #onBodyEnd(trailers: Fields): void {
    if (this.#phase === "discarding") {
      this.#nextCycle();
      return;
    }
    this.#phase = "answering";
    this.#awaitsContinue = false;
    this.#deadline.disarm();
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.end(trailers);
  }

  #nextCycle(): void {
    if (!this.protocol.canReuse) {
      this.#close();
      return;
    }
    this.protocol.startNextCycle();
    this.#deadline.disarm();
    this.#phase = "idle";
  }

  /** After a turn: which deadline holds now, and whether the client may send more. */
  #settle(): void {
    if (this.#phase === "idle" && this.protocol.hasPartialHead) {
      this.#phase = "head";
      if (!this.#isFresh) this.#arm(this.context.config.headTimeoutMs);
    } else if (this.isIdle && this.context.isDraining) {
      this.#close();
    } else if (this.#phase === "idle" && !this.#deadline.isArmed) {
      this.#arm(this.context.config.keepAliveMs);
    }
    this.#throttleInput();
  }

  #throttleInput(): void {
    const isFull = this.protocol.bufferedBytes > INPUT_AHEAD_BYTES && this.#phase !== "lingering";
    if (isFull === this.#isInputPaused) return;
    this.#isInputPaused = isFull;
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }

  // The request's body, for the exchange.

  readBody(sink: BodySink): void {
    if (this.#phase === "answering") {
      sink.end(NO_FIELDS);
      return;
    }
    assert(this.#phase === "body" && this.#sink === undefined, "a body is read once");
    this.#sink = sink;
    if (this.#awaitsContinue) this.#sendContinue();
    this.#armBody();
    this.#turn();
  }

  pauseBody(): void {
    if (this.#phase !== "body" || this.#isBodyPaused) return;
    this.#isBodyPaused = true;
    // The time that the handler takes is not the client's.
    this.#pausedLeftMs = this.#deadline.atMs - this.context.clock.nowMs();
    this.#deadline.disarm();
  }

  resumeBody(): void {
    if (!this.#isBodyPaused) return;
    this.#isBodyPaused = false;
    if (this.#phase !== "body") return;
    this.#arm(Math.max(1, this.#pausedLeftMs));
    this.#turn();
  }

  #sendContinue(): void {
    this.#awaitsContinue = false;
    if (this.#exchange?.isStarted) return;
    this.output.text(this.protocol.continueLine());
    this.onOutputAdded();
  }

  #armBody(): void {
    const { bodyTimeoutMs, bodyRateMin } = this.context.config;
    const length = Math.max(0, this.#exchange?.head.bodyLength ?? 0);
    this.#arm(bodyTimeoutMs + (bodyRateMin > 0 ? (length / bodyRateMin) * 1000 : 0));
  }

  /** The length of a chunked body is not known before: its deadline moves with what came. */
  #lengthenBodyDeadline(length: number): void {
    const { bodyRateMin } = this.context.config;
    if (bodyRateMin > 0 && this.#deadline.isArmed) {
      this.#deadline.armAt(this.#deadline.atMs + (length / bodyRateMin) * 1000);
    }
  }

  /** The response is complete and the body is not. Reads the rest if that is little, else closes. */
  #discardRest(): boolean {
    if (this.#isOutputFull()) return false;
    this.#finishExchange(undefined);
    if (!this.protocol.discardBody(DISCARD_BYTES_MAX)) {
      this.#close();
      return false;
    }
    this.#phase = "discarding";
    this.#arm(DISCARD_MS);
    return true;
  }

  // The response, for the exchange.

  onResponseStart(): void {
    // So that the response can say that nobody will read what is still to come of a large body.
    if (this.#phase !== "body" || this.#sink !== undefined) return;
    if ((this.#exchange?.head.bodyLength ?? 0) > DISCARD_BYTES_MAX) this.protocol.closeAfterResponse();
  }

  onOutputAdded(): void {
    if (this.#isTurning || this.#isFlushWanted) return;
    this.#isFlushWanted = true;
    this.context.flushQueue.add(this);
  }

  onResponseEnd(): void {
    this.#turn();
  }

  breakResponse(): void {
    this.flush();
    this.destroy(this.#exchange?.abortCause ?? "app-aborted");
  }

  sendPage(status: number, message: string): number {
    const page = errorPage(status, { detail: message });
    const head = {
      status,
      reason: "",
      contentLength: page.body.length,
      hasServer: false,
      hasDate: false,
      close: this.#phase !== "answering",
      noBuffer: false,
    };
    this.output.text(this.protocol.responseHead(head, page.block, this.context.common));
    const isBodyless = this.protocol.bodyMode === "none";
    if (!isBodyless) this.output.text(page.body);
    this.protocol.admitBody(page.body.length);
    this.protocol.endResponse();
    return isBodyless ? 0 : page.body.length;
  }

  /** Writes what was gathered. Also called by the flush queue. */
  flush(): void {
    this.#isFlushWanted = false;
    if (this.#phase === "closed") return;
    this.output.flush();
    this.#exchange?.onSent();
    if (this.output.pendingBytes === 0) this.#stall.disarm();
    else if (!this.#stall.isArmed) this.#armStall();
    this.#countSent();
  }

  onOutputProgress(): void {
    if (this.#phase === "closed") return;
    if (this.output.pendingBytes === 0) this.#stall.disarm();
    else this.#armStall();
    this.#exchange?.onSent();
    if (this.#phase === "lingering") this.#endWhenSent();
    else this.#turn();
  }

  // Endings.

  #onBadInput(event: ErrorEvent): void {
    const { context } = this;
    increment(context.counters.badRequests, event.code);
    context.log.debug("bad request", {
      code: event.code,
      status: event.status,
      peer: this.peer.remoteAddress,
    });
    if (this.#phase === "body") {
      this.#failRequest(this.#isEof ? "client-left" : "bad-request", event.status, event.message);
    } else if (this.#phase !== "discarding") {
      this.#refuse(event.status, event.message, event.requestLine);
    }
    this.#close();
  }

  /** The request cannot be completed: the handler is told, the client gets a page if that is still possible. */
  #failRequest(cause: AbortCause, status: number, message: string): void {
    const exchange = this.#exchange as H1Exchange; // in phase "body" there is one
    if (exchange.isStarted && !exchange.isEnded) {
      this.flush();
      this.destroy(cause);
      return;
    }
    if (!exchange.isStarted) {
      exchange.status = status;
      exchange.bodyBytes = this.sendPage(status, message);
    }
    this.#finishExchange(cause);
  }

  /** Answers a request that could not be read, and keeps account of it. */
  #refuse(status: number, message: string, requestLine: string): void {
    const bodyBytes = this.sendPage(status, message);
    recordBadRequest(this.context, this.peer, { status, requestLine, bodyBytes });
  }

  #finishExchange(cause: AbortCause | undefined): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    this.context.counters.exchangesOpen--;
    if (cause !== undefined) increment(this.context.counters.aborts, cause);
    const sink = this.#sink;
    this.#sink = undefined;
    this.#isBodyPaused = false;
    exchange.finish(cause);
    sink?.abort();
    recordExchange(this.context, exchange);
  }

  /** Orderly: what is gathered is sent, then our side is closed, then the client's is awaited. */
  #close(): void {
    if (this.#phase === "closed" || this.#phase === "lingering") return;
    this.#finishExchange("front-stops");
    this.#phase = "lingering";
    this.#discardedBytes = 0;
    this.flush();
    this.#arm(this.context.config.lingerMs);
    this.#throttleInput();
    this.#endWhenSent();
  }

  #endWhenSent(): void {
    if (this.#isEnded || this.output.queuedBytes > 0) return;
    this.#isEnded = true;
    this.#socket.end();
  }

  // Deadlines.

  onDeadline(deadline: Deadline): void {
    if (deadline === this.#stall) this.#onStall();
    else this.#onClientLate();
  }

  #onStall(): void {
    if (this.#phase === "closed" || this.output.pendingBytes === 0) return;
    this.context.log.debug("client stopped reading", {
      peer: this.peer.remoteAddress,
      pending: this.output.pendingBytes,
    });
    this.destroy("response-stalled");
  }

  #onClientLate(): void {
    switch (this.#phase) {
      case "idle":
      case "discarding":
        this.#close();
        break;
      case "head":
        this.protocol.abandon();
        this.#refuse(408, "The request head took too long.", "");
        this.#close();
        break;
      case "body":
        this.protocol.abandon();
        this.#failRequest("deadline", 408, "The request body took too long.");
        this.#close();
        break;
      case "lingering":
        this.destroy("client-left");
        break;
      case "answering":
      case "closed":
        break;
      default:
        unreachable(this.#phase);
    }
  }

  #arm(delayMs: number): void {
    this.#deadline.armAt(this.context.clock.nowMs() + delayMs);
  }

  #armStall(): void {
    this.#stall.armAt(this.context.clock.nowMs() + this.context.config.responseStallMs);
  }

  #isOutputFull(): boolean {
    return this.output.pendingBytes > OUTPUT_AHEAD_BYTES;
  }

  #countSent(): void {
    this.context.counters.bytesSent += this.output.sentBytes - this.#countedSentBytes;
    this.#countedSentBytes = this.output.sentBytes;
  }
}
