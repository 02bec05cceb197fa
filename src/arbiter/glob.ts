// Patterns of file names as uvicorn and gunicorn take them: a relative one fits at any depth, read from its end (Python's
// PurePath.match); `*` and `?` stay within a name, `**` spans folders. Paths are absolute, with slashes.

const MAGIC = /[*?[]/;

export function compileGlob(pattern: string): RegExp {
  const start = pattern.startsWith("/") ? "^" : "(?:^|/)";
  return new RegExp(`${start}${translate(pattern)}$`, "u");
}

/** The folder above a pattern's first segment that is none of its own: what must be watched for it. */
export function globFolder(pattern: string): string {
  const segments = pattern.split("/");
  const magic = segments.findIndex((segment) => MAGIC.test(segment));
  return segments.slice(0, magic < 0 ? -1 : magic).join("/") || "/";
}

function translate(pattern: string): string {
  let expression = "";
  for (let at = 0; at < pattern.length; ) {
    const [piece, length] = translateAt(pattern, at);
    expression += piece;
    at += length;
  }
  return expression;
}

function translateAt(pattern: string, at: number): [expression: string, length: number] {
  if (pattern.startsWith("**/", at)) return ["(?:[^/]+/)*", 3];
  if (pattern.startsWith("**", at)) return [".*", 2];
  const character = pattern[at];
  if (character === "*") return ["[^/]*", 1];
  if (character === "?") return ["[^/]", 1];
  const set = character === "[" ? /^\[(!?)([^\]/]+)\]/.exec(pattern.slice(at)) : null;
  if (set === null) return [escapeExpression(pattern.slice(at, at + 1)), 1];
  return [`[${set[1] === "" ? "" : "^"}${escapeSet(set[2] ?? "")}]`, set[0].length];
}

function escapeExpression(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

/** Ranges (a-z) keep their meaning. */
function escapeSet(characters: string): string {
  return characters.replace(/[\\^[\]]/g, "\\$&");
}
