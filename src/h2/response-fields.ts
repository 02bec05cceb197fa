// Ready-made HTTP/1.1 header lines → a header block of HTTP/2 (RFC 9113 §8.2). Most responses of an application repeat theirs, so
// what was made is kept. Latin-1 text, one character a byte.

import { CONNECTION_FIELDS } from "./connection-fields.ts";
import { encodeField } from "./hpack-encoder.ts";

const KEPT_MAX = 256;
const KEPT_CHARS_MAX = 1_024;

export class ResponseFields {
  readonly #kept = new Map<string, string>();

  /** `lines` each end in CRLF; a blank line may follow. `withoutLength` leaves Content-Length out (RFC 9110 §8.6). */
  encode(lines: string, withoutLength: boolean): string {
    if (lines.length > KEPT_CHARS_MAX || withoutLength) return encodeLines(lines, withoutLength);
    const known = this.#kept.get(lines);
    if (known !== undefined) return known;
    const made = encodeLines(lines, false);
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
    this.#kept.set(lines, made);
    return made;
  }
}

function encodeLines(lines: string, withoutLength: boolean): string {
  let block = "";
  for (let from = 0; from < lines.length; ) {
    const end = lines.indexOf("\r\n", from);
    const to = end < 0 ? lines.length : end;
    const colon = lines.indexOf(":", from);
    if (colon > from && colon < to) block += encodeLine(lines, { from, colon, to }, withoutLength);
    from = to + 2;
  }
  return block;
}

interface Line {
  readonly from: number;
  readonly colon: number;
  readonly to: number;
}

function encodeLine(lines: string, { from, colon, to }: Line, withoutLength: boolean): string {
  const name = lines.slice(from, colon).toLowerCase();
  if (CONNECTION_FIELDS.has(name) || (withoutLength && name === "content-length")) return "";
  return encodeField(name, trimBlanks(lines.slice(colon + 1, to)));
}

/** `String.trim` would also remove 0xa0, which is no whitespace in HTTP. */
function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, "");
}
