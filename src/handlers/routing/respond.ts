// Fixed responses of a route.

import type { RouteAction } from "../../config/route.ts";
import type { Exchange, Handler } from "../../http/exchange.ts";
import { ownHead, sendWhole } from "../../http/own-response.ts";
import { answerWithPage } from "../error-page.ts";

type Respond = Extract<RouteAction, { readonly kind: "respond" }>;

/** RFC 9110 §15.3.5, §15.4.5: these have no content. */
const BODILESS: readonly number[] = [204, 304];

export class RespondHandler implements Handler {
  readonly #status: number;
  readonly #body: Buffer;
  readonly #block: string;
  readonly #isPage: boolean;

  constructor({ status, body, contentType }: Respond) {
    const isBodiless = BODILESS.includes(status);
    this.#status = status;
    this.#body = Buffer.from(isBodiless ? "" : body);
    this.#isPage = body === "" && status >= 400;
    this.#block = isBodiless
      ? "\r\n"
      : `Content-Type: ${contentType}\r\nContent-Length: ${this.#body.length}\r\n\r\n`;
  }

  handle({ response }: Exchange): void {
    if (this.#isPage) answerWithPage(response, this.#status, {});
    else sendWhole(response, ownHead(this.#status, this.#body.length), this.#block, this.#body);
  }
}
