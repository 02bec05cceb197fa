// Answers that a handler gives itself.

import { type ErrorPageOptions, errorPage } from "../http/error-page.ts";
import type { Exchange, ResponseSink } from "../http/exchange.ts";

/** Answers with a small page. */
export function answerWithPage(response: ResponseSink, status: number, options: ErrorPageOptions): void {
  const { block, body } = errorPage(status, options);
  const bytes = Buffer.from(block + body, "latin1");
  const head = {
    status,
    reason: "",
    contentLength: body.length,
    hasServer: false,
    hasDate: false,
    close: false,
    noBuffer: false,
  };
  response.start(head, bytes, 0, block.length, bytes.length);
  response.end();
}

/** No worker can take it now. */
export function answerUnavailable(exchange: Exchange): void {
  const detail = "The server is busy. Please try again in a moment.";
  answerWithPage(exchange.response, 503, { detail, lines: "Retry-After: 1\r\n" });
}
