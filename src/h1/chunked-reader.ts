// The chunked transfer coding (RFC 9112 §7.1), decoded in place: data are views of the bytes that came. Everything countable
// is bounded: a size line, the extensions of a whole body, the trailers, the body itself.

import { Fields, NO_FIELDS } from "../http/fields.ts";
import type { MessageLimits } from "../http/limits.ts";
import { hasForbiddenTrailer } from "../http/trailers.ts";
import { type H1Fault, INCOMPLETE } from "./fault.ts";
import { FieldScanner } from "./field-scanner.ts";
import { at, CR, isBlank, isOf, LF, VALUE } from "./octet.ts";

/** Extension bytes of one body. Nobody uses extensions in earnest; many are an attack (CVE-2024-22019). */
const EXTENSION_BYTES_MAX = 16_384;
/** Enough for 2^53, and for clients that pad with zeros. */
const SIZE_DIGITS_MAX = 16;
const SEMICOLON = 0x3b;

/** *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), RFC 9112 §7.1.1. */
const EXTENSIONS =
  /^(?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*=[ \t]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*$/;

/**
 *   size ──► data ──► data-end ──► size … ──► trailers ──► done
 *    └── 0 ───────────────────────────────────────┘
 */
type ChunkState = "size" | "data" | "data-end" | "trailers" | "done";
export type ChunkOutcome = "need-data" | "data" | "done" | "fault";

export class ChunkedReader {
  outcome: ChunkOutcome = "need-data";
  fault: H1Fault = "ERR_H1_CHUNK_SIZE";
  /** With "data": where it begins; it ends where `advance` says. */
  dataStart = 0;
  trailers: Fields = NO_FIELDS;
  readonly #limits: MessageLimits;
  readonly #section: FieldScanner;
  #state: ChunkState = "size";
  #remaining = 0;
  #bodyBytes = 0;
  #extensionBytes = 0;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
    this.#section = new FieldScanner(limits, "ERR_H1_TRAILER_TOO_LARGE");
  }

  /** Before each body. */
  reset(): void {
    this.#state = "size";
    this.#bodyBytes = 0;
    this.#extensionBytes = 0;
    this.trailers = NO_FIELDS;
    this.#section.reset();
  }

  /** Goes on until there is an outcome; answers with the index up to which bytes are used up. */
  advance(bytes: Buffer, from: number, to: number): number {
    let index = from;
    for (;;) {
      const next = this.#step(bytes, index, to);
      if (next === INCOMPLETE) this.outcome = "need-data";
      if (next < 0) return index;
      index = next;
      if (this.outcome === "data" || this.outcome === "done") return index;
    }
  }

  /** One step of the machine: the index behind it, INCOMPLETE, or FAULTY (below zero, `outcome` set). */
  #step(bytes: Buffer, index: number, to: number): number {
    this.outcome = "need-data";
    if (index >= to) return INCOMPLETE;
    if (this.#state === "data") return this.#takeData(index, to);
    if (this.#state === "size") return this.#takeSize(bytes, index, to);
    if (this.#state === "data-end") return this.#takeDataEnd(bytes, index, to);
    return this.#takeTrailers(bytes, index, to);
  }

  #fail(fault: H1Fault): number {
    this.outcome = "fault";
    this.fault = fault;
    return -2;
  }

  #takeData(index: number, to: number): number {
    const length = Math.min(this.#remaining, to - index);
    this.#remaining -= length;
    if (this.#remaining === 0) this.#state = "data-end";
    this.dataStart = index;
    this.outcome = "data";
    return index + length;
  }

  /** CVE-2025-43859: the two bytes after the data are CRLF and nothing else. */
  #takeDataEnd(bytes: Buffer, index: number, to: number): number {
    if (at(bytes, index) !== CR) return this.#fail("ERR_H1_CHUNK_END");
    if (index + 1 >= to) return INCOMPLETE;
    if (at(bytes, index + 1) !== LF) return this.#fail("ERR_H1_CHUNK_END");
    this.#state = "size";
    return index + 2;
  }

  #takeSize(bytes: Buffer, from: number, to: number): number {
    let size = 0;
    let index = from;
    for (; index < to; index++) {
      const digit = hexValue(at(bytes, index));
      if (digit < 0) break;
      if (index - from >= SIZE_DIGITS_MAX) return this.#fail("ERR_H1_CHUNK_SIZE");
      size = size * 16 + digit;
    }
    if (index >= to) return INCOMPLETE;
    const byte = at(bytes, index);
    const isEnd = byte === CR || byte === SEMICOLON || isBlank(byte);
    if (index === from || !isEnd) return this.#fail(byte === LF ? "ERR_H1_LINE_END" : "ERR_H1_CHUNK_SIZE");
    if (size > Number.MAX_SAFE_INTEGER) return this.#fail("ERR_H1_CHUNK_SIZE");
    const next = this.#takeExtensions(bytes, index, { to, cap: from + this.#limits.chunkLineBytesMax });
    return next < 0 ? next : this.#startChunk(size, next);
  }

  /** The rest of a size line. The grammar is looked at when the line is whole; a bad byte ends it at once. */
  #takeExtensions(bytes: Buffer, from: number, line: { readonly to: number; readonly cap: number }): number {
    let index = from;
    while (index < line.to && index <= line.cap && isOf(at(bytes, index), VALUE)) index++;
    if (index > line.cap) return this.#fail("ERR_H1_CHUNK_LINE_TOO_LONG");
    if (index >= line.to) return INCOMPLETE;
    if (at(bytes, index) !== CR)
      return this.#fail(at(bytes, index) === LF ? "ERR_H1_LINE_END" : "ERR_H1_CHUNK_EXTENSION");
    if (index + 1 >= line.to) return INCOMPLETE;
    if (at(bytes, index + 1) !== LF) return this.#fail("ERR_H1_LINE_END");
    if (index > from && !this.#areExtensionsFine(bytes, from, index))
      return this.#fail("ERR_H1_CHUNK_EXTENSION");
    return index + 2;
  }

  #areExtensionsFine(bytes: Buffer, from: number, to: number): boolean {
    this.#extensionBytes += to - from;
    return this.#extensionBytes <= EXTENSION_BYTES_MAX && EXTENSIONS.test(bytes.toString("latin1", from, to));
  }

  #startChunk(size: number, next: number): number {
    this.#bodyBytes += size;
    const longest = this.#limits.bodyBytesMax > 0 ? this.#limits.bodyBytesMax : Number.MAX_SAFE_INTEGER;
    if (this.#bodyBytes > longest) return this.#fail("ERR_H1_BODY_TOO_LARGE");
    this.#remaining = size;
    this.#state = size === 0 ? "trailers" : "data";
    return next;
  }

  #takeTrailers(bytes: Buffer, index: number, to: number): number {
    const next = this.#section.scan(bytes, index, to, this.#limits.trailerBytesMax);
    if (next === INCOMPLETE) return INCOMPLETE;
    if (next < 0) return this.#fail(this.#section.fault);
    const flat = this.#section.flat(bytes.toString("latin1", index, next), 0);
    if (hasForbiddenTrailer(flat)) return this.#fail("ERR_H1_TRAILER_FORBIDDEN");
    if (flat.length > 0) this.trailers = new Fields(flat);
    this.#state = "done";
    this.outcome = "done";
    return next;
  }
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
