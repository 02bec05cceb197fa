// Values → Python's marshal format, as latin-1 strings: one character is one byte, and strings join for free.
// Only types that every CPython from 3.4 and PyPy read alike (docs/wire.md, "Marshal values").

const BEYOND_ASCII = /[\u0080-\uffff]/;
const SHORT_BYTES_MAX = 255;

export const MARSHAL_NONE = "N";
export const MARSHAL_DICT_START = "{";
export const MARSHAL_DICT_END = "0";

/** A `str` with the characters of `text`, which holds no lone surrogates. */
export function marshalText(text: string): string {
  return BEYOND_ASCII.test(text) ? marshalUtf8(text) : marshalAscii(text);
}

/** A `str` of which the caller knows that it is ASCII. */
export function marshalAscii(text: string): string {
  const length = text.length;
  if (length <= SHORT_BYTES_MAX) return SHORT_HEADS[length] + text;
  return `a${marshalUint32(length)}${text}`;
}

/** A `bytes` object; one character of `text` a byte. */
export function marshalBytes(text: string): string {
  return `s${marshalUint32(text.length)}${text}`;
}

/** An `int` of 32 bits, signed. */
export function marshalInt(value: number): string {
  return `i${marshalUint32(value)}`;
}

/** The head of a tuple; `count` values follow. */
export function marshalTupleHead(count: number): string {
  return count <= SHORT_BYTES_MAX ? `)${String.fromCharCode(count)}` : `(${marshalUint32(count)}`;
}

/** The head of a list; `count` values follow. */
export function marshalListHead(count: number): string {
  return `[${marshalUint32(count)}`;
}

/** Text beyond ASCII travels as UTF-8, the one form of it that marshal has. */
function marshalUtf8(text: string): string {
  const encoded = Buffer.from(text, "utf8").toString("latin1");
  return `u${marshalUint32(encoded.length)}${encoded}`;
}

function marshalUint32(value: number): string {
  return String.fromCharCode(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255);
}

/** `z` and the length byte of every short text. */
const SHORT_HEADS: readonly string[] = Array.from(
  { length: SHORT_BYTES_MAX + 1 },
  (_, length) => `z${String.fromCharCode(length)}`,
);
