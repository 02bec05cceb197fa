// Finds the field lines of a header or trailer section (RFC 9112 §5). A fault is reported at the first byte that proves it, so
// that the answer never depends on how the bytes were split. An incomplete section is taken up again at its last whole line.
// Positions are relative to the start of the section.

import type { MessageLimits } from "../http/limits.ts";
import { FAULTY, type H1Fault, INCOMPLETE } from "./fault.ts";
import { at, COLON, CR, isBlank, LF, OCTET, TOKEN, VALUE } from "./octet.ts";

/** Name start, name end, value start, value end. */
const POSITIONS_PER_FIELD = 4;
/** Positions of the section being scanned; one for all connections, as a scan never yields. */
let positions = new Int32Array(POSITIONS_PER_FIELD * 128);

export class FieldScanner {
  fault: H1Fault = "ERR_H1_FIELD_NAME";
  readonly #limits: MessageLimits;
  readonly #tooLarge: H1Fault;
  #count = 0;
  #resumeAt = 0;
  #hasFold = false;
  /** The positions of an incomplete section, until more bytes come. */
  #kept: Int32Array | undefined = undefined;
  #start = 0;
  #to = 0;
  #sectionEnd = 0;

  constructor(limits: MessageLimits, tooLarge: "ERR_H1_HEAD_TOO_LARGE" | "ERR_H1_TRAILER_TOO_LARGE") {
    this.#limits = limits;
    this.#tooLarge = tooLarge;
  }

  /** True when a part of the section was scanned already. */
  get isResuming(): boolean {
    return this.#resumeAt > 0;
  }

  reset(): void {
    this.#count = 0;
    this.#resumeAt = 0;
    this.#hasFold = false;
    this.#kept = undefined;
  }

  /** The index after the section's blank line, INCOMPLETE, or FAULTY with `fault` set. `bytesMax` holds for the whole section. */
  scan(bytes: Uint8Array, from: number, to: number, bytesMax: number): number {
    this.#start = from;
    this.#to = to;
    this.#sectionEnd = from + bytesMax;
    if (this.#kept !== undefined) positions.set(this.#kept);
    let index = from + this.#resumeAt;
    for (;;) {
      if (index >= to) return this.#keep(index);
      if (at(bytes, index) === CR) return this.#scanBlankLine(bytes, index);
      const next = this.#scanLine(bytes, index);
      if (next === INCOMPLETE) return this.#keep(index);
      if (next === FAULTY) return FAULTY;
      index = next;
    }
  }

  /** name, value, name, value, … of the scanned section; `text` is its latin-1 form, beginning `offset` characters before it. */
  flat(text: string, offset: number): string[] {
    const flat = new Array<string>(this.#count * 2);
    for (let i = 0, p = 0; i < flat.length; i += 2, p += POSITIONS_PER_FIELD) {
      flat[i] = text.slice(offset + at4(p), offset + at4(p + 1));
      const value = text.slice(offset + at4(p + 2), offset + at4(p + 3));
      flat[i + 1] = this.#hasFold ? unfold(value) : value;
    }
    return flat;
  }

  #fail(fault: H1Fault): number {
    this.fault = fault;
    return FAULTY;
  }

  #keep(lineStart: number): number {
    this.#resumeAt = lineStart - this.#start;
    this.#kept = positions.slice(0, this.#count * POSITIONS_PER_FIELD);
    return INCOMPLETE;
  }

  #scanBlankLine(bytes: Uint8Array, index: number): number {
    if (index + 1 >= this.#to) return this.#keep(index);
    if (at(bytes, index + 1) !== LF) return this.#fail("ERR_H1_LINE_END");
    return index + 2 > this.#sectionEnd ? this.#fail(this.#tooLarge) : index + 2;
  }

  #scanLine(bytes: Uint8Array, lineStart: number): number {
    if (isBlank(at(bytes, lineStart))) return this.#scanFoldedLine(bytes, lineStart);
    if (this.#count >= this.#limits.fieldsMax) return this.#fail("ERR_H1_FIELDS_TOO_MANY");
    const cap = Math.min(lineStart + this.#limits.fieldBytesMax, this.#sectionEnd);
    const nameEnd = this.#scanName(bytes, lineStart, cap);
    if (nameEnd < 0) return nameEnd;
    const colon = this.#scanColon(bytes, nameEnd, cap);
    if (colon < 0) return colon;
    const next = this.#scanValue(bytes, colon + 1, cap);
    if (next < 0) return next;
    const p = this.#count * POSITIONS_PER_FIELD;
    if (p + POSITIONS_PER_FIELD > positions.length) growPositions();
    positions[p] = lineStart - this.#start;
    positions[p + 1] = nameEnd - this.#start;
    this.#noteValue(bytes, colon + 1, next - 2);
    return next;
  }

  /** The name's end: the first byte that is not of a token. */
  #scanName(bytes: Uint8Array, lineStart: number, cap: number): number {
    const end = Math.min(this.#to, cap);
    let index = lineStart;
    while (index < end && ((OCTET[bytes[index] as number] as number) & TOKEN) !== 0) index++;
    if (index >= end) return this.#runOut(index, cap);
    if (index > lineStart) return index;
    return this.#fail(at(bytes, index) === LF ? "ERR_H1_LINE_END" : "ERR_H1_FIELD_NAME");
  }

  /** RFC 9112 §5.1: no whitespace between the name and its colon, unless the operator strips it. */
  #scanColon(bytes: Uint8Array, nameEnd: number, cap: number): number {
    let index = nameEnd;
    if (this.#limits.stripHeaderSpaces) {
      while (index < this.#to && index < cap && isBlank(at(bytes, index))) index++;
      if (index >= this.#to || index >= cap) return this.#runOut(index, cap);
    }
    const byte = at(bytes, index);
    if (byte === COLON) return index;
    if (byte === LF) return this.#fail("ERR_H1_LINE_END");
    return this.#fail(isBlank(byte) ? "ERR_H1_SPACE_BEFORE_COLON" : "ERR_H1_FIELD_NAME");
  }

  /** The index after the line's CRLF. */
  #scanValue(bytes: Uint8Array, from: number, cap: number): number {
    const end = Math.min(this.#to, cap);
    let index = from;
    while (index < end && ((OCTET[bytes[index] as number] as number) & VALUE) !== 0) index++;
    if (index >= end) return this.#runOut(index, cap);
    const byte = at(bytes, index);
    if (byte !== CR) return this.#fail(byte === LF ? "ERR_H1_LINE_END" : "ERR_H1_FIELD_VALUE");
    if (index + 1 >= end) return this.#runOut(index + 1, cap);
    return at(bytes, index + 1) === LF ? index + 2 : this.#fail("ERR_H1_LINE_END");
  }

  /** Nothing was found up to `index`: either more is to come, or the line or the section is too long. */
  #runOut(index: number, cap: number): number {
    if (index < cap) return INCOMPLETE;
    return this.#fail(cap === this.#sectionEnd ? this.#tooLarge : "ERR_H1_FIELD_TOO_LARGE");
  }

  /** The value's positions, without the whitespace around it. */
  #noteValue(bytes: Uint8Array, from: number, to: number): void {
    let start = from;
    let end = to;
    while (start < end && isBlank(at(bytes, start))) start++;
    while (end > start && isBlank(at(bytes, end - 1))) end--;
    const p = this.#count * POSITIONS_PER_FIELD;
    positions[p + 2] = start - this.#start;
    positions[p + 3] = end - this.#start;
    this.#count++;
  }

  /** RFC 9112 §5.2: obs-fold is refused, or, where the operator permits it, taken as part of the value above. */
  #scanFoldedLine(bytes: Uint8Array, lineStart: number): number {
    if (!this.#limits.permitObsoleteFolding || this.#count === 0)
      return this.#fail("ERR_H1_OBSOLETE_FOLDING");
    const p = (this.#count - 1) * POSITIONS_PER_FIELD;
    const cap = Math.min(this.#start + at4(p) + this.#limits.fieldBytesMax, this.#sectionEnd);
    if (lineStart >= cap) return this.#runOut(lineStart, cap);
    const next = this.#scanValue(bytes, lineStart, cap);
    if (next < 0) return next;
    let valueEnd = next - 2;
    while (valueEnd > lineStart && isBlank(at(bytes, valueEnd - 1))) valueEnd--;
    if (valueEnd > lineStart) positions[p + 3] = valueEnd - this.#start;
    this.#hasFold = true;
    return next;
  }
}

function at4(index: number): number {
  return positions[index] as number;
}

function growPositions(): void {
  const grown = new Int32Array(positions.length * 2);
  grown.set(positions);
  positions = grown;
}

/** RFC 9112 §5.2: a fold and the whitespace around it become one space. */
function unfold(value: string): string {
  return value.replace(/[ \t]*\r\n[ \t]+/g, " ").replace(/^ +| +$/g, "");
}
