// What the app handler does for a developer (--reload): while the code is broken each request is answered with the reason, an
// exception in a request is answered with its source, and pages learn of new code.

import type { AbortCause, Exchange, ExchangeEvents } from "../http/exchange.ts";
import { ownHead, sendWhole } from "../http/own-response.ts";
import type { AnswerFrame, AnswerHead } from "../link/stream-sink.ts";
import { type DevFailure, devPageHtml, devPageText, RELOAD_PATH } from "./dev-page.ts";
import { parseReport } from "./failure-report.ts";

/** Why the application does not start. */
export interface Breakage {
  readonly message: string;
  readonly hint: string;
  readonly traceback: string;
  /** `report_of` in python/tunicorn_worker/development.py, or "". */
  readonly report: string;
}

/** REPORT_TYPE in python/tunicorn_worker/development.py, on the line that stands alone in its header block. */
const REPORT_BLOCK = "content-type: application/vnd.tunicorn.failure+json\r\n";
/** Pages that wait for new code; a further one is told to ask again. */
const WAITING_MAX = 100;
/** A browser, or a proxy before it, does not wait for ever. */
const WAIT_MS = 25_000;
const RELOAD_NOW = 205;
const ASK_AGAIN = 204;

export class Development {
  /** Another one at each start of a front, so that a page outlives the server that sent it. */
  readonly #seed: string;
  #changes = 0;
  #state: "open" | "stopping" = "open";
  #breakage: DevFailure | undefined;
  readonly #waiting = new Set<WaitingPage>();

  constructor(seed: string) {
    this.#seed = seed;
  }

  get isBroken(): boolean {
    return this.#breakage !== undefined;
  }

  /** The code does not start: from now on this is the answer. */
  broke({ message, hint, traceback, report }: Breakage): void {
    const title = "The application does not start";
    const causes = parseReport(report);
    // Without any place in the code the traceback says more: a framework may have put it into its message.
    const isPlaced = causes.some(({ frames }) => frames.length > 0);
    this.#breakage = { title, message, hint, traceback, causes: isPlaced ? causes : [] };
    this.#changed();
  }

  /** There is other code, which is about to start. */
  mended(): void {
    this.#breakage = undefined;
  }

  /** New code serves. */
  serves(): void {
    this.#breakage = undefined;
    this.#changed();
  }

  /** True when the exchange is none for the application. */
  takes(exchange: Exchange): boolean {
    if (exchange.head.path === RELOAD_PATH) this.#awaitChange(exchange);
    else if (this.#breakage !== undefined) this.explain(exchange);
    else return false;
    return true;
  }

  /** The answer of a request that waited for code which turned out to be broken. */
  explain(exchange: Exchange): void {
    if (this.#breakage !== undefined) this.#answer(exchange, this.#breakage);
  }

  /** True when the worker's answer is the report of an exception, and the client got a page of it. */
  explains(exchange: Exchange, head: AnswerHead, { bytes, to }: AnswerFrame): boolean {
    if (head.status !== 500) return false;
    if (!bytes.toString("latin1", head.blockFrom, head.blockEnd).startsWith(REPORT_BLOCK)) return false;
    const causes = parseReport(bytes.toString("utf8", head.blockEnd, to));
    const { method, path } = exchange.head;
    const message = causes.at(-1)?.message ?? "Internal Server Error";
    this.#answer(exchange, { title: `${method} ${path}`, message, hint: "", causes, traceback: "" });
    return true;
  }

  /** Nobody waits here any more: the server ends. */
  stop(): void {
    this.#state = "stopping";
    for (const page of this.#waiting) page.end(ASK_AGAIN);
  }

  #answer(exchange: Exchange, failure: DevFailure): void {
    const { method, fields } = exchange.head;
    const isBrowser = (fields.get("accept") ?? "").includes("text/html");
    const refreshes = method === "GET";
    const text = isBrowser
      ? devPageHtml(failure, { version: this.#version, refreshes })
      : devPageText(failure);
    answer(exchange, 500, `text/${isBrowser ? "html" : "plain"}; charset=utf-8`, text);
  }

  get #version(): string {
    return `${this.#seed}-${this.#changes}`;
  }

  #changed(): void {
    this.#changes += 1;
    for (const page of this.#waiting) page.end(RELOAD_NOW);
  }

  #awaitChange(exchange: Exchange): void {
    const page = new WaitingPage(exchange, () => this.#waiting.delete(page));
    const isNews = exchange.head.query !== this.#version;
    if (isNews) page.end(RELOAD_NOW);
    else if (this.#state === "open" && this.#waiting.size < WAITING_MAX) this.#waiting.add(page);
    else page.end(ASK_AGAIN);
  }
}

class WaitingPage implements ExchangeEvents {
  readonly #exchange: Exchange;
  readonly #onOver: () => void;
  readonly #timer: NodeJS.Timeout;
  #state: "waiting" | "over" = "waiting";

  constructor(exchange: Exchange, onOver: () => void) {
    this.#exchange = exchange;
    this.#onOver = onOver;
    this.#timer = setTimeout(() => this.end(ASK_AGAIN), WAIT_MS).unref();
    exchange.events = this;
  }

  end(status: number): void {
    if (!this.#leave()) return;
    answer(this.#exchange, status, "", "");
  }

  onDrain(): void {}

  onAbort(_cause: AbortCause): void {
    this.#leave();
  }

  #leave(): boolean {
    if (this.#state === "over") return false;
    this.#state = "over";
    clearTimeout(this.#timer);
    this.#onOver();
    return true;
  }
}

function answer({ response }: Exchange, status: number, type: string, text: string): void {
  const body = Buffer.from(text);
  const typeLine = type === "" ? "" : `Content-Type: ${type}\r\n`;
  const contentLength = status === ASK_AGAIN ? -1 : body.length;
  const lengthLine = contentLength < 0 ? "" : `Content-Length: ${contentLength}\r\n`;
  const block = `${typeLine}${lengthLine}Cache-Control: no-store\r\n\r\n`;
  sendWhole(response, ownHead(status, contentLength), block, body);
}
