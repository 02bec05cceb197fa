// The text of --env-file → variables, in the form that python-dotenv reads (uvicorn's --env-file): `export` may stand in front,
// values may be quoted and then span lines, # begins a comment, ${NAME} and ${NAME:-otherwise} are filled in, quoted or not.

import type { Environment } from "./environment.ts";

export interface EnvFile {
  readonly variables: readonly (readonly [string, string])[];
  /** Numbers of lines that are neither a variable nor a comment. They are left out. */
  readonly badLines: readonly number[];
}

/** A variable that stands there twice has its last value. What is set in `env` fills ${NAME} before the file's own does. */
export function parseEnvFile(text: string, env: Environment): EnvFile {
  const variables = new Map<string, string>();
  const badLines: number[] = [];
  const scanner = new Scanner(text);
  while (scanner.skipBlank()) {
    const line = scanner.line;
    const statement = readStatement(scanner);
    if (statement === undefined) {
      badLines.push(line);
      scanner.take(REST_OF_LINE);
    } else if (statement.value === undefined) {
      variables.delete(statement.name);
    } else {
      const lookUp = (name: string): string | undefined =>
        Object.hasOwn(env, name) ? env[name] : variables.get(name);
      variables.set(statement.name, fillIn(statement.value, lookUp));
    }
  }
  return { variables: [...variables], badLines };
}

interface Statement {
  /** "" for a line that holds a comment only. */
  readonly name: string;
  /** undefined for a name alone, which takes back what was said of it before. */
  readonly value: string | undefined;
}

const BLANK = /\s*/y;
const EXPORT = /export[^\S\r\n]+/y;
const NAME = /'([^'\0]+)'|([^=#\s'\0][^=#\s\0]*)/y;
const EQUALS = /[^\S\r\n]*=/y;
const SPACE_BEFORE_QUOTE = /[^\S\r\n]*(?=['"])/y;
const SINGLE_QUOTED = /'((?:\\[^\n\0]|[^'\\\0])*)'/y;
const DOUBLE_QUOTED = /"((?:\\[^\n\0]|[^"\\\0])*)"/y;
const UNQUOTED = /[^\r\n\0]*/y;
const END_OF_LINE = /[^\S\r\n]*(?:#[^\r\n]*)?(?:\r\n|\n|\r|$)/y;
const REST_OF_LINE = /[^\r\n]*(?:\r\n|\n|\r|$)/y;

function readStatement(scanner: Scanner): Statement | undefined {
  if (scanner.peek() === "#") return scanner.take(REST_OF_LINE) && { name: "", value: undefined };
  scanner.take(EXPORT);
  const match = scanner.take(NAME);
  if (match === undefined) return undefined;
  const name = match[1] ?? match[2] ?? "";
  const value = scanner.take(EQUALS) === undefined ? undefined : readValue(scanner);
  if (value === null || scanner.take(END_OF_LINE) === undefined) return undefined;
  return { name, value };
}

/** null when a quote is left open. */
function readValue(scanner: Scanner): string | null {
  scanner.take(SPACE_BEFORE_QUOTE);
  const quote = scanner.peek();
  if (quote === "'") return quotedValue(scanner.take(SINGLE_QUOTED), /\\[\\']/g);
  if (quote === '"') return quotedValue(scanner.take(DOUBLE_QUOTED), /\\[\\'"abfnrtv]/g);
  const text = scanner.take(UNQUOTED)?.[0] ?? "";
  return text.replace(/\s+#.*$/s, "").trim();
}

function quotedValue(match: RegExpExecArray | undefined, escapes: RegExp): string | null {
  if (match === undefined) return null;
  return (match[1] ?? "").replace(escapes, ([, letter = ""]) => ESCAPED[letter] ?? letter);
}

const ESCAPED: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

function fillIn(value: string, lookUp: (name: string) => string | undefined): string {
  return value.replace(
    /\$\{([^}:]*)(?::-([^}]*))?\}/g,
    (_, name: string, otherwise: string | undefined) => lookUp(name) ?? otherwise ?? "",
  );
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.replace(/^\uFEFF/, "");
  }

  /** The number of the line that is read, from 1 on. */
  get line(): number {
    return (this.#text.slice(0, this.#at).match(/\r\n|\n|\r/g)?.length ?? 0) + 1;
  }

  peek(): string {
    return this.#text[this.#at] ?? "";
  }

  /** False at the text's end. */
  skipBlank(): boolean {
    this.take(BLANK);
    return this.#at < this.#text.length;
  }

  /** What `pattern` (sticky) matches here, or undefined; then nothing is taken. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text) ?? undefined;
    if (match !== undefined) this.#at = pattern.lastIndex;
    return match;
  }
}
