// One WebSocket on its way through the app: a worker found, its word passed on, then messages in both directions, each held back
// while the other side does not keep up (docs/wire.md).

import { ownText } from "../base/own-text.ts";
import { type Job, type RefusalCause, Ticket } from "../dispatch/ticket.ts";
import type {
  AbortCause,
  Exchange,
  ExchangeEvents,
  RequestHead,
  WebSocketChannel,
  WebSocketEvents,
  WebSocketOffer,
} from "../http/exchange.ts";
import type { AnswerFile, AnswerFrame, AnswerHead, StreamSink, WebSocketSink } from "../link/stream-sink.ts";
import { MESSAGE_COST, MESSAGE_CREDIT_INITIAL } from "../link/web-socket-frames.ts";
import type { AppServices } from "./app-services.ts";
import type { AppWorker } from "./app-worker.ts";
import type { FieldsMemo } from "./trust.ts";

/**
 * The client's side; the worker's side is the ticket's state.
 *
 *   waiting ──► open ──► over
 *      └──► denying ──────▲    also from waiting: refused, client left
 */
type ClientState = "waiting" | "denying" | "open" | "over";

/** Credit is given back in steps of no less. */
const GRANT_COST_MIN = MESSAGE_CREDIT_INITIAL / 4;
/** A worker gives back in steps of so much: with less ahead it would never give back anything. */
const AHEAD_COST_MIN = 16_384;
const NO_REASON: Buffer = Buffer.alloc(0);
/** Close codes (RFC 6455 §7.4.1). */
const BROKEN = 1006;
const INTERNAL_ERROR = 1011;
const RESTART = 1012;

export interface WsExchangeOptions {
  readonly offer: WebSocketOffer;
  readonly services: AppServices;
  readonly memo: FieldsMemo;
  /** The worker that was found speaks WSGI: the handshake is a request as any other. */
  readonly answerAsHttp: () => void;
}

/** What is left of the request for the line that names a worker's death. */
export interface ExchangeFacts {
  readonly id: number;
  readonly head: Pick<RequestHead, "method" | "path">;
  readonly startedAtMs: number;
}

type Opening = Omit<WsExchangeOptions, "services"> & { readonly exchange: Exchange };

export class WsExchange implements Job, StreamSink, WebSocketSink, ExchangeEvents, WebSocketEvents {
  readonly ticket: Ticket = new Ticket(this);
  /** A GET without a body: any worker may be asked again. */
  readonly isReplayable = true;
  readonly #services: AppServices;
  /** What is needed of the handshake until it is answered. */
  #opening: Opening | undefined;
  #facts: ExchangeFacts;
  #client: ClientState = "waiting";
  #channel: WebSocketChannel | undefined = undefined;
  #worker: AppWorker | undefined = undefined;
  #stream = 0;
  #submittedAtMs = 0;
  #sentAtMs = 0;
  /** What the client's messages may still cost; paused at 0 and below. */
  #ahead: number;
  #isPaused = false;
  /** What the worker's messages cost that it was not given back yet. */
  #owed = 0;

  constructor(exchange: Exchange, { services, ...opening }: WsExchangeOptions) {
    this.#services = services;
    this.#opening = { exchange, ...opening };
    this.#facts = exchange;
    this.#ahead = Math.max(AHEAD_COST_MIN, services.webSockets.queueMax * MESSAGE_COST);
  }

  get webSocket(): WebSocketSink {
    return this;
  }

  get exchange(): ExchangeFacts {
    return this.#facts;
  }

  get workerPid(): number {
    return this.#worker?.pid ?? 0;
  }

  /** After the handshake was admitted. */
  start(exchange: Exchange): void {
    exchange.events = this;
    this.#submittedAtMs = this.#services.nowMs();
    this.#services.dispatcher.submit(this.ticket, this.#submittedAtMs);
    this.#services.wantTick();
  }

  // ── dispatch ──

  sendTo(workerId: number): void {
    const opening = this.#opening;
    if (opening === undefined) return;
    const worker = this.#services.worker(workerId);
    const { notes, head } = opening.exchange;
    const { scopes } = this.#services;
    this.#worker = worker;
    this.#sentAtMs = this.#services.nowMs();
    notes.workerPid = workerId;
    notes.queueMs = this.#sentAtMs - this.#submittedAtMs;
    notes.retries = this.ticket.deaths;
    if (worker.interface !== "asgi") {
      queueMicrotask(() => this.#giveUpOnWsgi());
      return;
    }
    notes.clientAddress = scopes.clientAddress(opening.memo);
    const scope = scopes.encodeWebSocket(
      head,
      opening.memo,
      opening.offer.subprotocols,
      opening.exchange.route,
    );
    this.#stream = worker.link.request(this, scope, 0);
  }

  #giveUpOnWsgi(): void {
    if (this.ticket.state === "running") this.#finish();
    if (this.#enterOver() === "waiting") this.#opening?.answerAsHttp();
  }

  refuse(cause: RefusalCause): void {
    const client = this.#enterOver();
    if (client === "open") this.#channel?.close(RESTART, NO_REASON);
    else if (client === "denying" || (client === "waiting" && cause === "worker-died")) {
      this.#opening?.exchange.response.abort("app-aborted", 502, "the worker died");
    } else if (client === "waiting") {
      this.#turnAway(cause);
    }
  }

  #turnAway(cause: RefusalCause): void {
    if (this.#opening !== undefined) this.#services.turnAway(this.#opening.exchange, cause);
  }

  /** Nobody waits for it, so there is nothing to release. */
  forget(): void {}

  /** An open one lives as long as its two ends like; only the handshake has a time limit, where its route says one. */
  get isHeldByClient(): boolean {
    return this.#client === "open";
  }

  get limitMs(): number {
    return this.#opening?.exchange.route?.timeoutMs ?? -1;
  }

  /** An open one is told when its worker ends. */
  expire(): void {
    if (this.#client === "open" || this.#enterOver() === "over") return;
    this.ticket.isAbandoned = true;
    this.#opening?.exchange.response.abort("app-aborted", 504, "the application took too long");
    queueMicrotask(() => this.#leaveWorker(BROKEN, NO_REASON));
  }

  /** Workers speak of time limits for HTTP requests alone. */
  onDeadline(_limitMs: number): void {}

  /** Its worker is about to be replaced. */
  restart(withinMs: number): void {
    this.#channel?.closeForRestart(withinMs);
  }

  // ── the worker's word ──

  onWebSocketAccept(subprotocol: string, block: Buffer): void {
    const opening = this.#opening;
    if (this.#client !== "waiting" || opening === undefined) return;
    const { exchange, offer } = opening;
    this.#services.dispatcher.answered(this.ticket);
    exchange.notes.appMicros = this.#microsSinceSent();
    const { id, head, peer, startedAtMs } = exchange;
    const channel = offer.accept(subprotocol, block, this);
    if (channel === undefined) return; // the client left, and onAbort was told
    this.#client = "open";
    this.#channel = channel;
    this.#opening = undefined;
    this.#facts = { id, head: { method: head.method, path: ownText(head.path) }, startedAtMs };
    // A WebSocket lives long and asks once: what was kept to answer the next request sooner is in the way.
    head.fields.memo = undefined;
    peer.memo = undefined;
    this.#services.webSockets.add(this);
    if (this.ticket.limitMs > 0) this.#services.dispatcher.limit(this.ticket, 0);
  }

  onWebSocketMessage(bytes: Buffer, isText: boolean, hasMore: boolean): void {
    if (this.#client !== "open") return;
    this.#owed += bytes.length + (hasMore ? 0 : MESSAGE_COST);
    this.#channel?.send(bytes, isText, hasMore);
    this.#grant();
  }

  onWebSocketClose(code: number, reason: Buffer): void {
    if (this.#client === "open") this.#channel?.close(code, reason);
    else this.onAppAbort("the app closed a WebSocket that it had not accepted");
  }

  /** The denial: a response in place of the WebSocket, and the last one of its connection. */
  onResponse(head: AnswerHead, frame: AnswerFrame, isEnd: boolean): void {
    this.ticket.hasMoved = true;
    if (isEnd) this.#finish();
    else this.#services.dispatcher.answered(this.ticket);
    const exchange = this.#opening?.exchange;
    if (this.#client !== "waiting" || exchange === undefined) return;
    this.#client = isEnd ? "over" : "denying";
    exchange.notes.appMicros = head.appMicros;
    exchange.response.start({ ...head, close: true }, frame.bytes, head.blockFrom, head.blockEnd, frame.to);
    if (isEnd) exchange.response.end();
  }

  onBody(bytes: Buffer, isEnd: boolean): void {
    this.ticket.hasMoved = true;
    if (isEnd) this.#finish();
    const exchange = this.#opening?.exchange;
    if (this.#client !== "denying" || exchange === undefined) return;
    if (bytes.length > 0) exchange.response.write(bytes);
    if (!isEnd) return;
    this.#client = "over";
    exchange.response.end();
  }

  /** Trailers of a denial have no reader. */
  onTrailers(_block: Buffer): void {
    this.onBody(NO_REASON, true);
  }

  onInform(_status: number, _block: Buffer): void {}

  /** A denial comes as bytes: a worker offers files to HTTP requests only. */
  onFile(_head: AnswerHead, _frame: AnswerFrame, _file: AnswerFile): void {
    this.#worker?.link.replyFile(this.#stream, false);
  }

  onCredit(cost: number): void {
    this.#ahead += cost;
    if (!this.#isPaused || this.#ahead <= 0) return;
    this.#isPaused = false;
    this.#channel?.resume();
  }

  onAppAbort(reason: string): void {
    this.#finish();
    const exchange = this.#opening?.exchange;
    const client = this.#enterOver();
    if (client === "open") this.#channel?.close(INTERNAL_ERROR, NO_REASON);
    else if (client !== "over") exchange?.response.abort("app-aborted", 500, reason);
  }

  // ── the client ──

  onMessage(bytes: Buffer, isText: boolean): void {
    if (this.ticket.state !== "running") return;
    this.#worker?.link.webSocketMessage(this.#stream, bytes, isText);
    this.#ahead -= bytes.length + MESSAGE_COST;
    if (this.#ahead > 0 || this.#isPaused) return;
    this.#isPaused = true;
    this.#channel?.pause();
  }

  /** Of a denial all bytes count; of an open WebSocket only what still waits. */
  onDrain(bytes = 0): void {
    if (this.#client === "open") this.#grant();
    else if (this.#client === "denying" && this.ticket.state === "running") {
      this.#worker?.link.release(this.#stream, bytes);
    }
  }

  onClose(code: number, reason: Buffer): void {
    this.#enterOver();
    this.#leaveWorker(code, reason);
  }

  onAbort(_cause: AbortCause): void {
    this.#enterOver();
    if (this.ticket.state === "waiting") this.#services.dispatcher.cancel(this.ticket);
    else this.#leaveWorker(BROKEN, NO_REASON);
  }

  /** WS_CLOSE from the front ends the stream (docs/wire.md). */
  #leaveWorker(code: number, reason: Buffer): void {
    if (this.ticket.state !== "running") return;
    this.#worker?.link.webSocketClose(this.#stream, code, reason);
    this.#finish();
  }

  /** A client that does not keep up is held back by its worker's credit. */
  #grant(): void {
    if (this.#owed < GRANT_COST_MIN || this.ticket.state !== "running") return;
    if ((this.#channel?.unsentBytes ?? 0) > this.#services.webSockets.unsentBytesMax) return;
    this.#worker?.link.grant(this.#stream, this.#owed);
    this.#owed = 0;
  }

  /** What it was. */
  #enterOver(): ClientState {
    const client = this.#client;
    this.#client = "over";
    if (client === "open") this.#services.webSockets.delete(this);
    return client;
  }

  /** The worker's side is over: its slot is free. How long a WebSocket lived says nothing about its app's speed. */
  #finish(): void {
    this.#services.dispatcher.finished(this.ticket, 0, this.#services.nowMs());
    this.#services.wantTick();
  }

  #microsSinceSent(): number {
    return (this.#services.nowMs() - this.#sentAtMs) * 1000;
  }
}
