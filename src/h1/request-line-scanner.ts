// Finds the parts of a request line (RFC 9112 §3). A fault is reported at the first byte that proves it, so that the
// answer never depends on how the bytes were split. Positions are relative to the start of the line.

import type { HttpVersion } from "../http/exchange.ts";
import type { MessageLimits } from "../http/limits.ts";
import { FAULTY, type H1Fault, INCOMPLETE } from "./fault.ts";
import { at, CR, isOf, LF, METHOD, OCTET, SP, TARGET, TOKEN } from "./octet.ts";

const METHOD_BYTES_MIN = 3;
const METHOD_BYTES_MAX = 20;
const VERSION_BYTES = 8;
const DIGIT_0 = 0x30;
/** First byte of a TLS record that carries a handshake. */
const TLS_HANDSHAKE = 0x16;

export class RequestLineScanner {
  fault: H1Fault = "ERR_H1_METHOD";
  targetStart = 0;
  targetEnd = 0;
  version: HttpVersion = "1.1";
  readonly #permitsAnyMethod: boolean;
  readonly #permitsAnyVersion: boolean;
  readonly #methodClass: number;
  readonly #lineBytesMax: number;

  constructor(limits: MessageLimits) {
    this.#permitsAnyMethod = limits.permitUnconventionalMethod;
    this.#permitsAnyVersion = limits.permitUnconventionalVersion;
    this.#methodClass = limits.permitUnconventionalMethod ? TOKEN : METHOD;
    // gunicorn: 0 means no limit of its own; the head's still holds.
    this.#lineBytesMax = limits.requestLineBytesMax > 0 ? limits.requestLineBytesMax : limits.headBytesMax;
  }

  /** The index after the line's CRLF, INCOMPLETE, or FAULTY with `fault` set. */
  scan(bytes: Uint8Array, from: number, to: number): number {
    const cap = from + this.#lineBytesMax;
    const end = Math.min(to, cap);
    const methodEnd = this.#scanMethod(bytes, from, end, cap);
    if (methodEnd < 0) return methodEnd;
    const targetEnd = this.#scanTarget(bytes, methodEnd + 1, end, cap);
    if (targetEnd < 0) return targetEnd;
    this.targetStart = methodEnd + 1 - from;
    this.targetEnd = targetEnd - from;
    const isPri = this.targetStart === 4 && at(bytes, from) === 0x50 && at(bytes, from + 1) === 0x52;
    return this.#scanVersion(bytes, targetEnd + 1, { to, cap, isPri });
  }

  #fail(fault: H1Fault): number {
    this.fault = fault;
    return FAULTY;
  }

  /** Nothing was found up to `end`: either more is to come, or the line is too long. */
  #runOut(end: number, cap: number): number {
    return end >= cap ? this.#fail("ERR_H1_REQUEST_LINE_TOO_LONG") : INCOMPLETE;
  }

  #scanMethod(bytes: Uint8Array, from: number, end: number, cap: number): number {
    const longest = this.#permitsAnyMethod ? end : from + METHOD_BYTES_MAX;
    let index = from;
    while (index < end && isOf(at(bytes, index), this.#methodClass)) {
      if (index++ === longest) return this.#fail("ERR_H1_METHOD");
    }
    if (index === end) return this.#runOut(end, cap);
    const byte = at(bytes, index);
    if (byte !== SP) return this.#fail(methodFault(byte, index === from));
    const shortest = this.#permitsAnyMethod ? 1 : METHOD_BYTES_MIN;
    return index - from < shortest ? this.#fail("ERR_H1_METHOD") : index;
  }

  #scanTarget(bytes: Uint8Array, from: number, end: number, cap: number): number {
    let index = from;
    while (index < end && ((OCTET[bytes[index] as number] as number) & TARGET) !== 0) index++;
    if (index >= end) return this.#runOut(end, cap);
    const byte = at(bytes, index);
    if (byte === LF) return this.#fail("ERR_H1_LINE_END");
    return byte !== SP || index === from ? this.#fail("ERR_H1_TARGET") : index;
  }

  /** `HTTP/` digit `.` digit CRLF. */
  #scanVersion(bytes: Uint8Array, from: number, line: { to: number; cap: number; isPri: boolean }): number {
    for (let offset = 0; offset < VERSION_BYTES + 2; offset++) {
      const index = from + offset;
      if (index >= line.to) return INCOMPLETE;
      const byte = at(bytes, index);
      if (offset > VERSION_BYTES)
        return byte === LF ? this.#judgeVersion(bytes, from, line.isPri) : this.#fail("ERR_H1_LINE_END");
      if (index > line.cap || (index === line.cap && byte !== CR))
        return this.#fail("ERR_H1_REQUEST_LINE_TOO_LONG");
      if (!isVersionByte(byte, offset)) return this.#fail(byte === LF ? "ERR_H1_LINE_END" : "ERR_H1_VERSION");
    }
    return INCOMPLETE;
  }

  #judgeVersion(bytes: Uint8Array, from: number, isPri: boolean): number {
    const major = at(bytes, from + 5) - DIGIT_0;
    const minor = at(bytes, from + 7) - DIGIT_0;
    const isKnown = major === 1 && minor <= 1;
    if (!isKnown && isPri && major === 2) return this.#fail("ERR_H1_HTTP2_PREFACE");
    if (!isKnown && !this.#permitsAnyVersion) return this.#fail("ERR_H1_VERSION_UNSUPPORTED");
    this.version = major === 0 || (major === 1 && minor === 0) ? "1.0" : "1.1";
    return from + VERSION_BYTES + 2;
  }
}

function methodFault(byte: number, isFirst: boolean): H1Fault {
  if (byte === LF) return "ERR_H1_LINE_END";
  return isFirst && byte === TLS_HANDSHAKE ? "ERR_H1_TLS_HANDSHAKE" : "ERR_H1_METHOD";
}

/** The pattern of "HTTP/1.1" and the CR behind it, byte by byte; 0 stands for a digit. */
const VERSION_PATTERN = [0x48, 0x54, 0x54, 0x50, 0x2f, 0, 0x2e, 0, CR];

function isVersionByte(byte: number, offset: number): boolean {
  const wanted = VERSION_PATTERN[offset];
  return wanted === 0 ? byte >= DIGIT_0 && byte <= DIGIT_0 + 9 : byte === wanted;
}
