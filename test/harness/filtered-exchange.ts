// A handler's answer through the filters of a route, and what a client gets of it.

import { EventEmitter, once } from "node:events";
import { NO_POLICY, type RoutePolicy } from "../../src/config/route.ts";
import { filterServices, filtersOf } from "../../src/handlers/filters/chain.ts";
import type { Exchange, ExchangeEvents, ResponseHead } from "../../src/http/exchange.ts";
import { ownHead } from "../../src/http/own-response.ts";
import { FakeExchange, type FakeRequest } from "./fake-exchange.ts";
import { quietLog } from "./front-parts.ts";

/** A client that takes every byte at once, or only when told. */
export class ClientExchange extends FakeExchange {
  takesAll = true;
  head0: ResponseHead | undefined;
  readonly pieces: Buffer[] = [];
  readonly news: EventEmitter = new EventEmitter();

  override start(head: ResponseHead, bytes: Buffer, from: number, blockEnd: number, end: number): void {
    super.start(head, bytes, from, blockEnd, blockEnd);
    this.head0 = head;
    this.#take(bytes.subarray(blockEnd, end));
  }

  override write(bytes: Uint8Array): void {
    this.#take(Buffer.from(bytes));
  }

  get bodyBytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  #take(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.pieces.push(bytes);
    this.news.emit("bytes");
    if (this.takesAll) queueMicrotask(() => this.events?.onDrain(bytes.length));
  }

  /** A body that satisfies `test`, as soon as it is there. */
  async until(test: (body: Buffer) => boolean): Promise<Buffer> {
    while (!test(this.bodyBytes)) await once(this.news, "bytes", { signal: AbortSignal.timeout(5_000) });
    return this.bodyBytes;
  }
}

export interface Filtered {
  readonly client: ClientExchange;
  /** The handler's. */
  readonly exchange: Exchange;
  /** Told to the handler. */
  readonly drained: number[];
  readonly aborts: string[];
}

export function throughFilters(policy: Partial<RoutePolicy>, request: FakeRequest = {}): Filtered {
  const client = new ClientExchange(request);
  const filters = filtersOf(
    { ...NO_POLICY, ...policy },
    filterServices(quietLog, () => performance.now()),
  );
  const exchange = filters === undefined ? client : filters(client);
  const drained: number[] = [];
  const aborts: string[] = [];
  const events: ExchangeEvents = {
    onDrain: (bytes) => drained.push(bytes),
    onAbort: (cause) => aborts.push(cause),
  };
  exchange.events = events;
  return { client, exchange, drained, aborts };
}

export interface Answer {
  readonly status?: number;
  /** Lines without CRLF. */
  readonly fields?: readonly string[];
  readonly body?: Uint8Array;
  readonly noBuffer?: boolean;
  /** Announced; by default that of the body, -1 unknown. */
  readonly length?: number;
}

/** The head and the first part of the body. */
export function begin(exchange: Exchange, answer: Answer): void {
  const { status = 200, fields = [], body = Buffer.alloc(0) } = answer;
  const length = answer.length ?? body.length;
  const lines = length < 0 ? fields : [...fields, `Content-Length: ${length}`];
  const block = Buffer.from([...lines, "", ""].join("\r\n"), "latin1");
  const head = { ...ownHead(status, length), noBuffer: answer.noBuffer ?? false };
  const bytes = Buffer.concat([block, body]);
  exchange.response.start(head, bytes, 0, block.length, bytes.length);
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
