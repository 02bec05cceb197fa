// Sends every client of a plain listener to the same place over https. GET and HEAD get 301, which everybody understands; all
// else 308, so that nobody turns a POST into a GET (RFC 9110 §15.4.2, §15.4.9).

import { errorPage } from "../http/error-page.ts";
import type { Exchange, Handler, RequestHead } from "../http/exchange.ts";
import { ownHead, sendWhole } from "../http/own-response.ts";

const TLS_PORT = 443;
/** A name or address as it may stand in a URL (RFC 3986 §3.2.2), and a port, which is left out. */
const AUTHORITY = /^([\w.-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i;

export class RedirectHandler implements Handler {
  readonly #port: string;

  constructor(port: number) {
    this.#port = port === TLS_PORT ? "" : `:${port}`;
  }

  handle({ head, response }: Exchange): void {
    const host = AUTHORITY.exec(head.authority)?.[1];
    if (host === undefined) {
      const page = errorPage(400, { detail: "Without a Host there is nowhere to be redirected to." });
      sendWhole(response, ownHead(400, page.body.length), page.block, Buffer.from(page.body, "latin1"));
      return;
    }
    const status = head.method === "GET" || head.method === "HEAD" ? 301 : 308;
    const block = `Location: https://${host}${this.#port}${pathOf(head)}\r\nContent-Length: 0\r\n\r\n`;
    sendWhole(response, ownHead(status, 0), block, NOTHING);
  }
}

const NOTHING = Buffer.alloc(0);

/** As it was asked for; the request line let only printable ASCII through. */
function pathOf({ path, query }: RequestHead): string {
  const place = path.startsWith("/") ? path : "/";
  return query === "" ? place : `${place}?${query}`;
}
