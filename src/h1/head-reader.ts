// Bytes → request head. The whole head becomes one latin-1 string of which all parts are slices. A connection that repeats its
// header block to the byte gets the same Fields again: nothing is scanned or derived twice.

import type { RequestHead } from "../http/exchange.ts";
import type { MessageLimits } from "../http/limits.ts";
import { isSameAuthority, parseTarget, type Target } from "../http/target.ts";
import { FAULTY, type H1Fault, INCOMPLETE } from "./fault.ts";
import { FieldFacts } from "./field-facts.ts";
import { FieldScanner } from "./field-scanner.ts";
import { at, LF } from "./octet.ts";
import { RequestLineScanner } from "./request-line-scanner.ts";

/** A faulty request line is logged up to here. */
const LOGGED_BYTES_MAX = 8192;
const NO_FACTS: FieldFacts = new FieldFacts([]);

export class HeadReader {
  fault: H1Fault = "ERR_H1_METHOD";
  /** The head read last, valid after `read` answered with an index; as are the facts and what follows. */
  head: RequestHead | undefined = undefined;
  facts: FieldFacts = NO_FACTS;
  /** The request lets the connection be used again. */
  isPersistent = false;
  expectsContinue = false;
  /** The Upgrade field, lower-case, if the request asks for one at all. */
  upgrade = "";
  readonly #limits: MessageLimits;
  readonly #line: RequestLineScanner;
  readonly #section: FieldScanner;
  /** Length of the request line with its CRLF; 0 while it is not complete. */
  #lineLength = 0;
  /** The last header block, latin-1, and its facts; "" for none. */
  #block = "";
  #blockFacts: FieldFacts = NO_FACTS;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
    this.#line = new RequestLineScanner(limits);
    this.#section = new FieldScanner(limits, "ERR_H1_HEAD_TOO_LARGE");
  }

  /**
   * The index after the head, INCOMPLETE, or FAULTY with `fault` set. After INCOMPLETE it is called again with the same bytes
   * and more of them.
   */
  read(bytes: Buffer, from: number, to: number): number {
    if (this.#lineLength === 0) {
      const lineEnd = this.#line.scan(bytes, from, to);
      if (lineEnd === FAULTY) return this.#fail(this.#line.fault);
      if (lineEnd === INCOMPLETE) return INCOMPLETE;
      this.#lineLength = lineEnd - from;
    }
    const known = this.#section.isResuming ? INCOMPLETE : this.#readKnownBlock(bytes, from, to);
    return known === INCOMPLETE ? this.#readBlock(bytes, from, to) : known;
  }

  /** The request line as far as it is known, for the log. */
  requestLine(bytes: Buffer, from: number, to: number): string {
    const lineEnd = bytes.indexOf(LF, from);
    const end = Math.min(lineEnd < 0 ? to : lineEnd, to, from + LOGGED_BYTES_MAX);
    return bytes.toString("latin1", from, end).replace(/\r$/, "");
  }

  #fail(fault: H1Fault): number {
    this.fault = fault;
    return FAULTY;
  }

  /** INCOMPLETE also when the block is another one than last time. */
  #readKnownBlock(bytes: Buffer, from: number, to: number): number {
    const end = from + this.#lineLength + this.#block.length;
    if (end > to || this.#block === "" || end - from > this.#limits.headBytesMax) return INCOMPLETE;
    if (at(bytes, end - 1) !== LF || at(bytes, end - 3) !== LF) return INCOMPLETE;
    const text = bytes.toString("latin1", from, end);
    if (text.slice(this.#lineLength) !== this.#block) return INCOMPLETE;
    return this.#finish(text, end);
  }

  #readBlock(bytes: Buffer, from: number, to: number): number {
    const blockStart = from + this.#lineLength;
    const end = this.#section.scan(bytes, blockStart, to, this.#limits.headBytesMax - this.#lineLength);
    if (end === FAULTY) return this.#fail(this.#section.fault);
    if (end === INCOMPLETE) return INCOMPLETE;
    const text = bytes.toString("latin1", from, end);
    const facts = new FieldFacts(this.#section.flat(text, this.#lineLength));
    this.#section.reset();
    if (facts.fault !== undefined) return this.#fail(facts.fault);
    this.#block = text.slice(this.#lineLength);
    this.#blockFacts = facts;
    return this.#finish(text, end);
  }

  /** The line and the facts are known: what do they say together? */
  #finish(text: string, end: number): number {
    const facts = this.#blockFacts;
    const line = this.#line;
    const method = this.#methodOf(text);
    const rawTarget = text.slice(line.targetStart, line.targetEnd);
    const target = parseTarget(method, rawTarget);
    if (target === undefined) return this.#fail("ERR_H1_TARGET");
    const fault = judgeHost(facts, line.version === "1.1", target) ?? this.#judgeFraming(facts);
    if (fault !== undefined) return this.#fail(fault);
    this.head = {
      method,
      target: rawTarget,
      path: target.path,
      query: target.query,
      version: line.version,
      authority: target.authority === "" ? (facts.host ?? "") : target.authority,
      fields: facts.fields,
      bodyLength: facts.isChunked ? -1 : Math.max(facts.contentLength, 0),
      variables: undefined,
    };
    this.facts = facts;
    this.#deriveConnection(facts, method);
    this.#lineLength = 0;
    return end;
  }

  #methodOf(text: string): string {
    const method = text.slice(0, this.#line.targetStart - 1);
    return this.#limits.casefoldMethod ? method.toUpperCase() : method;
  }

  /** RFC 9112 §6.1: a transfer coding in an HTTP/1.0 message makes its framing faulty. */
  #judgeFraming(facts: FieldFacts): H1Fault | undefined {
    if (facts.isChunked && this.#line.version === "1.0") return "ERR_H1_TRANSFER_ENCODING_VERSION";
    const longest = this.#limits.bodyBytesMax > 0 ? this.#limits.bodyBytesMax : Number.MAX_SAFE_INTEGER;
    return facts.contentLength > longest ? "ERR_H1_BODY_TOO_LARGE" : undefined;
  }

  /** RFC 9112 §9.3, and RFC 9110 §10.1.1: an HTTP/1.0 client's 100-continue is ignored. */
  #deriveConnection(facts: FieldFacts, method: string): void {
    const isModern = this.#line.version === "1.1";
    const isWilling = isModern ? !facts.wantsClose : facts.wantsKeepAlive && !facts.wantsClose;
    this.isPersistent = isWilling && method !== "CONNECT";
    this.expectsContinue = facts.expectsContinue && isModern && (facts.isChunked || facts.contentLength > 0);
    this.upgrade = isModern && facts.wantsUpgrade ? facts.upgrade : "";
  }
}

/** RFC 9112 §3.2: Host is required on 1.1; where the target names an authority, both must agree. */
function judgeHost(facts: FieldFacts, isModern: boolean, target: Target): H1Fault | undefined {
  const host = facts.host;
  if (host === undefined) return isModern ? "ERR_H1_HOST_MISSING" : undefined;
  if (target.authority === "" || isSameAuthority(host, target.authority)) return undefined;
  return "ERR_H1_HOST_MISMATCH";
}
