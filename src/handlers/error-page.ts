// Answers that a handler gives itself.

import { type ErrorPageOptions, errorPage } from "../http/error-page.ts";
import type { Exchange, ResponseSink } from "../http/exchange.ts";
import { ownHead, sendWhole } from "../http/own-response.ts";

/** Answers with a small page. */
export function answerWithPage(response: ResponseSink, status: number, options: ErrorPageOptions): void {
  const { block, body } = errorPage(status, options);
  sendWhole(response, ownHead(status, body.length), block, Buffer.from(body, "latin1"));
}

/** No worker can take it now. */
export function answerUnavailable(exchange: Exchange): void {
  const detail = "The server is busy. Please try again in a moment.";
  answerWithPage(exchange.response, 503, { detail, lines: "Retry-After: 1\r\n" });
}
