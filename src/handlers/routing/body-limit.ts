// A route's largest request body, where that is less than the front's. A length that is known is judged at once; bytes of a body
// that has none are counted as they come.

import type { AbortCause, BodySink, Exchange, RequestBody } from "../../http/exchange.ts";
import type { Fields } from "../../http/fields.ts";
import { ResponseFilter } from "../response-filter.ts";

const TOO_LARGE = 413;
const REASON = "The request body is too large.";

/** Undefined: the request was refused. The connection ends then, since nobody wants the rest. */
export function withinBodyLimit(exchange: Exchange, bytesMax: number): Exchange | undefined {
  const { bodyLength } = exchange.head;
  if (bodyLength < 0) return new CountedExchange(exchange, bytesMax);
  if (bodyLength <= bytesMax) return exchange;
  exchange.response.abort("bad-request", TOO_LARGE, REASON);
  return undefined;
}

/** The exchange with a body that breaks off beyond `bytesMax`. */
class CountedExchange extends ResponseFilter {
  override readonly body: RequestBody;
  #isRefused = false;

  constructor(exchange: Exchange, bytesMax: number) {
    super(exchange);
    this.body = new CountedBody(exchange.body, bytesMax, (sink) => this.#refuse(sink));
  }

  /** Whoever reads the body is told first, and may want to answer: the client gets the reason all the same. */
  #refuse(sink: BodySink): void {
    this.#isRefused = true;
    sink.abort();
    this.next.abort("bad-request", TOO_LARGE, REASON);
  }

  override abort(cause: AbortCause, status: number, reason: string): void {
    if (!this.#isRefused) super.abort(cause, status, reason);
  }
}

class CountedBody implements RequestBody, BodySink {
  readonly #source: RequestBody;
  readonly #bytesMax: number;
  readonly #refuse: (sink: BodySink) => void;
  #bytes = 0;
  #sink: BodySink | undefined;

  constructor(source: RequestBody, bytesMax: number, refuse: (sink: BodySink) => void) {
    this.#source = source;
    this.#bytesMax = bytesMax;
    this.#refuse = refuse;
  }

  get awaitsContinue(): boolean {
    return this.#source.awaitsContinue;
  }

  read(sink: BodySink): void {
    this.#sink = sink;
    this.#source.read(this);
  }

  pause(): void {
    this.#source.pause();
  }

  resume(): void {
    this.#source.resume();
  }

  chunk(bytes: Uint8Array): void {
    const sink = this.#sink;
    this.#bytes += bytes.length;
    if (this.#bytes <= this.#bytesMax) {
      sink?.chunk(bytes);
    } else if (sink !== undefined) {
      this.#sink = undefined;
      this.#refuse(sink);
    }
  }

  end(trailers: Fields): void {
    this.#sink?.end(trailers);
  }

  abort(): void {
    this.#sink?.abort();
  }
}
