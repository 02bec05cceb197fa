// A response as CGI programs give it (RFC 3875 §6): its first lines, and how much of a body may follow. Date, Server and what
// belongs to the client's connection are the web server's to add.

import type { ResponseHead } from "../http/exchange.ts";
import type { BodyMode } from "../http/message-protocol.ts";
import { reasonPhrase } from "../http/status.ts";

/** The status of uwsgi's answer is a status line as in HTTP, elsewhere a field. */
export type StatusForm = "HTTP/1.1" | "Status:";

const PLAIN_REASON = /^[\t\x20-\x7e\x80-\xff]*$/;
const STATUS_LINE = /^status:[^\r\n]*\r\n/gim;
const CONTENT_LENGTH_LINE = /^content-length:[^\r\n]*\r\n/gim;

export class ResponseLines {
  mode: BodyMode = "none";
  readonly #form: StatusForm;
  readonly #bodyMode: BodyMode;
  /** Bytes that may still be sent; Infinity when the body's length is not known. */
  #remaining = 0;

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
    const hasNoBody = lines.method === "HEAD" || status === 204 || status === 304;
    this.mode = hasNoBody ? "none" : this.#bodyMode;
    this.#remaining = contentLength >= 0 && status !== 204 ? contentLength : Number.POSITIVE_INFINITY;
    const isPlain = head.reason !== "" && PLAIN_REASON.test(head.reason);
    const reason = isPlain ? head.reason : reasonPhrase(status);
    const lengthless = status === 204 ? block.replace(CONTENT_LENGTH_LINE, "") : block;
    // A field of the application's must not speak for the status.
    const own = this.#form === "Status:" ? lengthless.replace(STATUS_LINE, "") : lengthless;
    return `${this.#form} ${status} ${reason}\r\n${lines.extra}${own}`;
  }

  /** Accounts for `length` body bytes; how many of them may be sent. */
  admit(length: number): number {
    if (this.mode === "none") return 0;
    const admitted = Math.min(length, this.#remaining);
    this.#remaining -= admitted;
    return admitted;
  }

  /** True when fewer bytes were admitted than Content-Length promised. */
  get isShort(): boolean {
    return this.mode !== "none" && this.#remaining > 0 && this.#remaining !== Number.POSITIVE_INFINITY;
  }
}
