// The header fields that a route sets, fills in or removes in each of its responses, those of the server's own included.

import type { RoutePolicy } from "../../config/route.ts";
import { type ErrorPage, errorPage } from "../../http/error-page.ts";
import type { Exchange, ResponseHead } from "../../http/exchange.ts";
import { blockValue, withField, withoutFields } from "../../http/header-block.ts";
import { ResponseFilter } from "../response-filter.ts";

/** RFC 6797 §7.2: never over a connection that others can read. */
const ONLY_SECURE = "strict-transport-security";

type Field = readonly [string, string];

/** The rules of one route. */
export class RouteFields {
  readonly #names: readonly string[];
  readonly #set: readonly Field[];
  readonly #defaults: readonly Field[];

  constructor({ headers, headerDefaults }: Pick<RoutePolicy, "headers" | "headerDefaults">) {
    this.#names = [...new Set(headers.map(([name]) => name))];
    this.#set = headers.filter(([, value]) => value !== "");
    this.#defaults = (headerDefaults ?? []).filter(([name]) => !this.#names.includes(name));
  }

  apply(block: string, isSecure: boolean): string {
    const isSent = ([name]: Field): boolean => isSecure || name !== ONLY_SECURE;
    let text = withoutFields(block, this.#names);
    const missing = this.#defaults.filter(([name]) => blockValue(block, name) === undefined);
    for (const [name, value] of [...this.#set, ...missing].filter(isSent)) {
      text = withField(text, titleCase(name), value);
    }
    return text;
  }

  setsServer(): boolean {
    return this.#names.includes("server");
  }

  setsDate(): boolean {
    return this.#names.includes("date");
  }
}

export class RouteFieldsFilter extends ResponseFilter {
  readonly #fields: RouteFields;

  constructor(exchange: Exchange, fields: RouteFields) {
    super(exchange);
    this.#fields = fields;
  }

  override start(head: ResponseHead, bytes: Buffer, from: number, blockEnd: number, end: number): void {
    const block = this.#apply(bytes.toString("latin1", from, blockEnd));
    const changed = Buffer.allocUnsafe(block.length + end - blockEnd);
    changed.write(block, "latin1");
    bytes.copy(changed, block.length, blockEnd, end);
    this.next.start(this.#adapt(head), changed, 0, block.length, changed.length);
  }

  override errorPage(status: number, detail: string): ErrorPage {
    const page = super.errorPage(status, detail) ?? errorPage(status, { detail });
    return { block: this.#apply(page.block), body: page.body };
  }

  #apply(block: string): string {
    return this.#fields.apply(block, this.peer.isTls || this.notes.scheme === "https");
  }

  /** What the route sets or removes, the server does not add. */
  #adapt(head: ResponseHead): ResponseHead {
    const hasServer = this.#fields.setsServer() || head.hasServer;
    const hasDate = this.#fields.setsDate() || head.hasDate;
    if (hasServer === head.hasServer && hasDate === head.hasDate) return head;
    return { ...head, hasServer, hasDate };
  }
}

/** As people write names, for those who read them. */
function titleCase(name: string): string {
  return name.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
