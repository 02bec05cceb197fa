// Small answers that handlers give themselves, in the form of gunicorn's (peers.md §3.6).

import { STATUS_CODES } from "node:http";
import type { ResponseSink } from "../http/exchange.ts";

/** Answers with a page of its own; `fields` are ready-made lines. The text says nothing that a client sent. */
export function answerWithPage(
  response: ResponseSink,
  status: number,
  options: { text: string; fields?: string },
): void {
  const reason = STATUS_CODES[status] ?? "Error";
  const page = `<html>\n  <head>\n    <title>${reason}</title>\n  </head>\n  <body>\n    <h1><p>${reason}</p></h1>\n    ${options.text}\n  </body>\n</html>\n`;
  const block = `Content-Type: text/html; charset=utf-8\r\nContent-Length: ${page.length}\r\n${options.fields ?? ""}\r\n`;
  const bytes = Buffer.from(block + page, "latin1");
  const head = {
    status,
    reason: "",
    contentLength: page.length,
    hasServer: false,
    hasDate: false,
    close: false,
    noBuffer: false,
  };
  response.start(head, bytes, 0, block.length, bytes.length);
  response.end();
}
