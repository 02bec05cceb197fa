// A response as CGI programs give it (RFC 3875 §6): its first lines, and how long a body may follow. Date, Server and what
// belongs to the client's connection are the web server's to add.

import type { ResponseHead } from "../http/exchange.ts";
import { withoutFields } from "../http/header-block.ts";
import type { BodyMode } from "../http/message-protocol.ts";
import { isBodiless, safeReason } from "../http/status.ts";

/** The status of uwsgi's answer is a status line as in HTTP, elsewhere a field. */
export type StatusForm = "HTTP/1.1" | "Status:";

const STATUS: readonly string[] = ["status"];
const LENGTH: readonly string[] = ["content-length"];

export class ResponseLines {
  mode: BodyMode = "none";
  /** How long the body is; Infinity when that is not known. */
  bodyBytes = 0;
  readonly #form: StatusForm;
  readonly #bodyMode: BodyMode;

  /** `bodyMode`: of a response that has a body. */
  constructor(form: StatusForm, bodyMode: BodyMode) {
    this.#form = form;
    this.#bodyMode = bodyMode;
  }

  /** Up to and including `block`, which ends in a blank line. `method` is the request's. */
  head(
    head: ResponseHead,
    block: string,
    lines: { readonly method: string; readonly extra: string },
  ): string {
    const { status, contentLength } = head;
    this.mode = isBodiless(lines.method, status) ? "none" : this.#bodyMode;
    this.bodyBytes = contentLength >= 0 && status !== 204 ? contentLength : Number.POSITIVE_INFINITY;
    const reason = safeReason(status, head.reason);
    const lengthless = status === 204 ? withoutFields(block, LENGTH) : block;
    // A field of the application's must not speak for the status.
    const own = this.#form === "Status:" ? withoutFields(lengthless, STATUS) : lengthless;
    return `${this.#form} ${status} ${reason}\r\n${lines.extra}${own}`;
  }
}
