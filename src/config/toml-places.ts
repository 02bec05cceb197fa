// Where in a TOML text each value was said. The text has been parsed and is known to be valid, so that this reader only has to
// find its way: it skips values without understanding them. Lines and columns count from 1, columns in UTF-16 units.

/** Keys and indices, from the top. */
export type TomlPath = readonly (string | number)[];

export interface TomlPlace {
  readonly line: number;
  readonly column: number;
}

export class TomlPlaces {
  readonly #text: string;
  readonly #offsets: ReadonlyMap<string, number>;

  constructor(text: string) {
    this.#text = text;
    this.#offsets = new PlaceReader(text).read();
  }

  /** Of the key or item; of the nearest thing around it where it has no place of its own. */
  at(path: TomlPath): TomlPlace {
    for (let length = path.length; length > 0; length -= 1) {
      const offset = this.#offsets.get(nameOf(path.slice(0, length)));
      if (offset !== undefined) return this.#placeOf(offset);
    }
    return { line: 1, column: 1 };
  }

  #placeOf(offset: number): TomlPlace {
    const before = this.#text.slice(0, offset).split("\n");
    return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
  }
}

function nameOf(path: TomlPath): string {
  return JSON.stringify(path);
}

const BLANK = /(?:[ \t\r\n]|#[^\n]*)*/y;
const SPACE = /[ \t]*/y;
const KEY = /[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y;
const TEXT = /"""(?:[^\\]|\\[\s\S])*?"{3,5}|'''[\s\S]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y;
const BARE = /[^,\]}\n#]*/y;

interface FoundKey {
  readonly parts: readonly string[];
  readonly offset: number;
}

class PlaceReader {
  readonly #text: string;
  readonly #offsets = new Map<string, number>();
  /** Items so far of each array of tables. */
  readonly #counts = new Map<string, number>();
  #at = 0;
  #table: TomlPath = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): ReadonlyMap<string, number> {
    this.#take(BLANK);
    while (this.#at < this.#text.length) {
      const before = this.#at;
      if (this.#text[this.#at] === "[") this.#header();
      else this.#pair(this.#table);
      this.#take(BLANK);
      if (this.#at === before) break;
    }
    return this.#offsets;
  }

  #take(form: RegExp): string {
    form.lastIndex = this.#at;
    const taken = form.exec(this.#text)?.[0] ?? "";
    this.#at += taken.length;
    return taken;
  }

  #skip(literal: string): boolean {
    const isThere = this.#text.startsWith(literal, this.#at);
    if (isThere) this.#at += literal.length;
    return isThere;
  }

  #note(path: TomlPath, offset: number): void {
    const name = nameOf(path);
    if (!this.#offsets.has(name)) this.#offsets.set(name, offset);
  }

  #header(): void {
    const isArray = this.#skip("[[");
    if (!isArray) this.#skip("[");
    const { parts, offset } = this.#key();
    this.#take(BARE);
    this.#skip(isArray ? "]]" : "]");
    const path = this.#below([], parts.slice(0, -1), offset);
    const last = [...path, parts.at(-1) ?? ""];
    this.#note(last, offset);
    this.#table = isArray ? this.#item(last, offset) : this.#current(last);
  }

  /** The path of `parts` below `path`; of an array of tables its last item is meant. */
  #below(path: TomlPath, parts: readonly string[], offset: number): TomlPath {
    let here = path;
    for (const part of parts) {
      const next = [...here, part];
      this.#note(next, offset);
      here = this.#current(next);
    }
    return here;
  }

  #current(path: TomlPath): TomlPath {
    const count = this.#counts.get(nameOf(path));
    return count === undefined ? path : [...path, count - 1];
  }

  #item(path: TomlPath, offset: number): TomlPath {
    const count = this.#counts.get(nameOf(path)) ?? 0;
    this.#counts.set(nameOf(path), count + 1);
    const item = [...path, count];
    this.#note(item, offset);
    return item;
  }

  #key(): FoundKey {
    this.#take(SPACE);
    const offset = this.#at;
    const parts: string[] = [];
    do {
      this.#take(SPACE);
      parts.push(unquoted(this.#take(KEY)));
      this.#take(SPACE);
    } while (this.#skip("."));
    return { parts, offset };
  }

  #pair(table: TomlPath): void {
    const { parts, offset } = this.#key();
    const path = [...this.#below(table, parts.slice(0, -1), offset), parts.at(-1) ?? ""];
    this.#note(path, offset);
    this.#skip("=");
    this.#take(SPACE);
    this.#value(path);
  }

  #value(path: TomlPath): void {
    if (this.#skip("[")) this.#items(path);
    else if (this.#skip("{")) this.#pairs(path);
    else if (this.#take(TEXT) === "") this.#take(BARE);
  }

  #items(path: TomlPath): void {
    for (let index = 0; this.#isBefore("]"); index += 1) {
      const item = [...path, index];
      this.#note(item, this.#at);
      this.#value(item);
      this.#take(BLANK);
      this.#skip(",");
    }
  }

  #pairs(path: TomlPath): void {
    while (this.#isBefore("}")) {
      this.#pair(path);
      this.#take(BLANK);
      this.#skip(",");
    }
  }

  /** False at the end, which is taken then. */
  #isBefore(end: string): boolean {
    this.#take(BLANK);
    return !this.#skip(end) && this.#at < this.#text.length;
  }
}

function unquoted(key: string): string {
  if (key.startsWith("'")) return key.slice(1, -1);
  if (!key.startsWith('"')) return key;
  try {
    return JSON.parse(key) as string; // a quoted text is nothing else
  } catch {
    return key.slice(1, -1); // TOML has escapes that JSON has not; then only the place is less exact
  }
}
