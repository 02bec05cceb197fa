// Fields → header block, as latin-1 text. Only the static table is used: so a field's bytes are always the same and may be kept,
// for all connections (response-fields.ts), and no client can make us hold a table for it.

import { STATIC_FIELDS } from "./hpack-tables.ts";
import { encodeHuffman, huffmanLength } from "./huffman.ts";

const nameIndex = new Map<string, number>();
const fieldIndex = new Map<string, number>();
STATIC_FIELDS.forEach(([name, value], at) => {
  if (!nameIndex.has(name)) nameIndex.set(name, at + 1);
  fieldIndex.set(`${name}\n${value}`, at + 1);
});

/** Values that must not be kept in any table on the way (RFC 7541 §7.1.3). */
const SENSITIVE: ReadonlySet<string> = new Set(["set-cookie", "cookie", "authorization"]);

/** `name` in lower case. */
export function encodeField(name: string, value: string): string {
  const whole = fieldIndex.get(`${name}\n${value}`);
  if (whole !== undefined) return encodeInteger(whole, 0x7f, 0x80);
  const first = SENSITIVE.has(name) ? 0x10 : 0;
  const index = nameIndex.get(name);
  if (index !== undefined) return encodeInteger(index, 0x0f, first) + encodeString(value);
  return String.fromCharCode(first) + encodeString(name) + encodeString(value);
}

const statusFields: string[] = [];

export function encodeStatus(status: number): string {
  const known = statusFields[status];
  if (known !== undefined) return known;
  const made = encodeField(":status", String(status));
  statusFields[status] = made;
  return made;
}

function encodeString(text: string): string {
  const length = huffmanLength(text);
  if (length >= text.length) return encodeInteger(text.length, 0x7f, 0) + text;
  return encodeInteger(length, 0x7f, 0x80) + encodeHuffman(text);
}

/** RFC 7541 §5.1; `first` has the bits before the prefix. */
function encodeInteger(value: number, mask: number, first: number): string {
  if (value < mask) return String.fromCharCode(first | value);
  let text = String.fromCharCode(first | mask);
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) text += String.fromCharCode((rest & 0x7f) | 0x80);
  return text + String.fromCharCode(rest);
}
