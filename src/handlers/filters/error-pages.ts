// A route's own pages for errors, in place of the application's and of the server's. What an application says beside its page
// (Retry-After, WWW-Authenticate, cookies) is kept; what described its page goes.

import { closeFile } from "../../base/file-pieces.ts";
import type { RoutePolicy } from "../../config/route.ts";
import type { ErrorPage } from "../../http/error-page.ts";
import type { Exchange, ResponseHead } from "../../http/exchange.ts";
import { withField, withoutFields } from "../../http/header-block.ts";
import { ResponseFilter } from "../response-filter.ts";
import type { PageFile, PageStore } from "./page-store.ts";

/** RFC 9110 §8: they describe the content that is not sent. */
const OF_CONTENT = [
  ...["content-type", "content-length", "content-encoding", "content-language", "content-location"],
  ...["content-range", "content-disposition", "content-md5", "digest", "content-digest", "repr-digest"],
  ...["accept-ranges", "etag", "last-modified"],
];

/** The pages of one route. */
export class ErrorPages {
  readonly #files: ReadonlyMap<string, string>;
  readonly #store: PageStore;

  constructor(pages: RoutePolicy["errorPages"], store: PageStore) {
    this.#files = new Map(pages.map(({ status, file }) => [status, file]));
    this.#store = store;
  }

  /** A page for just this status comes before one for its class. */
  of(status: number): PageFile | undefined {
    if (status < 400) return undefined;
    const file = this.#files.get(String(status)) ?? this.#files.get(`${Math.floor(status / 100)}xx`);
    return file === undefined ? undefined : this.#store.get(file);
  }

  /** In place of a page of the server's. */
  pageOf(status: number): ErrorPage | undefined {
    const page = this.of(status);
    return page === undefined
      ? undefined
      : { block: pageBlock(page, "\r\n"), body: page.bytes.toString("latin1") };
  }
}

export class ErrorPagesFilter extends ResponseFilter {
  readonly #pages: ErrorPages;
  /** What the handler still sends is not for the client. */
  #isReplaced = false;

  constructor(exchange: Exchange, pages: ErrorPages) {
    super(exchange);
    this.#pages = pages;
  }

  override start(head: ResponseHead, bytes: Buffer, from: number, blockEnd: number, end: number): void {
    const page = this.#pages.of(head.status);
    if (page === undefined) {
      this.next.start(head, bytes, from, blockEnd, end);
      return;
    }
    this.#isReplaced = true;
    const kept = withoutFields(bytes.toString("latin1", from, blockEnd), OF_CONTENT);
    const block = Buffer.from(pageBlock(page, kept), "latin1");
    const whole = Buffer.concat([block, page.bytes]);
    const contentLength = page.bytes.length;
    this.next.start({ ...head, contentLength, noBuffer: false }, whole, 0, block.length, whole.length);
    this.#swallow(end - blockEnd);
  }

  override write(bytes: Uint8Array): void {
    if (this.#isReplaced) this.#swallow(bytes.length);
    else this.next.write(bytes);
  }

  override end(trailers?: Uint8Array): void {
    this.next.end(this.#isReplaced ? undefined : trailers);
  }

  override endWithFile(fd: number, offset: number, length: number): void {
    if (!this.#isReplaced) {
      this.next.endWithFile(fd, offset, length);
      return;
    }
    closeFile(fd);
    this.next.end();
  }

  override onDrain(bytes: number): void {
    if (!this.#isReplaced) super.onDrain(bytes);
  }

  override errorPage(status: number, detail: string): ErrorPage | undefined {
    return this.#pages.pageOf(status) ?? super.errorPage(status, detail);
  }

  #swallow(bytes: number): void {
    if (bytes > 0) super.onDrain(bytes);
  }
}

function pageBlock({ bytes, contentType }: PageFile, kept: string): string {
  return withField(withField(kept, "Content-Length", String(bytes.length)), "Content-Type", contentType);
}
