// Responses that the server makes itself.

import type { ResponseHead, ResponseSink } from "./exchange.ts";

/** `contentLength`: -1 when unknown. */
export function ownHead(status: number, contentLength: number): ResponseHead {
  return {
    status,
    reason: "",
    contentLength,
    hasServer: false,
    hasDate: false,
    close: false,
    noBuffer: false,
  };
}

/** The whole response. `block`: latin-1 header lines and a blank line. */
export function sendWhole(response: ResponseSink, head: ResponseHead, block: string, body: Uint8Array): void {
  const bytes = Buffer.concat([Buffer.from(block, "latin1"), body]);
  response.start(head, bytes, 0, block.length, bytes.length);
  response.end();
}
