// A decoded field list → request head, strictly (RFC 9113 §8.2 and §8.3): nothing reaches an application that HTTP/1.1 could not
// have said, or would have said differently. A connection that repeats its fields gets the same Fields object again.

import type { RequestHead } from "../http/exchange.ts";
import { Fields } from "../http/fields.ts";
import type { MessageLimits } from "../http/limits.ts";
import { isAuthority, isSameAuthority, parseTarget } from "../http/target.ts";
import { CONNECTION_FIELDS } from "./connection-fields.ts";
import type { H2Fault } from "./fault.ts";

export interface H2Request {
  readonly head: RequestHead;
  /** RFC 8441: what an extended CONNECT asks for, `websocket`; "" for all other requests. Its head says GET. */
  readonly protocol: string;
  readonly expectsContinue: boolean;
}

const CONVENTIONAL_METHOD = /^[!$%&'*+\-.^_`|~0-9A-Z]{3,20}$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TARGET = /^[!-~]+$/;
/** ` HTTP/2` and what stands between the parts of a request line. */
const LINE_EXTRA_BYTES = 10;
/** `: ` and CRLF, as HTTP/1.1 would have them. */
const FIELD_EXTRA_BYTES = 4;
const NO_FIELDS = new Fields([]);

export class RequestReader {
  /** Why the last list is no request. */
  fault: H2Fault = "ERR_H2_PSEUDO_FIELD";
  readonly #limits: MessageLimits;
  #fields: Fields = NO_FIELDS;

  // Of the list being read.
  #method = "";
  #scheme = "";
  #path = "";
  #authority: string | undefined = undefined;
  #protocol = "";
  #host: string | undefined = undefined;
  #cookie = "";
  #contentLength = -1;
  #hasContentType = false;
  #expectsContinue = false;
  #seen = 0;
  #kept: string[] = [];

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** For the log: what of the request line is known. */
  get requestLine(): string {
    return this.#method === "" ? "" : `${this.#method} ${this.#path} HTTP/2`;
  }

  /** Undefined with `fault` set. `isWhole`: the client sends no body. */
  read(flat: readonly string[], isWhole: boolean): H2Request | undefined {
    this.#reset();
    const fault = this.#take(flat) ?? this.#judge(isWhole);
    if (fault !== undefined) {
      this.fault = fault;
      return undefined;
    }
    const target = parseTarget(this.#method, this.#path);
    if (target === undefined) {
      this.fault = "ERR_H2_TARGET";
      return undefined;
    }
    const head: RequestHead = {
      method: this.#method,
      target: this.#path,
      path: target.path,
      query: target.query,
      version: "2",
      authority: this.#authority ?? this.#host ?? "",
      fields: this.#sameFields(),
      // What follows an extended CONNECT is no body.
      bodyLength: isWhole || this.#protocol !== "" ? 0 : this.#contentLength,
      variables: undefined,
    };
    return { head, protocol: this.#protocol, expectsContinue: this.#expectsContinue && !isWhole };
  }

  #reset(): void {
    this.#method = "";
    this.#scheme = "";
    this.#path = "";
    this.#authority = undefined;
    this.#protocol = "";
    this.#host = undefined;
    this.#cookie = "";
    this.#contentLength = -1;
    this.#hasContentType = false;
    this.#expectsContinue = false;
    this.#seen = 0;
    this.#kept = [];
  }

  #take(flat: readonly string[]): H2Fault | undefined {
    let at = 0;
    for (; at < flat.length && (flat[at] as string).startsWith(":"); at += 2) {
      const fault = this.#takePseudo(flat[at] as string, flat[at + 1] as string);
      if (fault !== undefined) return fault;
    }
    for (; at < flat.length; at += 2) {
      const name = flat[at] as string; // even indices below length exist, and so do their successors
      const value = flat[at + 1] as string;
      if (name.length + value.length + FIELD_EXTRA_BYTES > this.#fieldBytesMax) {
        return "ERR_H2_FIELD_TOO_LARGE";
      }
      const fault = this.#takeField(name, value);
      if (fault !== undefined) return fault;
    }
    return this.#finishFields();
  }

  get #fieldBytesMax(): number {
    const { fieldBytesMax, headBytesMax } = this.#limits;
    return fieldBytesMax > 0 ? fieldBytesMax : headBytesMax;
  }

  /** RFC 9113 §8.3: each once, before all others, and no unknown ones. */
  #takePseudo(name: string, value: string): H2Fault | undefined {
    const bit = PSEUDO_BITS[name];
    if (bit === undefined || (this.#seen & bit) !== 0) return "ERR_H2_PSEUDO_FIELD";
    this.#seen |= bit;
    if (bit === METHOD) this.#method = this.#limits.casefoldMethod ? value.toUpperCase() : value;
    else if (bit === SCHEME) this.#scheme = value;
    else if (bit === PATH) this.#path = value;
    else if (bit === AUTHORITY) this.#authority = value;
    else this.#protocol = value.toLowerCase();
    return undefined;
  }

  /** Only names of these lengths matter here, so most fields cost one comparison. */
  #takeField(name: string, value: string): H2Fault | undefined {
    switch (name.length) {
      case 2:
        if (name === "te" && value.toLowerCase() !== "trailers") return "ERR_H2_CONNECTION_FIELD";
        break;
      case 4:
        if (name === "host") return this.#takeHost(value);
        break;
      case 6:
        if (name === "cookie") return this.#takeCookie(value);
        if (name === "expect") return this.#takeExpect(name, value);
        break;
      case 12:
        if (name === "content-type" && this.#hasContentType) return "ERR_H2_CONTENT_TYPE_REPEATED";
        if (name === "content-type") this.#hasContentType = true;
        break;
      case 14:
        if (name === "content-length") return this.#takeContentLength(name, value);
        break;
    }
    if (name.charCodeAt(0) === COLON) return "ERR_H2_PSEUDO_FIELD";
    if (CONNECTION_FIELDS.has(name)) return "ERR_H2_CONNECTION_FIELD";
    this.#kept.push(name, value);
    return undefined;
  }

  #takeHost(value: string): H2Fault | undefined {
    if (this.#host !== undefined) return "ERR_H2_HOST_REPEATED";
    this.#host = value;
    return undefined;
  }

  /** RFC 9113 §8.2.3: crumbs are one field to everyone else. */
  #takeCookie(value: string): undefined {
    this.#cookie = this.#cookie === "" ? value : `${this.#cookie}; ${value}`;
  }

  #takeExpect(name: string, value: string): H2Fault | undefined {
    if (value.toLowerCase() !== "100-continue") return "ERR_H2_EXPECTATION";
    this.#expectsContinue = true;
    this.#kept.push(name, value);
    return undefined;
  }

  /** As HTTP/1.1 has it here: digits, once, even if all values agree. */
  #takeContentLength(name: string, value: string): H2Fault | undefined {
    if (this.#contentLength >= 0 || !/^[0-9]+$/.test(value)) return "ERR_H2_CONTENT_LENGTH";
    this.#contentLength = Number(value);
    this.#kept.push(name, value);
    return undefined;
  }

  /** Host comes first, as an HTTP/1.1 client would have it. */
  #finishFields(): H2Fault | undefined {
    if (this.#cookie !== "") this.#kept.push("cookie", this.#cookie);
    if (this.#cookie.length + "cookie".length + FIELD_EXTRA_BYTES > this.#fieldBytesMax) {
      return "ERR_H2_FIELD_TOO_LARGE";
    }
    const host = this.#authority ?? this.#host;
    if (host !== undefined) this.#kept.unshift("host", host);
    return this.#kept.length > this.#limits.fieldsMax * 2 ? "ERR_H2_FIELDS_TOO_MANY" : undefined;
  }

  #judge(isWhole: boolean): H2Fault | undefined {
    return this.#judgePseudo() ?? this.#judgeHost() ?? this.#judgeLength(isWhole);
  }

  #judgePseudo(): H2Fault | undefined {
    const isConnect = this.#method === "CONNECT";
    const isExtended = (this.#seen & PROTOCOL) !== 0;
    if (isConnect && !isExtended) return this.#judgeConnect();
    if ((this.#seen & REQUIRED) !== REQUIRED) return "ERR_H2_PSEUDO_FIELD";
    if (isExtended !== isConnect || (isExtended && this.#protocol === "")) return "ERR_H2_PSEUDO_FIELD";
    if (this.#scheme !== "http" && this.#scheme !== "https") return "ERR_H2_SCHEME";
    if (!TARGET.test(this.#path)) return "ERR_H2_TARGET";
    if (!this.#path.startsWith("/") && this.#path !== "*") return "ERR_H2_TARGET";
    if (isConnect) return this.#judgeExtendedConnect();
    return this.#judgeMethod() ?? this.#judgeLine();
  }

  /** RFC 9113 §8.5. No tunnels here. */
  #judgeConnect(): H2Fault {
    return this.#seen === (METHOD | AUTHORITY) ? "ERR_H2_CONNECT" : "ERR_H2_PSEUDO_FIELD";
  }

  /** RFC 8441 §4: to handlers it looks like the GET that it would be on HTTP/1.1. */
  #judgeExtendedConnect(): H2Fault | undefined {
    if (this.#protocol !== "websocket") return "ERR_H2_CONNECT";
    this.#method = "GET";
    return this.#judgeLine();
  }

  #judgeMethod(): H2Fault | undefined {
    const pattern = this.#limits.permitUnconventionalMethod ? TOKEN : CONVENTIONAL_METHOD;
    return pattern.test(this.#method) ? undefined : "ERR_H2_METHOD";
  }

  #judgeLine(): H2Fault | undefined {
    const { requestLineBytesMax, headBytesMax } = this.#limits;
    const bytes = this.#method.length + this.#path.length + LINE_EXTRA_BYTES;
    const most = requestLineBytesMax > 0 ? requestLineBytesMax : headBytesMax;
    return bytes > most ? "ERR_H2_TARGET_TOO_LONG" : undefined;
  }

  /** RFC 9113 §8.3.1: :authority and Host must not contradict each other, and one of them names the host. */
  #judgeHost(): H2Fault | undefined {
    const authority = this.#authority;
    const host = this.#host;
    if (authority === undefined && host === undefined) return "ERR_H2_HOST_MISSING";
    if (authority !== undefined && !isAuthority(authority)) return "ERR_H2_HOST";
    if (host !== undefined && !isAuthority(host)) return "ERR_H2_HOST";
    const isBoth = authority !== undefined && host !== undefined;
    return isBoth && !isSameAuthority(authority, host) ? "ERR_H2_HOST_MISMATCH" : undefined;
  }

  #judgeLength(isWhole: boolean): H2Fault | undefined {
    if (isWhole && this.#contentLength > 0) return "ERR_H2_CONTENT_LENGTH";
    const { bodyBytesMax } = this.#limits;
    const longest = bodyBytesMax > 0 ? bodyBytesMax : Number.MAX_SAFE_INTEGER;
    return this.#contentLength > longest ? "ERR_H2_BODY_TOO_LARGE" : undefined;
  }

  #sameFields(): Fields {
    const kept = this.#kept;
    const last = this.#fields.flat;
    let isSame = kept.length === last.length;
    for (let i = 0; isSame && i < kept.length; i++) isSame = kept[i] === last[i];
    if (!isSame) this.#fields = new Fields(kept);
    return this.#fields;
  }
}

const COLON = 0x3a;
const METHOD = 1;
const SCHEME = 2;
const PATH = 4;
const AUTHORITY = 8;
const PROTOCOL = 16;
const REQUIRED = METHOD | SCHEME | PATH;
const PSEUDO_BITS: Readonly<Record<string, number>> = {
  __proto__: null,
  ":method": METHOD,
  ":scheme": SCHEME,
  ":path": PATH,
  ":authority": AUTHORITY,
  ":protocol": PROTOCOL,
} as unknown as Record<string, number>;
