// A command line → a layer of values. argparse's habits where they are unambiguous: -w4, -w 4, --workers=4, -DR, `--`.
// Abbreviated flags (--work) are not taken: the message names the whole one.

import { type Entry, type Layer, unknownFlag } from "./layer.ts";
import type { Problem } from "./problem.ts";
import type { AnySetting } from "./setting.ts";
import { ACCESS_FORMAT_DEVELOPMENT } from "./settings/logging.ts";
import { FLAGS, type FlagMeaning, isUvicornOnly, type SettingName } from "./settings.ts";
import type { Given } from "./value-type.ts";

export interface CommandLine {
  readonly layer: Layer;
  /** What the command `dev` stands for; weaker than whatever anybody says. */
  readonly defaults: Layer;
  readonly problems: readonly Problem[];
  readonly wantsHelp: boolean;
  readonly wantsVersion: boolean;
}

/** Reads `argv`, without the program's name. `source` precedes flags in messages: "" or "GUNICORN_CMD_ARGS ". */
export function parseCommandLine(argv: readonly string[], source: string = ""): CommandLine {
  const reader = new CommandLineReader(argv, source);
  reader.readAll();
  return reader;
}

/** `tunicorn dev`: one worker, new code as soon as it is saved, and a line for each request. */
const DEVELOPMENT_DEFAULTS: Layer = new Map(
  Object.entries({
    reload: true,
    workers: 1,
    accesslog: "-",
    access_log_format: ACCESS_FORMAT_DEVELOPMENT,
  } satisfies Partial<Record<SettingName, Given>>).map(([name, given]): [SettingName, Entry] => [
    name as SettingName, // Object.entries forgets the keys' type
    { given, origin: "tunicorn dev" },
  ]),
);

class CommandLineReader implements CommandLine {
  readonly layer: Map<SettingName, Entry> = new Map();
  defaults: Layer = new Map();
  readonly problems: Problem[] = [];
  wantsHelp = false;
  wantsVersion = false;
  readonly #source: string;
  readonly #tokens: string[];
  #hasUnknownFlag = false;

  constructor(argv: readonly string[], source: string) {
    this.#tokens = [...argv];
    this.#source = source;
  }

  readAll(): void {
    if (this.#source === "" && this.#tokens[0] === "dev") {
      this.#tokens.shift();
      this.defaults = DEVELOPMENT_DEFAULTS;
    }
    for (let token = this.#tokens.shift(); token !== undefined; token = this.#tokens.shift()) {
      if (token === "--") this.#readPositionals();
      else if (token.startsWith("--")) this.#readLong(token);
      else if (token.startsWith("-") && token.length > 1) this.#readShort(token);
      else this.#positional(token);
    }
  }

  #readPositionals(): void {
    for (const token of this.#tokens.splice(0)) this.#positional(token);
  }

  #positional(token: string): void {
    if (!this.layer.has("wsgi_app")) this.#set("wsgi_app", "APP", token);
    // The word may be the value of the flag that nobody knows; one message about that is enough.
    else if (!this.#hasUnknownFlag) this.#problem("", token, "one application is served at a time");
  }

  #readLong(token: string): void {
    const equals = token.indexOf("=");
    const flag = equals < 0 ? token : token.slice(0, equals);
    const inline = equals < 0 ? undefined : token.slice(equals + 1);
    if (this.#isAboutUs(flag)) return;
    const meaning = FLAGS.get(flag);
    if (meaning === undefined) this.#unknown(flag);
    else if (takesValue(flag, meaning.setting))
      this.#set(meaning.name, flag, this.#value(flag, meaning, inline));
    else this.#setSwitch(flag, meaning, inline);
  }

  /** `-w4`, `-w=4`, `-w 4`, or switches in one word, the last of which may take a value. */
  #readShort(token: string): void {
    for (let i = 1; i < token.length; i++) {
      const flag = `-${token[i]}`;
      if (this.#isAboutUs(flag)) continue;
      const meaning = FLAGS.get(flag);
      if (meaning === undefined || takesValue(flag, meaning.setting)) {
        this.#readShortEnd(i === 1 ? token : flag, flag, meaning, token.slice(i + 1));
        return;
      }
      this.#setSwitch(flag, meaning, undefined);
    }
  }

  /** The flag that ends a word of short ones: `rest` is its value, or the value follows. */
  #readShortEnd(word: string, flag: string, meaning: FlagMeaning | undefined, rest: string): void {
    if (meaning === undefined) {
      this.#unknown(word);
      return;
    }
    const inline = rest === "" ? undefined : rest.replace(/^=/, "");
    this.#set(meaning.name, flag, this.#value(flag, meaning, inline));
  }

  #isAboutUs(flag: string): boolean {
    const isHelp = flag === "-h" || flag === "--help";
    const isVersion = flag === "-v" || flag === "--version";
    this.wantsHelp ||= isHelp;
    this.wantsVersion ||= isVersion;
    return isHelp || isVersion;
  }

  #unknown(flag: string): void {
    this.#hasUnknownFlag = true;
    const problem = unknownFlag(flag);
    this.problems.push({ ...problem, where: this.#source + problem.where });
  }

  #value(flag: string, meaning: FlagMeaning, inline: string | undefined): string | undefined {
    if (inline !== undefined) return inline;
    const next = this.#tokens[0];
    const { bare, type } = meaning.setting;
    if (bare !== undefined) return next !== undefined && type.read(next).ok ? this.#tokens.shift() : bare;
    if (next !== undefined && (next === "-" || !next.startsWith("-") || /^-\d/.test(next)))
      return this.#tokens.shift();
    this.#problem(flag, undefined, `a value is missing: ${flag} ${type.placeholder}`);
    return undefined;
  }

  #setSwitch(flag: string, meaning: FlagMeaning, inline: string | undefined): void {
    const { fixed } = meaning.setting;
    const isFixed = fixed !== undefined && Object.hasOwn(fixed, flag);
    if (isFixed && inline !== undefined) this.#problem(flag, inline, "this option takes no value");
    else this.#set(meaning.name, flag, isFixed ? fixed[flag] : (inline ?? true));
  }

  #set(name: SettingName, flag: string, given: Given | undefined): void {
    if (given === undefined) return;
    const origin = this.#source + flag;
    const before = this.layer.get(name);
    const isAddition = FLAGS.get(flag)?.setting.type.repeats === true;
    const value = isAddition ? [...(Array.isArray(before?.given) ? before.given : []), given] : given;
    this.layer.set(name, { given: value, origin, isUvicorn: isUvicornOnly(flag) });
  }

  #problem(flag: string, given: string | undefined, reason: string): void {
    this.problems.push({ where: flag === "" ? `${this.#source}APP` : this.#source + flag, given, reason });
  }
}

/** False for switches and for flags that stand for one value. */
export function takesValue(flag: string, setting: AnySetting): boolean {
  const { fixed, type } = setting;
  return type.placeholder !== "" && !(fixed !== undefined && Object.hasOwn(fixed, flag));
}
