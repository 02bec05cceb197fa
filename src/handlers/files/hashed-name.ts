// Names that hold a hash of their content: what they name never changes, so that clients may keep it for ever. A wrong yes costs a
// visitor a year of an old file, a wrong no one conditional request: doubtful names are not hashed.

/** `app.3f9a2b1c.js`, `base.5af66c1b1797.css` (Django's and whitenoise's manifests), `main-3f9a2b1c.js`, `main.8a7b6c5d.chunk.js`. */
const HEXADECIMAL = /[.-](?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}\./;
/** `assets/index-BWq3S1yk.js`: Vite and Rollup write eight letters of base64url. */
const BASE64URL = /-([A-Za-z0-9_-]{8})\.\w+$/;
const BUILD_FOLDERS: ReadonlySet<string> = new Set(["assets", "_app", "chunks", "immutable"]);

/** `path`: `/folder/name`. */
export function isHashedName(path: string): boolean {
  const segments = path.split("/");
  const name = segments.at(-1) ?? "";
  if (HEXADECIMAL.test(name)) return true;
  const hash = BASE64URL.exec(name)?.[1];
  return hash !== undefined && segments.some((segment) => BUILD_FOLDERS.has(segment)) && looksRandom(hash);
}

/** Words and dates do not: `-Original`, `-settings`, `-20240101`. */
function looksRandom(text: string): boolean {
  const lower = text.replace(/[^a-z]/g, "").length;
  const others = text.replace(/[^A-Z0-9]/g, "").length;
  return others >= 2 && /[A-Za-z]/.test(text) && (lower > 0 || /[0-9]/.test(text));
}
