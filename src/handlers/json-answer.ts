// A small JSON answer that a handler gives itself.

import type { ResponseSink } from "../http/exchange.ts";
import { ownHead, sendWhole } from "../http/own-response.ts";

/** `lines`: further header lines, each with CRLF. */
export function answerWithJson(
  response: ResponseSink,
  status: number,
  value: object,
  lines: string = "",
): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  const block = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nCache-Control: no-store\r\n${lines}\r\n`;
  sendWhole(response, ownHead(status, body.length), block, body);
}
