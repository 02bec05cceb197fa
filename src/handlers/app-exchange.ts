// One exchange on its way through the app: head judged, a worker found, its answer passed on. For a `wsgi` worker the body is
// collected before; to an `asgi` worker it flows while the app receives.

import { closeFile } from "../base/file-pieces.ts";
import { type Job, type RefusalCause, Ticket } from "../dispatch/ticket.ts";
import type { AbortCause, Exchange, ExchangeEvents } from "../http/exchange.ts";
import { type CancelCause, NO_BODY, NO_WINDOW } from "../link/link.ts";
import { REQUEST_WINDOW_BYTES } from "../link/request-encoder.ts";
import type { AnswerFile, AnswerFrame, AnswerHead, StreamSink } from "../link/stream-sink.ts";
import type { AppServices } from "./app-services.ts";
import type { AppWorker } from "./app-worker.ts";
import { BodyBuffer, type BodyOwner } from "./body-buffer.ts";
import { BodyFeed } from "./body-feed.ts";
import { answerUnavailable } from "./error-page.ts";
import type { EventStream } from "./event-streams.ts";
import { openSameFile } from "./file-opener.ts";
import { answerInParts } from "./files/app-files.ts";
import type { SpillOwner } from "./response-spill.ts";
import { SlowClient } from "./slow-client.ts";
import type { FieldsMemo } from "./trust.ts";

/**
 * The client's side; the worker's side is the ticket's state. Each ends without waiting for the other.
 *
 *   waiting ──► answering ──► done
 *      └──────────────────────▲    refused, aborted, client left
 */
type ClientState = "waiting" | "answering" | "done";

/** RFC 9110 §9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);
/**
 * A client that closed its sending side has left, as far as an ASGI app or the waiting line is concerned (nginx and uvicorn see
 * it so, too). Some only say that they have nothing to add: a quick answer still reaches them, and that of a WSGI app which
 * runs already, since nothing could stop that; one that asks whether its client is there is told.
 */
const HALF_CLOSE_GRACE_MS = 200;

export class AppExchange implements Job, StreamSink, ExchangeEvents, BodyOwner, EventStream, SpillOwner {
  readonly exchange: Exchange;
  readonly ticket: Ticket = new Ticket(this);
  readonly #services: AppServices;
  readonly #memo: FieldsMemo;
  #client: ClientState = "waiting";
  /** The collected body. */
  #body: BodyBuffer | undefined;
  /** The flowing body. */
  #feed: BodyFeed | undefined;
  #worker: AppWorker | undefined;
  /** 0: none; its worker waits for the body to be collected. */
  #stream = 0;
  #submittedAtMs = 0;
  #sentAtMs = 0;
  /** A file is sent in place of what the worker still sends. */
  #isHandedOver = false;
  /** Of an answer that may go to a file. */
  #slow: SlowClient | undefined;

  constructor(exchange: Exchange, services: AppServices, memo: FieldsMemo) {
    this.exchange = exchange;
    this.#services = services;
    this.#memo = memo;
  }

  /** A collected body is kept until the exchange is over; one that flowed is gone. */
  get isReplayable(): boolean {
    return IDEMPOTENT.has(this.exchange.head.method) && (this.#body !== undefined || !this.#feed?.isRead);
  }

  get workerPid(): number {
    return this.exchange.notes.workerPid;
  }

  start(): void {
    const { exchange } = this;
    exchange.events = this;
    if (exchange.head.bodyLength === 0 || this.#services.streamsBodies()) this.#submit();
    else this.#collectBody();
  }

  #submit(): void {
    this.#submittedAtMs = this.#services.nowMs();
    this.#services.dispatcher.submit(this.ticket, this.#submittedAtMs);
    this.#services.wantTick();
  }

  // ── the request body ──

  #collectBody(): void {
    const { head, body } = this.exchange;
    this.#body = new BodyBuffer(this.#services.bodies, body, { expected: head.bodyLength, owner: this });
    body.read(this.#body);
  }

  onBodyReady(): void {
    if (this.#client === "done") return;
    if (this.ticket.state === "running") this.#sendEnviron();
    else this.#submit();
  }

  onBodyAborted(): void {
    this.#client = "done"; // the front answers, if anybody is left to answer
    this.#leaveUnopened();
  }

  onBodyFailed(reason: string): void {
    if (this.#client === "done") return;
    this.#services.log.error("request body was refused", { id: this.exchange.id, reason });
    this.#client = "done";
    this.#leaveUnopened();
    answerUnavailable(this.exchange);
  }

  /** A worker that was kept waiting for the body is free again. */
  #leaveUnopened(): void {
    if (this.ticket.state === "running" && this.#stream === 0) this.#finish(0);
  }

  /** A flowing body broke off: the front has told why, unless it was a collected one that could not be read again. */
  #onFeedAborted(): void {
    if (this.ticket.state === "running") this.#worker?.cancel(this.#stream, "client-left");
    if (this.#client === "done") return;
    this.#endClient();
    this.exchange.response.abort("app-aborted", 500, "the request body is lost");
  }

  // ── dispatch ──

  sendTo(workerId: number): void {
    const worker = this.#services.worker(workerId);
    const { notes, head } = this.exchange;
    this.#worker = worker;
    this.#stream = 0;
    this.#sentAtMs = this.#services.nowMs();
    notes.workerPid = workerId;
    notes.queueMs = this.#sentAtMs - this.#submittedAtMs;
    notes.retries = this.ticket.deaths;
    if (worker.interface === "asgi") this.#sendScope(worker);
    else if (head.bodyLength === 0 || this.#body !== undefined) this.#sendEnviron();
    else this.#collectBody(); // it was meant for an ASGI app: a reload to a WSGI app came between
  }

  #sendEnviron(): void {
    const { environs } = this.#services;
    const { head, notes } = this.exchange;
    const { link } = this.#worker as AppWorker; // the dispatcher chose it
    const bodyBytes = this.#body?.length ?? 0;
    notes.clientAddress = environs.clientAddress(this.#memo);
    const environ = environs.encode(head, this.#memo, bodyBytes, this.exchange.route);
    this.#stream = link.request(this, environ, bodyBytes === 0 ? NO_BODY : 0);
    if (bodyBytes > 0) this.#body?.sendTo(link, this.#stream);
  }

  #sendScope({ link }: AppWorker): void {
    const { scopes } = this.#services;
    const { head, notes } = this.exchange;
    notes.clientAddress = scopes.clientAddress(this.#memo);
    const scope = scopes.encodeHttp(head, this.#memo, this.exchange.route);
    const expected = this.#body?.length ?? head.bodyLength;
    if (expected === 0) {
      this.#stream = link.request(this, scope, NO_BODY);
      return;
    }
    const source = this.#body?.replay() ?? this.exchange.body;
    const isAwaited = source.awaitsContinue;
    this.#stream = link.request(this, scope, isAwaited ? NO_WINDOW : 0);
    const credit = isAwaited ? 0 : REQUEST_WINDOW_BYTES;
    const options = { stream: this.#stream, credit, expected, onAborted: () => this.#onFeedAborted() };
    this.#feed = new BodyFeed(source, link, options);
    this.#feed.begin();
  }

  refuse(cause: RefusalCause): void {
    this.#releaseBody();
    if (this.#client === "done") return;
    const wasAnswering = this.#client === "answering";
    this.#endClient();
    if (cause === "worker-died") {
      this.exchange.response.abort("app-aborted", 502, "the worker died");
      return;
    }
    if (wasAnswering) this.#services.shed(cause);
    else this.#services.turnAway(this.exchange, cause);
  }

  /** Its worker is gone or gave it back, and nobody waits for an answer. */
  forget(): void {
    this.#releaseBody();
  }

  get isHeldByClient(): boolean {
    if (this.#stream === 0 || this.#feed?.awaitsClient === true) return true;
    return this.#worker?.link.isOutOfCredit(this.#stream) === true;
  }

  get limitMs(): number {
    return this.exchange.route?.timeoutMs ?? -1;
  }

  onDeadline(limitMs: number): void {
    this.#services.dispatcher.limit(this.ticket, limitMs);
    this.#services.wantTick();
  }

  expire(): void {
    this.ticket.isAbandoned = true;
    if (this.#stream !== 0) this.#worker?.cancel(this.#stream, "deadline");
    if (this.#client === "done") return;
    this.#endClient();
    this.exchange.response.abort("app-aborted", 504, "the application took too long");
  }

  #releaseBody(): void {
    this.#body?.release();
    this.#feed?.stop();
  }

  // ── the worker's answer ──

  onInform(status: number, block: Buffer): void {
    this.#services.dispatcher.answered(this.ticket);
    if (this.#client === "waiting") this.exchange.response.inform(status, block);
  }

  onResponse(head: AnswerHead, frame: AnswerFrame, isEnd: boolean): void {
    this.ticket.hasMoved = true;
    if (isEnd) this.#finish(head.appMicros);
    else this.#services.dispatcher.answered(this.ticket);
    if (this.#client !== "waiting") return;
    if (head.namesFile && this.#handOver(head, frame.bytes)) return;
    this.#client = isEnd ? "done" : "answering";
    if (head.noBuffer && !isEnd) this.#services.eventStreams.add(this);
    this.exchange.notes.appMicros = head.appMicros;
    if (!isEnd) this.#watchClient(head);
    if (isEnd && this.#services.development?.explains(this.exchange, head, frame) === true) return;
    this.exchange.response.start(head, frame.bytes, head.blockFrom, head.blockEnd, frame.to);
    if (isEnd) this.exchange.response.end();
  }

  /** A file is sent in place of the body, of which nothing is used. */
  #handOver(head: AnswerHead, bytes: Buffer): boolean {
    const { files } = this.#services;
    const block = blockOf(head, bytes);
    this.#isHandedOver = files?.take(this.exchange, head, block, this.#memo.peer.isTrusted) === true;
    if (this.#isHandedOver) this.#client = "done";
    this.exchange.notes.appMicros = head.appMicros;
    return this.#isHandedOver;
  }

  onBody(bytes: Buffer, isEnd: boolean): void {
    if (isEnd) this.#finish(this.#microsSinceSent());
    this.ticket.hasMoved = true;
    if (this.#client !== "answering") {
      if (this.#isHandedOver && !isEnd) this.onSpillTaken(bytes.length); // so that it ends
      return;
    }
    if (this.#slow !== undefined) this.#slow.write(bytes);
    else if (bytes.length > 0) this.exchange.response.write(bytes);
    // The write may have told us that the client is gone.
    if (isEnd && this.#client === "answering") this.#endAnswer();
  }

  onTrailers(block: Buffer): void {
    this.#finish(this.#microsSinceSent());
    if (this.#client === "answering") this.#endAnswer(block);
  }

  #endAnswer(trailers?: Uint8Array): void {
    if (this.#slow === undefined) this.onSpillEnd(trailers);
    else this.#slow.end(trailers);
  }

  /** From now on what the worker says of this exchange is not the client's any more. */
  #endClient(): void {
    this.#client = "done";
    this.#services.eventStreams.delete(this);
    this.#slow?.discard();
  }

  // ── a client that may read slowly ──

  /** An event stream must not lag; and an ASGI worker has other requests to go on with, its app being held back by its client's pace. */
  #watchClient({ noBuffer }: AnswerHead): void {
    const { spills } = this.#services;
    const worker = this.#worker as AppWorker; // it answers
    if (!spills.isUsable || noBuffer || worker.interface === "asgi") return;
    this.#slow = new SlowClient(spills, this, { link: worker.link, stream: this.#stream });
  }

  onSpillPiece(bytes: Uint8Array): void {
    this.exchange.response.write(bytes);
  }

  onSpillTaken(bytes: number): void {
    if (this.ticket.state === "running") this.#worker?.link.release(this.#stream, bytes);
  }

  onSpillEnd(trailers: Uint8Array | undefined): void {
    this.#endClient();
    this.exchange.response.end(trailers);
  }

  onSpillFailed(reason: string): void {
    this.#services.log.error("response broken: what waited for its client cannot be read back", {
      id: this.exchange.id,
      reason,
    });
    this.#endClient();
    this.#leaveWorker("client-left");
    this.exchange.response.abort("app-aborted", 500, reason);
  }

  onFile(head: AnswerHead, frame: AnswerFrame, file: AnswerFile): void {
    const { bytes } = frame; // the frame itself is another one when the file is open
    const worker = this.#worker;
    const stream = this.#stream;
    openSameFile(file, (fd) => {
      const isSameTry = this.#worker === worker && this.#stream === stream && this.ticket.state === "running";
      if (!isSameTry) {
        if (fd !== undefined) closeFile(fd); // the worker died meanwhile; another try may be under way
        return;
      }
      const isWanted = this.#client === "waiting";
      worker?.link.replyFile(stream, fd !== undefined || !isWanted);
      if (fd === undefined && isWanted) return; // the worker sends the answer itself
      this.#finish(this.#microsSinceSent());
      if (fd !== undefined && isWanted) this.#answerWithFile(head, bytes, fd, file);
      else if (fd !== undefined) closeFile(fd);
    });
  }

  #answerWithFile(head: AnswerHead, bytes: Buffer, fd: number, file: AnswerFile): void {
    this.#client = "done"; // no event stream yet
    this.exchange.notes.appMicros = head.appMicros;
    if (head.namesFile && this.#handOver(head, bytes)) {
      closeFile(fd);
      return;
    }
    if (file.offset === 0 && this.#answerInParts(head, bytes, { fd, length: file.length })) return;
    this.exchange.response.start(head, bytes, head.blockFrom, head.blockEnd, head.blockEnd);
    this.exchange.response.endWithFile(fd, file.offset, file.length);
  }

  /** Only who asks for parts, or has something already, pays for the look. */
  #answerInParts(head: AnswerHead, bytes: Buffer, file: { fd: number; length: number }): boolean {
    const { log } = this.#services;
    const answer = { head, block: blockOf(head, bytes), ...file };
    return answerInParts(this.exchange, answer, { log, wallMs: Date.now });
  }

  /** Bodies of `wsgi` requests are complete when they are sent: nothing waits for credit. */
  onCredit(bytes: number): void {
    this.#feed?.grant(bytes);
  }

  onAppAbort(reason: string): void {
    this.#finish(this.#microsSinceSent());
    if (this.#client === "done") return;
    this.#endClient();
    this.#services.log.debug("app broke off its answer", { id: this.exchange.id, reason });
    this.exchange.response.abort("app-aborted", 500, reason);
  }

  // ── the client ──

  onDrain(bytes: number): void {
    this.ticket.hasMoved = true;
    if (this.#client !== "answering") return;
    if (this.#slow === undefined) this.onSpillTaken(bytes);
    else this.#slow.drained(bytes);
  }

  onAbort(cause: AbortCause): void {
    if (this.#client === "done") return;
    this.#endClient();
    this.#leaveWorker(cancelCause(cause));
  }

  /** Nobody waits for the answer any more. */
  #leaveWorker(cause: CancelCause): void {
    if (this.ticket.state === "over") return; // only the client was still reading
    const isRunning = this.ticket.state === "running";
    this.#services.dispatcher.cancel(this.ticket);
    if (!isRunning) this.#releaseBody();
    else if (this.#stream === 0) this.#finish(0);
    else this.#worker?.cancel(this.#stream, cause);
  }

  onHalfClose(): void {
    setTimeout(() => {
      const isRunningWsgi = this.ticket.state === "running" && this.#worker?.interface !== "asgi";
      if (!isRunningWsgi) this.#giveUp("client-left");
      else if (this.#stream !== 0 && this.#client !== "done") this.#worker?.link.notify(this.#stream);
    }, HALF_CLOSE_GRACE_MS).unref();
  }

  notify(): void {
    if (this.ticket.state === "running" && this.#client === "answering")
      this.#worker?.link.notify(this.#stream);
  }

  cut(): void {
    this.#giveUp("front-stops");
  }

  /** Ends both sides, and with them the client's connection. */
  #giveUp(cause: "client-left" | "front-stops"): void {
    if (this.#client === "done") return;
    this.#endClient();
    this.#leaveWorker(cause);
    this.exchange.response.abort(cause, 503, "");
  }

  /** The worker's side is over: its slot is free. */
  #finish(elapsedMicros: number): void {
    this.#releaseBody();
    this.#services.dispatcher.finished(this.ticket, elapsedMicros, this.#services.nowMs());
    this.#services.wantTick();
  }

  #microsSinceSent(): number {
    return (this.#services.nowMs() - this.#sentAtMs) * 1000;
  }
}

function blockOf({ blockFrom, blockEnd }: AnswerHead, bytes: Buffer): string {
  return bytes.toString("latin1", blockFrom, blockEnd);
}

/** A client that is too slow, or breaks the protocol, is as good as gone. */
function cancelCause(cause: AbortCause): CancelCause {
  return cause === "front-stops" ? cause : "client-left";
}
