// Which responses of a route are worth compressing, may be, and what their heads say then.

import type { CompressionConfig } from "../../config/route.ts";
import { CodingChoice } from "../../http/accept-encoding.ts";
import type { RequestHead, ResponseHead } from "../../http/exchange.ts";
import { blockValue, hasMember, withField, withoutFields } from "../../http/header-block.ts";
import { availableCodings, type Coding } from "./codecs.ts";

/** Without a body, or with one that is a part of another (RFC 9110 §15.3.7): its bytes must stay as they are. */
const UNTOUCHED_STATUS: ReadonlySet<number> = new Set([204, 205, 206, 304]);
/** They tell of bytes that are not those which are sent then; ranges of those cannot be asked for. */
const OF_PLAIN_BYTES = [
  "content-length",
  "content-encoding",
  "accept-ranges",
  "content-md5",
  "digest",
  "content-digest",
  "repr-digest",
];
const EVENT_STREAM = "text/event-stream";
const ETAG_LINE = /^etag:[ \t]*(?=")/gim;

/** The rules of one route. */
export class Compressible {
  readonly bytesMin: number;
  readonly #choice: CodingChoice<Coding>;
  readonly #types: ReadonlySet<string>;

  constructor({ codings, types, bytesMin }: CompressionConfig) {
    this.bytesMin = bytesMin;
    this.#choice = new CodingChoice(availableCodings(codings));
    this.#types = new Set(types.map((type) => type.toLowerCase()));
  }

  codingFor({ fields }: RequestHead): Coding | undefined {
    const value = fields.get("accept-encoding");
    if (value === undefined) return undefined;
    const hasMore = fields.flat.length > 2 && fields.all("accept-encoding").length > 1;
    return this.#choice.of(hasMore ? fields.all("accept-encoding").join(",") : value);
  }

  /** Whether clients get this response in different codings. */
  suits(head: ResponseHead, block: string): boolean {
    if (head.noBuffer || UNTOUCHED_STATUS.has(head.status)) return false;
    if (head.contentLength >= 0 && head.contentLength < this.bytesMin) return false;
    return blockValue(block, "content-range") === undefined && this.suitsContent(block);
  }

  /** The same of what a part belongs to. */
  suitsContent(block: string): boolean {
    if (!this.#hasType(blockValue(block, "content-type"))) return false;
    if (blockValue(block, "content-encoding") !== undefined) return false;
    return !hasMember(blockValue(block, "cache-control") ?? "", "no-transform"); // RFC 9110 §7.7
  }

  #hasType(contentType: string | undefined): boolean {
    if (contentType === undefined) return false;
    const semicolon = contentType.indexOf(";");
    const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
    if (type === EVENT_STREAM) return false;
    return this.#types.has(type) || this.#types.has(`${type.slice(0, type.indexOf("/"))}/*`);
  }
}

/** RFC 9110 §12.5.5. */
export function withVary(block: string): string {
  const vary = blockValue(block, "vary") ?? "";
  if (hasMember(vary, "*") || hasMember(vary, "accept-encoding")) return block;
  return withField(block, "Vary", "Accept-Encoding");
}

/** `length`: of the compressed body, -1 when it is not known. */
export function codedBlock(block: string, coding: Coding, length: number): string {
  const bare = withWeakEtag(withVary(withoutFields(block, OF_PLAIN_BYTES)));
  const coded = withField(bare, "Content-Encoding", coding);
  return length < 0 ? coded : withField(coded, "Content-Length", String(length));
}

/** RFC 9110 §8.8.3.3: other bytes must not have the same strong tag; as a weak one it still serves If-None-Match. */
function withWeakEtag(block: string): string {
  return block.replace(ETAG_LINE, "ETag: W/");
}

/**
 * A 304 speaks of what the client has: if that was compressed, its tag was made weak here, and the application does not know
 * (RFC 9110 §15.4.5: the same ETag and Vary as a 200 would have).
 */
export function notModifiedBlock(block: string, request: RequestHead): string {
  const etag = blockValue(block, "etag") ?? "";
  const isOurs = etag.startsWith('"') && request.fields.all("if-none-match").join(",").includes(`W/${etag}`);
  return isOurs ? withWeakEtag(withVary(block)) : block;
}
