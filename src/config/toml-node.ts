// A value of a TOML file that knows where it was said: every complaint about it has its place.

import type { TomlValue } from "smol-toml";
import type { Problem } from "./problem.ts";
import type { TomlPath, TomlPlaces } from "./toml-places.ts";
import type { Given } from "./value-type.ts";

export interface TomlFile {
  /** How messages call the file. */
  readonly shown: string;
  readonly places: TomlPlaces;
  readonly problems: Problem[];
}

export class TomlNode {
  readonly value: TomlValue;
  readonly path: TomlPath;
  readonly #file: TomlFile;

  constructor(file: TomlFile, path: TomlPath, value: TomlValue) {
    this.#file = file;
    this.path = path;
    this.value = value;
  }

  /** `tunicorn.toml:12:3: routes[0].match.path`. */
  get where(): string {
    const { line, column } = this.#file.places.at(this.path);
    return `${this.#file.shown}:${line}:${column}: ${this.name}`;
  }

  /** `routes[0].match.path`. */
  get name(): string {
    return this.path.reduce<string>(joinName, "");
  }

  /** The value as settings read it. */
  get given(): Given {
    return this.value as Given; // dates were turned away (toml-file.ts)
  }

  get isTable(): boolean {
    return typeof this.value === "object" && !Array.isArray(this.value);
  }

  /** Undefined where the key is not there. */
  member(key: string): TomlNode | undefined {
    return this.members().find(([name]) => name === key)?.[1];
  }

  /** Of a table; empty for anything else. */
  members(): readonly (readonly [string, TomlNode])[] {
    if (!this.isTable) return [];
    return Object.entries(this.value).map(([key, value]) => [key, this.#below(key, value)]);
  }

  /** Of a list; empty for anything else. */
  items(): readonly TomlNode[] {
    return Array.isArray(this.value) ? this.value.map((value, index) => this.#below(index, value)) : [];
  }

  /** A problem with this value; a table or list is not repeated in the message. */
  fail(reason: string): undefined {
    const given = typeof this.value === "object" ? undefined : String(this.value);
    this.#file.problems.push({ where: this.where, given, reason });
    return undefined;
  }

  /** A problem with the key itself. */
  failKey(reason: string): undefined {
    this.#file.problems.push({ where: this.where, given: undefined, reason });
    return undefined;
  }

  #below(key: string | number, value: TomlValue): TomlNode {
    return new TomlNode(this.#file, [...this.path, key], value);
  }
}

function joinName(name: string, part: string | number): string {
  if (typeof part === "number") return `${name}[${part}]`;
  const key = /^[\w-]+$/.test(part) ? part : JSON.stringify(part);
  return name === "" ? key : `${name}.${key}`;
}
