// Fixed responses of a route.

import type { RouteAction } from "../../config/route.ts";
import type { Exchange, Handler } from "../../http/exchange.ts";
import { ownHead, sendWhole } from "../../http/own-response.ts";
import { isBodiless } from "../../http/status.ts";
import { answerWithPage } from "../error-page.ts";

type Respond = Extract<RouteAction, { readonly kind: "respond" }>;

export class RespondHandler implements Handler {
  readonly #status: number;
  readonly #body: Buffer;
  readonly #block: string;
  readonly #isPage: boolean;

  constructor({ status, body, contentType }: Respond) {
    const isEmpty = isBodiless("GET", status);
    this.#status = status;
    this.#body = Buffer.from(isEmpty ? "" : body);
    this.#isPage = body === "" && status >= 400;
    this.#block = isEmpty
      ? "\r\n"
      : `Content-Type: ${contentType}\r\nContent-Length: ${this.#body.length}\r\n\r\n`;
  }

  handle({ response }: Exchange): void {
    if (this.#isPage) answerWithPage(response, this.#status, {});
    else sendWhole(response, ownHead(this.#status, this.#body.length), this.#block, this.#body);
  }
}
