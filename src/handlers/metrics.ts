// Metrics for Prometheus, on listeners of their own (--metrics): what the whole server has to tell, whichever front is asked.

import { errorPage } from "../http/error-page.ts";
import type { Exchange, Handler, ResponseSink } from "../http/exchange.ts";
import { ownHead, sendWhole } from "../http/own-response.ts";
import { CONTENT_TYPE } from "../metrics/exposition.ts";

const PATH = "/metrics";

export class MetricsHandler implements Handler {
  readonly #collect: () => Promise<string | undefined>;
  /** Whoever asks meanwhile gets the same. */
  #collecting: Promise<string | undefined> | undefined;

  /** `collect`: undefined when nothing came in time. */
  constructor(collect: () => Promise<string | undefined>) {
    this.#collect = collect;
  }

  handle(exchange: Exchange): void {
    const { head, response } = exchange;
    if (head.path !== PATH) refuse(response, 404, `The metrics are at ${PATH}.`);
    else if (head.method !== "GET" && head.method !== "HEAD") refuse(response, 405, "Allowed: GET, HEAD.");
    else void this.#answer(response);
  }

  async #answer(response: ResponseSink): Promise<void> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined;
    });
    const text = await this.#collecting;
    if (text === undefined) {
      refuse(response, 503, "The server did not tell its figures in time.");
      return;
    }
    const body = Buffer.from(text);
    const block = `Content-Type: ${CONTENT_TYPE}\r\nContent-Length: ${body.length}\r\nCache-Control: no-store\r\n\r\n`;
    sendWhole(response, ownHead(200, body.length), block, body);
  }
}

function refuse(response: ResponseSink, status: number, detail: string): void {
  const lines = status === 405 ? "Allow: GET, HEAD\r\n" : "";
  const page = errorPage(status, { detail, lines });
  sendWhole(response, ownHead(status, page.body.length), page.block, Buffer.from(page.body, "latin1"));
}
