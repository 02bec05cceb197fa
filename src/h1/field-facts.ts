// What a header section says about its message and its connection: derived once, and again only when the section changes.
// The rules are RFC 9110 §5–§7 and RFC 9112 §6, at least as strict as gunicorn's.

import { Fields } from "../http/fields.ts";
import { isAuthority } from "../http/target.ts";
import type { H1Fault } from "./fault.ts";

export class FieldFacts {
  readonly fields: Fields;
  host: string | undefined = undefined;
  /** -1 without Content-Length. */
  contentLength = -1;
  isChunked = false;
  wantsClose = false;
  wantsKeepAlive = false;
  wantsUpgrade = false;
  expectsContinue = false;
  /** The Upgrade field's value, lower-case. */
  upgrade = "";
  fault: H1Fault | undefined = undefined;
  #codings = "";
  #hasContentType = false;

  constructor(flat: readonly string[]) {
    this.fields = new Fields(flat);
    for (let i = 0; i < flat.length && this.fault === undefined; i += 2) {
      this.fault = this.#take(flat[i] as string, flat[i + 1] as string);
    }
    if (this.fault === undefined && this.#codings !== "") this.fault = this.#judgeCodings();
  }

  /** Only names of these lengths matter here, so most fields cost one comparison. */
  #take(name: string, value: string): H1Fault | undefined {
    switch (name.length) {
      case 4:
        return name.toLowerCase() === "host" ? this.#takeHost(value) : undefined;
      case 6:
        return name.toLowerCase() === "expect" ? this.#takeExpect(value) : undefined;
      case 7:
        if (name.toLowerCase() === "upgrade") this.upgrade = joined(this.upgrade, value.toLowerCase());
        return undefined;
      case 10:
        if (name.toLowerCase() === "connection") this.#takeConnection(value);
        return undefined;
      case 12:
        return name.toLowerCase() === "content-type" ? this.#takeContentType() : undefined;
      case 14:
        return name.toLowerCase() === "content-length" ? this.#takeContentLength(value) : undefined;
      case 17:
        if (name.toLowerCase() === "transfer-encoding") this.#codings += `,${value}`;
        return undefined;
      default:
        return undefined;
    }
  }

  /** RFC 9112 §3.2: more than one Host, or an invalid one, is a 400. */
  #takeHost(value: string): H1Fault | undefined {
    if (this.host !== undefined) return "ERR_H1_HOST_REPEATED";
    this.host = value;
    return isAuthority(value) ? undefined : "ERR_H1_HOST";
  }

  #takeExpect(value: string): H1Fault | undefined {
    const words = listOf(value);
    if (words.length === 0 || words.some((word) => word !== "100-continue")) return "ERR_H1_EXPECTATION";
    this.expectsContinue = true;
    return undefined;
  }

  #takeConnection(value: string): void {
    for (const word of listOf(value)) {
      if (word === "close") this.wantsClose = true;
      else if (word === "keep-alive") this.wantsKeepAlive = true;
      else if (word === "upgrade") this.wantsUpgrade = true;
    }
  }

  #takeContentType(): H1Fault | undefined {
    if (this.#hasContentType) return "ERR_H1_CONTENT_TYPE_REPEATED";
    this.#hasContentType = true;
    return undefined;
  }

  /** Digits only, once: no list, no sign, even if all values agree. Numbers past 2^53 are left to the body limit. */
  #takeContentLength(value: string): H1Fault | undefined {
    if (this.contentLength >= 0) return "ERR_H1_CONTENT_LENGTH_REPEATED";
    if (!/^[0-9]+$/.test(value)) return "ERR_H1_CONTENT_LENGTH";
    this.contentLength = Number(value);
    return undefined;
  }

  /**
   * RFC 9112 §6.1 and §6.3: chunked once and last. Other codings would have to be undone before the application may see the
   * body, and are not: 501.
   */
  #judgeCodings(): H1Fault | undefined {
    if (this.contentLength >= 0) return "ERR_H1_FRAMING_CONFLICT";
    const codings = this.#codings.slice(1).split(",").map(trimBlanks);
    if (codings.some((coding) => !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(coding)))
      return "ERR_H1_TRANSFER_ENCODING";
    const isChunked = codings.map((coding) => coding.toLowerCase() === "chunked");
    if (isChunked.indexOf(true) !== codings.length - 1) {
      return isChunked.includes(true) ? "ERR_H1_TRANSFER_ENCODING" : withoutChunked(codings);
    }
    if (codings.length > 1) return "ERR_H1_TRANSFER_CODING";
    this.isChunked = true;
    return undefined;
  }
}

/** Codings without a final chunked leave the body's end unknown; ones nobody knows are a 501 first. */
function withoutChunked(codings: readonly string[]): H1Fault {
  const isKnown = codings.every((coding) => /^(x-)?(gzip|compress|deflate|identity)$/i.test(coding));
  return isKnown ? "ERR_H1_TRANSFER_ENCODING" : "ERR_H1_TRANSFER_CODING";
}

/** The members of a comma-separated list of words, lower-case, empty ones left out (RFC 9110 §5.6.1). */
function listOf(value: string): string[] {
  const lower = value.toLowerCase();
  if (!lower.includes(",")) return lower === "" ? [] : [lower];
  return lower
    .split(",")
    .map(trimBlanks)
    .filter((word) => word !== "");
}

/** `String.trim` would also remove 0xa0, which is no whitespace in HTTP. */
function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}

function joined(list: string, more: string): string {
  return list === "" ? more : `${list}, ${more}`;
}
