// Response heads and their framing (RFC 9112 §6). Heads are latin-1 strings: the shell sends head and body in one write.
// The header block of the application is trusted (the worker validated it); everything that belongs to the connection is
// added here.

import type { HttpVersion, ResponseHead } from "../http/exchange.ts";
import { withoutFields } from "../http/header-block.ts";
import type { BodyMode, CommonLines } from "../http/message-protocol.ts";
import { isBodiless, reasonPhrase, safeReason } from "../http/status.ts";

/** What of the request its response depends on. */
export interface ResponseContext {
  readonly method: string;
  readonly version: HttpVersion;
  /** The connection may be used again as far as the request and the server are concerned. */
  readonly isPersistent: boolean;
}

const LENGTH: readonly string[] = ["content-length"];

/** Status lines with the standard phrase, by status. */
const statusLines: string[] = [];

function statusLine(status: number, reason: string): string {
  if (reason !== "") return `HTTP/1.1 ${status} ${safeReason(status, reason)}\r\n`;
  const made = statusLines[status];
  if (made !== undefined) return made;
  const line = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
  statusLines[status] = line;
  return line;
}

export class ResponseWriter {
  mode: BodyMode = "none";
  /** False when this response announced, or implies, that the connection ends with it. */
  isPersistent = false;
  /** How long the body is; Infinity when that is not known. */
  bodyBytes = 0;

  /** The head up to and including `block`, which ends in a blank line. Decides framing and persistence. */
  head(head: ResponseHead, block: string, common: CommonLines, context: ResponseContext): string {
    this.#decideFraming(head, context);
    // Without a length, and without chunks, only the connection's end tells where the body ends.
    const isDelimitedByClose = this.mode === "plain" && this.bodyBytes === Number.POSITIVE_INFINITY;
    this.isPersistent = context.isPersistent && !head.close && !isDelimitedByClose;
    let text = statusLine(head.status, head.reason);
    if (!head.hasServer) text += common.serverLine;
    if (!head.hasDate) text += common.dateLine;
    text += common.extraLines;
    text += this.#connectionLine(context.version);
    if (this.mode === "chunked") text += "Transfer-Encoding: chunked\r\n";
    return text + (isLengthForbidden(head.status, context.method) ? withoutLength(block) : block);
  }

  /** RFC 9112 §6.3, as the sender has to see it. */
  #decideFraming(head: ResponseHead, context: ResponseContext): void {
    const isTunnel = isLengthForbidden(head.status, context.method);
    const isKnown = head.contentLength >= 0 && !isTunnel;
    this.bodyBytes = isKnown ? head.contentLength : Number.POSITIVE_INFINITY;
    if (isBodiless(context.method, head.status)) this.mode = "none";
    else if (isKnown || isTunnel || context.version === "1.0") this.mode = "plain";
    else this.mode = "chunked";
  }

  /** Persistence is what HTTP/1.1 implies and what HTTP/1.0 has to be told (RFC 9112 §9.3). */
  #connectionLine(version: HttpVersion): string {
    if (!this.isPersistent) return "Connection: close\r\n";
    return version === "1.0" ? "Connection: keep-alive\r\n" : "";
  }
}

/** The lines of an informational response (RFC 9110 §15.2), which frames nothing. */
export function informLines(status: number, block: string): string {
  return statusLine(status, "") + withoutLength(block);
}

/** RFC 9110 §8.6: no Content-Length with 1xx, 204, and 2xx to CONNECT. */
function isLengthForbidden(status: number, method: string): boolean {
  return status === 204 || (method === "CONNECT" && status >= 200 && status < 300);
}

function withoutLength(block: string): string {
  return withoutFields(block, LENGTH);
}
