// Classes of bytes, one table look-up each (RFC 9110 §5.5 and §5.6.2, RFC 9112 §3).

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;

/** A token character: field names, methods. */
export const TOKEN = 1;
/** A token character of a conventional method: no lower case, no "#" (gunicorn's rule). */
export const METHOD = 2;
/** Printable ASCII without the space: what a request target may hold. */
export const TARGET = 4;
/** HTAB, printable ASCII, and 0x80 to 0xff: what a field value may hold. */
export const VALUE = 8;

const PUNCTUATION = "!#$%&'*+-.^_`|~";

export const OCTET: Uint8Array = makeTable();

function makeTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) table[byte] = classesOf(byte);
  return table;
}

function classesOf(byte: number): number {
  const text = String.fromCharCode(byte);
  const isToken = /[0-9A-Za-z]/.test(text) || PUNCTUATION.includes(text);
  const isMethod = isToken && !/[a-z#]/.test(text);
  const isTarget = byte > SP && byte < 0x7f;
  const isValue = isTarget || byte === SP || byte === HTAB || byte >= 0x80;
  return (isToken ? TOKEN : 0) | (isMethod ? METHOD : 0) | (isTarget ? TARGET : 0) | (isValue ? VALUE : 0);
}

/** The byte at `index`, which the caller knows to exist. */
export function at(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}

export function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB;
}

/** True when the byte is of the class. */
export function isOf(byte: number, octetClass: number): boolean {
  return ((OCTET[byte] as number) & octetClass) !== 0;
}
