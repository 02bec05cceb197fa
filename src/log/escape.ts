// Text that somebody else wrote, made safe for a log: no line breaks, no control characters, no terminal sequences,
// no quote that ends a quoted value early. Pure.

const UNSAFE_ACCESS = /[^\x20-\x7e]|["\\]/;
const UNSAFE_ACCESS_ALL = /[^\x20-\x7e]|["\\]/g;

/** For an access line: printable ASCII; `"` and `\` get a backslash, any other byte becomes \xHH (as Apache and nginx do). */
export function escapeAccess(text: string): string {
  return UNSAFE_ACCESS.test(text) ? text.replace(UNSAFE_ACCESS_ALL, accessEscape) : text;
}

function accessEscape(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  const code = character.charCodeAt(0);
  return code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
}

/** A JSON string in ASCII. */
export function jsonText(text: string): string {
  return UNSAFE_ACCESS.test(text) ? JSON.stringify(text).replace(NOT_ASCII, unicodeEscape) : `"${text}"`;
}

// JSON.stringify itself escapes below 0x20.
const NOT_ASCII = /[^\x20-\x7e]/g;

function unicodeEscape(character: string): string {
  return `\\u${hex(character.charCodeAt(0), 4)}`;
}

// Controls of C0 and C1, line separators, what turns the direction of text, and halves of characters.
const UNSAFE_LINE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** For a line of the error log: printable text of any language stays, the rest becomes \n, \t, \xHH or \uHHHH. */
export function escapeLine(text: string): string {
  return text.replace(UNSAFE_LINE, lineEscape);
}

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function lineEscape(character: string): string {
  const code = character.charCodeAt(0);
  return SHORT[character] ?? (code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
