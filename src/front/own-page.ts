// An error page of the server's own as a response: as the handler wants it, else the plain one.

import { errorPage } from "../http/error-page.ts";
import type { Handler, ResponseHead } from "../http/exchange.ts";
import { hasField } from "../http/header-block.ts";
import { ownHead } from "../http/own-response.ts";

export interface OwnPage {
  readonly head: ResponseHead;
  readonly block: string;
  readonly body: Buffer;
}

/** `author` is asked first: an exchange's events, or the handler where there is no exchange. */
export function ownPage(author: Pick<Handler, "errorPage">, status: number, detail: string): OwnPage {
  const { block, body } = author.errorPage?.(status, detail) ?? errorPage(status, { detail });
  const head = { ...ownHead(status, body.length), hasServer: hasField(block, "server") };
  return { head, block, body: Buffer.from(body, "latin1") };
}
