// The kinds of values a setting can have: how each is read from what a user gave, and shown again.

/** A value as it was given: text from a command line or variable, JSON from a configuration file. */
export type Given = string | number | boolean | null | readonly Given[] | { readonly [key: string]: Given };

export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

export interface ValueType<T> {
  /** What help shows behind the flag; "" for a switch, which takes no value. */
  readonly placeholder: string;
  /** Giving the flag again adds a value instead of replacing it. */
  readonly repeats: boolean;
  read(given: Given): Reading<T>;
  /** The value as a user would write it; "" for nothing. */
  show(value: T): string;
}

export function accept<T>(value: T): Reading<T> {
  return { ok: true, value };
}

export function reject(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}

/** Text of a scalar, or undefined for lists and objects. `null` is nothing: "". */
export function scalarText(given: Given): string | undefined {
  if (given === null) return "";
  if (typeof given === "object") return undefined;
  return String(given);
}

/** Any text. */
export function text(placeholder: string): ValueType<string> {
  return scalar(placeholder, `expected one text`, (value) => value);
}

/** A value made from one text; `parse` answers undefined for what it cannot read. */
export function scalar<T>(
  placeholder: string,
  expected: string,
  parse: (value: string) => T | undefined,
  show: (value: T) => string = String,
): ValueType<T> {
  const read = (given: Given): Reading<T> => {
    const value = scalarText(given);
    const parsed = value === undefined ? undefined : parse(value);
    return parsed === undefined ? reject(expected) : accept(parsed);
  };
  return { placeholder, repeats: false, read, show };
}

const TRUE_WORDS: readonly string[] = ["true", "1", "yes", "on"];
const FALSE_WORDS: readonly string[] = ["false", "0", "no", "off", ""];

/** The truth that a word stands for, or undefined. */
export function parseTruth(word: string): boolean | undefined {
  const lower = word.trim().toLowerCase();
  if (TRUE_WORDS.includes(lower)) return true;
  return FALSE_WORDS.includes(lower) ? false : undefined;
}

/** On or off; on the command line the flag alone means on. */
export const SWITCH: ValueType<boolean> = scalar("", "expected true or false", parseTruth);

/** On or off, said as a value behind the flag. */
export const TRUTH: ValueType<boolean> = scalar("BOOL", "expected true or false", parseTruth);

/** A whole number within limits, ends included. */
export function count(min: number, max: number = Number.MAX_SAFE_INTEGER): ValueType<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
  return scalar("N", `expected a whole number, ${range}`, (value) => {
    if (!/^\d{1,16}$/.test(value.trim())) return undefined;
    const parsed = Number(value);
    return parsed >= min && parsed <= max ? parsed : undefined;
  });
}

/** One of some words; `refused` holds further words with the reason why they are not taken, `synonyms` what others mean. */
export function choice<T extends string>(
  words: readonly T[],
  refused: Readonly<Record<string, string>> = {},
  synonyms: Readonly<Record<string, T>> = {},
): ValueType<T> {
  const read = (given: Given): Reading<T> => {
    const value = scalarText(given)?.trim().toLowerCase() ?? "";
    const synonym = Object.hasOwn(synonyms, value) ? synonyms[value] : undefined;
    const word = synonym ?? words.find((candidate) => candidate === value);
    if (word !== undefined) return accept(word);
    return reject(Object.hasOwn(refused, value) ? `${refused[value]}` : `expected ${oneOf(words)}`);
  };
  return { placeholder: words.join("|"), repeats: false, read, show: String };
}

/** `a, b or c`. */
export function oneOf(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}

/** Octal permission bits: 660, 0660, 0o660; hexadecimal as gunicorn's umask takes it. */
const MODE_TEXT: ValueType<number> = scalar(
  "MODE",
  "expected octal permission bits such as 0660",
  (value) => {
    if (/^0x[0-9a-f]{1,3}$/i.test(value)) return withinMode(Number(value));
    return /^(0o)?[0-7]{1,5}$/i.test(value)
      ? withinMode(Number.parseInt(value.replace(/^0o/i, ""), 8))
      : undefined;
  },
  (value) => (value < 0 ? "" : `0${value.toString(8)}`),
);

/** A number, which a configuration file may write as 0o660, is the bits themselves. */
export const MODE: ValueType<number> = {
  ...MODE_TEXT,
  read: (given) => MODE_TEXT.read(typeof given === "number" ? `0o${given.toString(8)}` : given),
};

function withinMode(mode: number): number | undefined {
  return mode <= 0o777 ? mode : undefined;
}

/** A path that is put before the application's, or "". Never ends in a slash. */
export const PREFIX: ValueType<string> = scalar(
  "PATH",
  "expected a path that begins with /, such as /shop",
  (value) => {
    const prefix = value.trim().replace(/\/+$/, "");
    return prefix === "" || /^\/[^\s?#]*$/.test(prefix) ? prefix : undefined;
  },
);

/** A value each time the flag is given; one text from elsewhere is a list of one. */
export function repeated<T>(item: ValueType<T>): ValueType<readonly T[]> {
  const read = (given: Given): Reading<readonly T[]> => readAll(item, Array.isArray(given) ? given : [given]);
  return { placeholder: item.placeholder, repeats: true, read, show: (values) => showAll(item, values) };
}

/** Values between commas in one text. */
export function commaList<T>(item: ValueType<T>): ValueType<readonly T[]> {
  const read = (given: Given): Reading<readonly T[]> => {
    if (Array.isArray(given)) return readAll(item, given);
    const parts = (scalarText(given) ?? "").split(",").map((part) => part.trim());
    return readAll(
      item,
      parts.filter((part) => part !== ""),
    );
  };
  return {
    placeholder: `${item.placeholder}[,…]`,
    repeats: false,
    read,
    show: (values) => showAll(item, values),
  };
}

function readAll<T>(item: ValueType<T>, givens: readonly Given[]): Reading<readonly T[]> {
  const values: T[] = [];
  const faults = new Map<string, Given[]>();
  for (const given of givens) {
    const reading = item.read(given);
    if (reading.ok) values.push(reading.value);
    else faults.set(reading.reason, [...(faults.get(reading.reason) ?? []), given]);
  }
  return faults.size === 0 ? accept(values) : reject([...faults].map(describeFault).join("; "));
}

function describeFault([reason, givens]: [string, readonly Given[]]): string {
  return `${givens.map((given) => JSON.stringify(given)).join(", ")}: ${reason}`;
}

function showAll<T>(item: ValueType<T>, values: readonly T[]): string {
  return values.map((value) => item.show(value)).join(",");
}
