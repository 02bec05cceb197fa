// One exchange on its way through the app: head judged, body collected, a worker found, its answer passed on.

import { type Job, type RefusalCause, Ticket } from "../dispatch/ticket.ts";
import type { AbortCause, Exchange, ExchangeEvents } from "../http/exchange.ts";
import type { CancelCause } from "../link/link.ts";
import type { AnswerFile, AnswerFrame, AnswerHead, StreamSink } from "../link/stream-sink.ts";
import type { AppServices } from "./app-services.ts";
import type { AppWorker } from "./app-worker.ts";
import { BodyBuffer, type BodyOwner } from "./body-buffer.ts";
import type { FieldsMemo } from "./environ.ts";
import { answerWithPage } from "./error-page.ts";
import { closeFile, openSameFile } from "./file-opener.ts";

/**
 * The client's side; the worker's side is the ticket's state. Each ends without waiting for the other.
 *
 *   waiting ──► answering ──► done
 *      └──────────────────────▲    refused, aborted, client left
 */
type ClientState = "waiting" | "answering" | "done";

/** RFC 9110 §9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

export class AppExchange implements Job, StreamSink, ExchangeEvents, BodyOwner {
  readonly exchange: Exchange;
  readonly ticket: Ticket = new Ticket(this);
  readonly #services: AppServices;
  readonly #memo: FieldsMemo;
  #client: ClientState = "waiting";
  #body: BodyBuffer | undefined;
  #worker: AppWorker | undefined;
  #stream = 0;
  #submittedAtMs = 0;
  #sentAtMs = 0;

  constructor(exchange: Exchange, services: AppServices, memo: FieldsMemo) {
    this.exchange = exchange;
    this.#services = services;
    this.#memo = memo;
  }

  /** A collected body is kept until the exchange is over, so every body can be sent again. */
  get isReplayable(): boolean {
    return IDEMPOTENT.has(this.exchange.head.method);
  }

  start(): void {
    const { exchange } = this;
    exchange.events = this;
    if (exchange.head.bodyLength === 0) {
      this.onBodyReady();
      return;
    }
    const options = { expected: exchange.head.bodyLength, owner: this };
    this.#body = new BodyBuffer(this.#services.bodies, exchange.body, options);
    exchange.body.read(this.#body);
  }

  // ── the request body ──

  onBodyReady(): void {
    if (this.#client === "done") return;
    this.#submittedAtMs = this.#services.nowMs();
    this.#services.dispatcher.submit(this.ticket, this.#submittedAtMs);
    this.#services.wantTick();
  }

  onBodyAborted(): void {
    this.#client = "done"; // the front answers, if anybody is left to answer
  }

  onBodyFailed(reason: string): void {
    if (this.#client === "done") return;
    this.#services.log.error("request body was refused", { id: this.exchange.id, reason });
    this.#client = "done";
    answerUnavailable(this.exchange);
  }

  // ── dispatch ──

  sendTo(workerId: number): void {
    const worker = this.#services.worker(workerId);
    const { notes, head } = this.exchange;
    this.#worker = worker;
    this.#sentAtMs = this.#services.nowMs();
    notes.workerPid = workerId;
    notes.queueMs = this.#sentAtMs - this.#submittedAtMs;
    notes.retries = this.ticket.deaths;
    const bodyBytes = this.#body?.length ?? 0;
    const environ = this.#services.environs.encode(head, this.#memo, bodyBytes);
    this.#stream = worker.link.request(this, environ, bodyBytes === 0);
    if (bodyBytes > 0) this.#body?.sendTo(worker.link, this.#stream);
  }

  refuse(cause: RefusalCause): void {
    this.#body?.release();
    if (this.#client === "done") return;
    const wasAnswering = this.#client === "answering";
    this.#client = "done";
    if (cause === "worker-died") {
      this.exchange.response.abort("app-aborted", 502, "the worker died");
      return;
    }
    this.#services.shed(cause);
    if (!wasAnswering) answerUnavailable(this.exchange);
  }

  /** Its worker is gone or gave it back, and nobody waits for an answer. */
  forget(): void {
    this.#body?.release();
  }

  // ── the worker's answer ──

  onInform(status: number, block: Buffer): void {
    this.#services.dispatcher.answered(this.ticket);
    if (this.#client === "waiting") this.exchange.response.inform(status, block);
  }

  onResponse(head: AnswerHead, frame: AnswerFrame, isEnd: boolean): void {
    if (isEnd) this.#finish(head.appMicros);
    else this.#services.dispatcher.answered(this.ticket);
    if (this.#client !== "waiting") return;
    this.#client = isEnd ? "done" : "answering";
    this.exchange.notes.appMicros = head.appMicros;
    this.exchange.response.start(head, frame.bytes, head.blockFrom, head.blockEnd, frame.to);
    if (isEnd) this.exchange.response.end();
  }

  onBody(bytes: Buffer, isEnd: boolean): void {
    if (isEnd) this.#finish(this.#microsSinceSent());
    if (this.#client !== "answering") return;
    if (bytes.length > 0) this.exchange.response.write(bytes);
    // The write may have told us that the client is gone.
    if (!isEnd || this.#client !== "answering") return;
    this.#client = "done";
    this.exchange.response.end();
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
    this.#client = "done";
    this.exchange.notes.appMicros = head.appMicros;
    this.exchange.response.start(head, bytes, head.blockFrom, head.blockEnd, head.blockEnd);
    this.exchange.response.endWithFile(fd, file.offset, file.length);
  }

  /** Bodies of `wsgi` requests are complete when they are sent: nothing waits for credit. */
  onCredit(_bytes: number): void {}

  onAppAbort(reason: string): void {
    this.#finish(this.#microsSinceSent());
    if (this.#client === "done") return;
    this.#client = "done";
    this.#services.log.debug("app broke off its answer", { id: this.exchange.id, reason });
    this.exchange.response.abort("app-aborted", 500, reason);
  }

  // ── the client ──

  onDrain(bytes: number): void {
    if (this.ticket.state === "running" && this.#client === "answering")
      this.#worker?.link.release(this.#stream, bytes);
  }

  onAbort(cause: AbortCause): void {
    if (this.#client === "done") return;
    this.#client = "done";
    const isRunning = this.ticket.state === "running";
    this.#services.dispatcher.cancel(this.ticket);
    if (isRunning) this.#worker?.cancel(this.#stream, cancelCause(cause));
    else this.#body?.release();
  }

  /** The worker's side is over: its slot is free. */
  #finish(elapsedMicros: number): void {
    this.#body?.release();
    this.#services.dispatcher.finished(this.ticket, elapsedMicros, this.#services.nowMs());
    this.#services.wantTick();
  }

  #microsSinceSent(): number {
    return (this.#services.nowMs() - this.#sentAtMs) * 1000;
  }
}

function cancelCause(cause: AbortCause): CancelCause {
  return cause === "client-left" || cause === "front-stops" ? cause : "deadline";
}

function answerUnavailable(exchange: Exchange): void {
  const detail = "The server is busy. Please try again in a moment.";
  answerWithPage(exchange.response, 503, { detail, lines: "Retry-After: 1\r\n" });
}
