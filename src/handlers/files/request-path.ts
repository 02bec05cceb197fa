// What a request's path means below a folder. Pure: a path that could lead anywhere else, or to what nobody meant to publish,
// means nothing. It is decoded once, and what a decoded piece then looks like (a slash, "..", NUL, a backslash) is refused, so that
// it does not matter how often and in what way somebody encoded it.

/** One of these is no file's to share, whatever the settings say: they hold secrets or a whole history. */
const NEVER_SHARED = /^\.(?:git|hg|svn|bzr|env|ssh|ht(?:access|passwd)|aws|netrc|pgpass)(?:$|[._-])/i;
/** RFC 8615. */
const WELL_KNOWN = ".well-known";
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
const REFUSED_CHARACTERS = /[\x00-\x1f\x7f/\\]/;
const PATH_CHARACTERS_MAX = 4_096;
const SEGMENT_CHARACTERS_MAX = 255;

export interface PathRules {
  /** What is taken off, without a slash at its end; "" for nothing. */
  readonly strip: string;
  /** Names that begin with a dot are served. */
  readonly dotfiles: boolean;
}

/**
 * `path` is a request's, still percent-encoded. Answers with decoded segments between slashes, the first slash included:
 * `/css/app.css`, `/docs/` for a folder, "" for the stripped prefix itself. Undefined when it can be no file's.
 */
export function pathBelow(path: string, { strip, dotfiles }: PathRules): string | undefined {
  if (path.length > PATH_CHARACTERS_MAX) return undefined;
  const segments = path.split("/");
  const decoded = segments.map((segment) => (segment.includes("%") ? decode(segment) : segment));
  const prefix = strip === "" ? [""] : strip.split("/");
  if (prefix.some((segment, index) => decoded[index] !== segment)) return undefined;
  const rest = decoded.slice(prefix.length);
  const isFolder = rest.at(-1) === "";
  const names = isFolder ? rest.slice(0, -1) : rest;
  const isServed = names.every((name, index) => isServable(name, index === 0, dotfiles));
  return isServed ? rest.map((segment) => `/${segment}`).join("") : undefined;
}

/** Undefined when it is not UTF-8, or no percent-encoding. */
function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined; // told by throwing
  }
}

function isServable(name: string | undefined, isFirst: boolean, dotfiles: boolean): boolean {
  if (name === undefined || name === "" || name.length > SEGMENT_CHARACTERS_MAX) return false;
  if (REFUSED_CHARACTERS.test(name)) return false;
  if (!name.startsWith(".")) return true;
  if (name === "." || name === ".." || NEVER_SHARED.test(name)) return false;
  return dotfiles || (isFirst && name === WELL_KNOWN);
}
