// One client's connection on which requests come one after another, HTTP/1.1 or what web servers speak to applications: the
// shell that gives the protocol bytes and time and carries out what follows from them.
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
import { Place } from "../base/roll.ts";
import { systemErrorCode } from "../base/system-error.ts";
import { H1Protocol } from "../h1/protocol.ts";
import type { AbortCause, BodySink, ExchangeEvents, Peer } from "../http/exchange.ts";
import { type Fields, NO_FIELDS } from "../http/fields.ts";
import {
  type Aside,
  type ErrorEvent,
  type MessageEvent,
  type MessageProtocol,
  NEED_DATA,
  PAUSED,
  type RequestEvent,
} from "../http/message-protocol.ts";
import { recordBadRequest, recordExchange } from "./access.ts";
import { BodyFlow } from "./body-flow.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import { ClientExchange, type ExchangeCarrier } from "./client-exchange.ts";
import { listenTo, type SocketSink } from "./client-socket.ts";
import { ClientWriter, type ClientWriterOwner } from "./client-writer.ts";
import type { FrontContext } from "./context.ts";
import { increment } from "./counters.ts";
import { Deadline, type DeadlineOwner } from "./deadlines.ts";
import { Farewell } from "./farewell.ts";
import { peerOfVariables } from "./gateway-peer.ts";
import { H1Response } from "./h1-response.ts";
import { H1WsDoor, type UpgradeShell } from "./h1-ws-door.ts";
import { describeInFlight, type InFlight } from "./in-flight.ts";
import { isLending, stopLending } from "./lent-reads.ts";
import type { Output } from "./output.ts";
import { ownPage } from "./own-page.ts";
import { namesWebSocket } from "./ws-handshake.ts";
import { type Passage, WsOffer } from "./ws-offer.ts";

/** Bytes kept of what the client sends before it is its turn; beyond, the socket is paused. */
const INPUT_AHEAD_BYTES = 65_536;
/** How much of a body that nobody wants is read in order to keep the connection, and for how long. */
const DISCARD_BYTES_MAX = 65_536;
const DISCARD_MS = 2_000;
/** When draining: how long a new connection may take to send its first byte. */
const FRESH_DRAIN_MS = 1_000;

type Phase = "idle" | "head" | "body" | "answering" | "discarding" | "lingering" | "closed";

export class H1Connection
  implements ClientConnection, ExchangeCarrier, UpgradeShell, ClientWriterOwner, DeadlineOwner, SocketSink
{
  readonly place: Place<ClientConnection> = new Place();
  readonly context: FrontContext;
  /** Of the request that runs, or ran last: over uwsgi and its like each has its own. */
  peer: Peer;
  readonly protocol: MessageProtocol;
  readonly response: H1Response;

  readonly #socket: Duplex;
  readonly #stopListening: () => void;
  readonly #socketPeer: Peer;
  readonly #owner: ConnectionOwner;
  readonly #writer: ClientWriter;
  /** What the client is given time for: a head, a body, the next request, its goodbye; one at a time. */
  readonly #deadline: Deadline;
  readonly #body: BodyFlow;
  readonly #farewell: Farewell;

  #phase: Phase = "idle";
  #exchange: ClientExchange | undefined = undefined;
  /** No request has come yet. */
  #isFresh = true;
  #turnState: "none" | "stepping" | "flushing" = "none";
  #isInputPaused = false;
  #hasEof = false;
  /** The socket's chunks are only lent (front/lent-reads.ts). */
  readonly #isLent: boolean;

  constructor(
    context: FrontContext,
    socket: Duplex,
    peer: Peer,
    owner: ConnectionOwner,
    protocol: MessageProtocol = new H1Protocol(context.limits),
  ) {
    this.context = context;
    this.peer = peer;
    this.#socketPeer = peer;
    this.#socket = socket;
    this.#owner = owner;
    this.protocol = protocol;
    this.#writer = new ClientWriter(context, socket, this);
    this.response = new H1Response(context, protocol, this.#writer.output);
    this.#deadline = new Deadline(context.deadlines, this);
    this.#body = new BodyFlow(context, this.#deadline);
    this.#farewell = new Farewell(socket, this.#writer.output);
    this.#arm(context.config.headTimeoutMs);
    this.#isLent = isLending(socket);
    this.#stopListening = listenTo(socket, this);
  }

  get #output(): Output {
    return this.#writer.output;
  }

  get hasEof(): boolean {
    return this.#hasEof;
  }

  /** Waits for a further request and has received nothing of it. */
  get isIdle(): boolean {
    return this.#phase === "idle" && !this.#isFresh && !this.protocol.hasPartialHead;
  }

  inFlight(nowMs: number): InFlight | undefined {
    return this.#exchange === undefined ? undefined : describeInFlight(this.#exchange, "http", nowMs);
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
    this.#writer.stop();
    this.#socket.destroy();
  }

  /** The client's socket is handed to another protocol; this object is done with. */
  leave(): Passage {
    const socket = this.#socket;
    const unread = this.protocol.upgrade();
    this.#writer.holdOther(0);
    const received = this.#isLent ? Buffer.from(unread) : unread;
    stopLending(socket);
    this.#stopListening();
    this.#phase = "closed";
    this.#deadline.release();
    this.context.counters.exchangesOpen--;
    this.#exchange?.finish(undefined);
    this.#exchange = undefined;
    if (this.#isInputPaused) socket.resume();
    this.#isInputPaused = false;
    return { socket, writer: this.#writer, owner: this.#owner, received };
  }

  // The socket.

  onData(bytes: Buffer): void {
    this.context.counters.bytesReceived += bytes.length;
    if (this.#phase === "closed") return;
    if (this.#phase === "lingering") {
      if (!this.#farewell.discard(bytes.length)) this.destroy("client-left");
      return;
    }
    this.protocol.receive(bytes);
    this.#turn();
    if (this.#isLent) this.protocol.keepInput();
  }

  #hearAside(aside: Aside): void {
    const answers = aside.answers();
    if (answers !== "") {
      this.#output.text(answers);
      this.onOutputAdded();
    }
    if (!aside.isAborted) return;
    this.#finishExchange("client-left");
    this.#close();
  }

  onEnd(): void {
    this.#hasEof = true;
    if (this.#phase === "closed" || this.#phase === "lingering") return;
    this.protocol.receiveEof();
    this.#exchange?.events?.onHalfClose?.();
    this.#turn();
  }

  onError(error: Error): void {
    this.context.log.debug("client socket failed", {
      code: systemErrorCode(error),
      peer: this.peer.remoteAddress,
      phase: this.#phase,
    });
  }

  onClose(): void {
    this.#finishExchange("client-left");
    this.#phase = "closed";
    this.#deadline.release();
    this.#writer.stop();
    this.#owner.onConnectionClosed(this);
  }

  // Taking turns: everything that was received is looked at, as far as the exchange lets us.

  #turn(): void {
    if (this.#turnState !== "none") return;
    for (let isDone = false; !isDone; ) {
      this.#turnState = "stepping";
      while (this.#step());
      const wasFull = this.#writer.isFull;
      this.#turnState = "flushing";
      this.#writer.flush();
      // Handlers that are told of what left may have ended their response; and room may have come for more.
      const isMore = wasFull || this.#exchange?.isEnded === true;
      isDone = !isMore || this.#writer.isFull;
    }
    this.#turnState = "none";
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
        return this.#body.canFlow && this.#stepRequest();
      case "discarding":
        return this.#stepRequest();
      case "idle":
      case "head":
        return !this.#writer.isFull && this.#stepRequest();
      default:
        return unreachable(this.#phase);
    }
  }

  #stepResponse(): boolean {
    if (this.#exchange?.isEnded !== true || this.#writer.isFull) return false;
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

  #onEvent(event: MessageEvent): void {
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
    if (context.isDraining || context.config.keepAliveMs === 0) this.protocol.closeAfterResponse();
    const { variables } = event.head;
    if (variables !== undefined) this.peer = peerOfVariables(variables, this.#socketPeer);
    const exchange = new ClientExchange(this, event.head, context.clock.nowMs());
    this.#exchange = exchange;
    if (context.config.wsEnabled && event.upgrade !== "" && namesWebSocket(event.upgrade)) {
      exchange.webSocket = new WsOffer(exchange, new H1WsDoor(this));
    }
    if (event.head.bodyLength === 0) this.#stepRequest();
    if (this.#phase === "body" || this.#phase === "answering") context.handler.handle(exchange);
    if (this.#hasEof) exchange.events?.onHalfClose?.(); // it was pipelined
  }

  #onBody(bytes: Buffer): void {
    const exchange = this.#exchange as ClientExchange; // in phase "body" there is one
    exchange.requestBytes += bytes.length;
    this.#body.chunk(this.#isLent ? Buffer.from(bytes) : bytes);
  }

  #onBodyEnd(trailers: Fields): void {
    if (this.#phase === "discarding") {
      this.#nextCycle();
      return;
    }
    this.#phase = "answering";
    this.#deadline.disarm();
    this.#body.end(trailers);
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
    if (this.protocol.aside !== undefined) this.#hearAside(this.protocol.aside);
    if (this.#phase === "idle") this.#settleIdle();
    this.#throttleInput();
  }

  /** A client that still reads its last response is given time as a reader (ClientWriter), not yet as a sender. */
  #settleIdle(): void {
    if (this.#writer.isFull) return;
    if (this.protocol.hasPartialHead) {
      this.#phase = "head";
      if (!this.#isFresh) this.#arm(this.context.config.headTimeoutMs);
    } else if (this.context.isDraining && !this.#isFresh) {
      this.#close();
    } else if (!this.#deadline.isArmed && this.#output.pendingBytes === 0) {
      this.#arm(Math.max(this.context.config.keepAliveMs, this.protocol.idleMsMin));
    }
  }

  #throttleInput(): void {
    const { bufferedBytes } = this.protocol;
    this.#writer.holdOther(bufferedBytes);
    const isFull = bufferedBytes > INPUT_AHEAD_BYTES && !this.#takesAll();
    if (isFull === this.#isInputPaused) return;
    this.#isInputPaused = isFull;
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }

  /** What is held is a part of a head, which has a limit of its own, or thrown away. */
  #takesAll(): boolean {
    const isReadingHead = this.#phase === "idle" || this.#phase === "head";
    return this.#phase === "lingering" || (isReadingHead && !this.#writer.isFull);
  }

  // The request's body, for the exchange.

  get awaitsContinue(): boolean {
    return this.protocol.awaitsContinue;
  }

  readBody(sink: BodySink): void {
    if (this.#phase === "answering") {
      sink.end(NO_FIELDS);
      return;
    }
    assert(this.#phase === "body", "a body is read while its exchange lives");
    this.#output.text(this.protocol.continueLine());
    this.#body.read(sink, this.#exchange?.head.bodyLength ?? 0);
    this.#turn();
  }

  pauseBody(): void {
    this.#body.pause();
  }

  resumeBody(): void {
    if (this.#body.resume()) this.#turn();
  }

  /** The response is complete and the body is not. Reads the rest if that is little, else closes. */
  #discardRest(): boolean {
    if (this.#writer.isFull) return false;
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
    if (this.#phase !== "body" || this.#body.hasReader) return;
    if ((this.#exchange?.head.bodyLength ?? 0) > DISCARD_BYTES_MAX) this.protocol.closeAfterResponse();
  }

  onOutputAdded(): void {
    if (this.#turnState !== "stepping") this.#writer.flushLater();
  }

  onResponseEnd(): void {
    this.#turn();
  }

  breakResponse(): void {
    this.#writer.flush();
    this.destroy(this.#exchange?.abortCause ?? "app-aborted");
  }

  sendPage(status: number, detail: string, events?: ExchangeEvents): number {
    const page = ownPage(events ?? this.context.handler, status, detail);
    const close = this.#phase !== "answering";
    return this.response.page({ ...page, head: { ...page.head, close } });
  }

  // The writing side.

  onSent(): void {
    const exchange = this.#exchange;
    if (exchange?.isStreaming === true) exchange.onSent(this.response.takeSentBytes());
  }

  onRoom(): void {
    if (this.#phase === "lingering") this.#linger();
    else this.#turn();
  }

  onStalled(pendingBytes: number): void {
    if (this.#phase === "closed") return;
    this.context.log.debug("client stopped reading", { peer: this.peer.remoteAddress, pendingBytes });
    this.destroy("response-stalled");
  }

  onMemoryShort(): void {
    this.destroy("memory-short");
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
      this.#failRequest(this.#hasEof ? "client-left" : "bad-request", event.status, event.message);
    } else if (this.#phase !== "discarding") {
      this.#refuse(event.status, event.message, event.requestLine);
    }
    this.#close();
  }

  /** The request cannot be completed: the handler is told, the client gets a page if that is still possible. */
  #failRequest(cause: AbortCause, status: number, message: string): void {
    const exchange = this.#exchange as ClientExchange; // in phase "body" there is one
    if (exchange.isStreaming) {
      this.#writer.flush();
      this.destroy(cause);
      return;
    }
    if (exchange.isWaiting) exchange.answerPage(status, message);
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
    exchange.finish(cause);
    this.#body.abort();
    recordExchange(this.context, exchange);
  }

  /** Orderly: what is gathered is sent, then our side is closed, then the client's is awaited. */
  #close(): void {
    if (this.#phase === "closed" || this.#phase === "lingering") return;
    this.#finishExchange("front-stops");
    this.#phase = "lingering";
    this.#deadline.disarm();
    this.#writer.flush();
    if (this.protocol.needsNoGoodbye && this.#output.pendingBytes === 0) {
      this.destroy("front-stops");
      return;
    }
    this.#throttleInput();
    this.#linger();
  }

  /** The time for the client's goodbye begins when it has everything. */
  #linger(): void {
    this.#farewell.endWhenSent();
    if (this.#output.pendingBytes === 0 && !this.#deadline.isArmed) this.#arm(this.context.config.lingerMs);
  }

  // Deadlines.

  onDeadline(): void {
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
}
