// A small JSON answer that a handler gives itself.

import type { ResponseSink } from "../http/exchange.ts";

/** `lines`: further header lines, each with CRLF. */
export function answerWithJson(
  response: ResponseSink,
  status: number,
  value: object,
  lines: string = "",
): void {
  const body = `${JSON.stringify(value)}\n`;
  const length = Buffer.byteLength(body);
  const block = `Content-Type: application/json\r\nContent-Length: ${length}\r\nCache-Control: no-store\r\n${lines}\r\n`;
  const bytes = Buffer.from(block + body);
  const head = {
    status,
    reason: "",
    contentLength: length,
    hasServer: false,
    hasDate: false,
    close: false,
    noBuffer: false,
  };
  response.start(head, bytes, 0, block.length, bytes.length);
  response.end();
}
