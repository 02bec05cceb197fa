// Percent-encoding of latin-1 text that stands for bytes (RFC 3986 §2.1).

const ESCAPE = /%([0-9A-Fa-f]{2})/g;
/** What cannot stand in a request target at all. */
const ODD = /[^!-~]/g;
/** What cannot stand in a path as itself: all but pchar and "/" (RFC 3986 §3.3). */
const NOT_PATH = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/]/g;

/** Each `%XX` becomes the character XX; what is no escape stays. */
export function unquote(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(ESCAPE, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** A decoded path → one that decodes to it. */
export function quotePath(path: string): string {
  return path.replace(NOT_PATH, quoteCharacter);
}

/** A target that a lenient web server let through: escapes stay, what is not printable becomes one. */
export function quoteOdd(text: string): string {
  return text.replace(ODD, quoteCharacter);
}

function quoteCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
