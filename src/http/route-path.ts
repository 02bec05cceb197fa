// How a request's path is read where something is decided by it. The application gets the path as it was sent; Python decodes
// every escape of it, frameworks may merge slashes or resolve dots, and so may the file system. What is decided here must hold
// for each of these readings: of a path that can be read in several ways all are asked for (`pathReadings`), and whoever decides
// refuses it where they do not agree. Decoded text has a character for each byte, as WSGI has it.

/** Escapes, empty segments, dot segments, parameters, backslashes: whatever can be read in more than one way. */
const SEVERAL_READINGS = /[%;\\]|\/\/|\/\.\.?(?:\/|$)/;
/** A backslash belongs in no URI (RFC 3986 §2); browsers make a slash of it. */
const BROKEN = /%(?![0-9A-Fa-f]{2})|%00|\\/;
const ESCAPE = /%([0-9A-Fa-f]{2})/g;
const ESCAPED_SLASH = /%2[Ff]/;

/** True for nearly all requests: the path says what it says. */
export function isPlainPath(path: string): boolean {
  return !SEVERAL_READINGS.test(path);
}

/**
 * What the path may mean, each reading once: decoded as Python does it, with escaped slashes as slashes or not, and with each
 * of the steps below taken or not. Undefined: broken escapes, NUL, a bare backslash, or a way out of the root.
 */
export function pathReadings(path: string): readonly string[] | undefined {
  if (BROKEN.test(path)) return undefined;
  const readings = new Set([decode(path), path.split(ESCAPED_SLASH).map(decode).join("%2F")]);
  for (const step of STEPS) {
    for (const reading of [...readings]) {
      const other = step(reading);
      if (other === undefined) return undefined;
      readings.add(other);
    }
  }
  return [...readings];
}

/** Some take these steps and some do not; where the order matters, a step stands twice. */
const STEPS: readonly ((path: string) => string | undefined)[] = [
  (path) => path.replaceAll("\\", "/"),
  (path) => path.replace(/;[^/]*/g, ""),
  resolveDots,
  (path) => path.replace(/\/{2,}/g, "/"),
  resolveDots,
  (path) => path.replaceAll("%2F", "/"),
];

function decode(text: string): string {
  return text.replace(ESCAPE, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** RFC 3986 §5.2.4, but the root has no parent. */
function resolveDots(path: string): string | undefined {
  const kept: string[] = [];
  const segments = path.split("/");
  for (const [index, segment] of segments.entries()) {
    const isDots = segment === "." || segment === "..";
    if (!isDots) kept.push(segment);
    else if (segment === ".." && kept.pop() === undefined) return undefined;
    else if (kept.length === 0) return undefined;
    if (isDots && index === segments.length - 1) kept.push("");
  }
  return kept.join("/");
}

/** A pattern's path in the form that readings are compared with; a reason where it has no such form. */
export function readPattern(text: string): { readonly path: string } | { readonly reason: string } {
  if (!text.startsWith("/")) return { reason: "expected a path that begins with /" };
  if (/[?#]/.test(text)) return { reason: "a path has no ? or # in it; queries do not choose routes" };
  if (/%(?![0-9A-Fa-f]{2})|%00/.test(text))
    return { reason: "expected two hexadecimal digits behind each %, and not 00" };
  if (ESCAPED_SLASH.test(text)) return { reason: "a slash cannot be escaped here" };
  const path = decode(utf8(text));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: just these cannot be in it
  if (/[;\\\x00-\x1f\x7f]/.test(path)) return { reason: "no ; \\ or control character can be in a path" };
  if (/\/\//.test(path)) return { reason: "slashes must not be repeated" };
  return /\/\.\.?(?:\/|$)/.test(path) ? { reason: "no segment can be . or .." } : { path };
}

/** Text as the characters of its bytes. */
function utf8(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** Whether `path` lies at `prefix` or below it; "" is above everything. */
export function isBelow(prefix: string, path: string): boolean {
  return (
    path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === SLASH)
  );
}

const SLASH = 0x2f;
