// What tables of tunicorn.toml may hold, as data: from it come the reading with its complaints, and the JSON schema for editors.

import { didYouMean } from "./layer.ts";
import { suggest } from "./suggest.ts";
import type { TomlNode } from "./toml-node.ts";
import { type Given, oneOf, type ValueType } from "./value-type.ts";

/** A JSON schema, or a part of one. */
export type JsonSchema = { readonly [key: string]: Given };

export interface Kind<T> {
  readonly schema: JsonSchema;
  /** Undefined after a complaint. */
  read(node: TomlNode): T | undefined;
}

export interface Member<T> {
  readonly kind: Kind<T>;
  /** Where the key is not there. */
  readonly byDefault: T;
  readonly doc: string;
}

export type Shape<T> = { readonly [K in keyof T]: Member<T[K]> };

export function member<T>(kind: Kind<T>, byDefault: T, doc: string): Member<T> {
  return { kind, byDefault, doc };
}

/** Every member of the table, complained-of ones by their defaults; undefined where there is no table. */
export function readShape<T>(shape: Shape<T>, node: TomlNode): T | undefined {
  if (!node.isTable) return node.fail("expected a table");
  const known = Object.keys(shape);
  for (const [key, value] of node.members()) if (!known.includes(key)) value.failKey(unknownKey(key, known));
  const entries = known.map((key) => {
    const { kind, byDefault } = shape[key as keyof T]; // a key of it
    const value = node.member(key);
    return [key, value === undefined ? byDefault : (kind.read(value) ?? byDefault)];
  });
  return Object.fromEntries(entries) as T; // a value of the member's type for each
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = suggest(key, known);
  return near === undefined ? `no such key; here are ${oneOf(known)}` : `no such key${didYouMean(near)}`;
}

export function schemaOf<T extends object>(shape: Shape<T>): JsonSchema {
  const properties = Object.entries<Member<unknown>>({ ...shape }).map(([key, { kind, doc }]) => [
    key,
    { ...kind.schema, description: doc },
  ]);
  return { type: "object", additionalProperties: false, properties: Object.fromEntries(properties) };
}

/** A value as settings have it. */
export function valueKind<T>(type: ValueType<T>, schema: JsonSchema): Kind<T> {
  const read = (node: TomlNode): T | undefined => {
    const reading = type.read(node.given);
    return reading.ok ? reading.value : node.fail(reading.reason);
  };
  return { schema, read };
}

/** A text that `parse` understands; it answers a reason where it does not. */
export function textKind<T>(
  parse: (text: string) => { readonly value: T } | { readonly reason: string },
): Kind<T> {
  const read = (node: TomlNode): T | undefined => {
    if (typeof node.value !== "string") return node.fail("expected a text");
    const parsed = parse(node.value);
    return "value" in parsed ? parsed.value : node.fail(parsed.reason);
  };
  return { schema: { type: "string" }, read };
}

export const TEXT: Kind<string> = textKind((value) => ({ value }));

export const TRUTH: Kind<boolean> = {
  schema: { type: "boolean" },
  read: (node) => (typeof node.value === "boolean" ? node.value : node.fail("expected true or false")),
};

export function choiceKind<T extends string>(words: readonly T[]): Kind<T> {
  const read = (node: TomlNode): T | undefined =>
    words.find((word) => word === node.value) ?? node.fail(`expected ${oneOf(words)}`);
  return { schema: { enum: words }, read };
}

export function wholeNumberKind(min: number, max: number): Kind<number> {
  const read = (node: TomlNode): number | undefined => {
    const { value } = node;
    const isWithin = typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
    return isWithin ? value : node.fail(`expected a whole number, ${min} to ${max}`);
  };
  return { schema: { type: "integer", minimum: min, maximum: max }, read };
}

/** One value, or a list of them. */
export function listKind<T>(item: Kind<T>): Kind<readonly T[]> {
  const read = (node: TomlNode): readonly T[] => {
    const nodes = Array.isArray(node.value) ? node.items() : [node];
    return nodes.map((one) => item.read(one)).filter((one) => one !== undefined);
  };
  return { schema: { anyOf: [item.schema, { type: "array", items: item.schema }] }, read };
}

export function tableKind<T extends object>(shape: Shape<T>): Kind<T> {
  return { schema: schemaOf(shape), read: (node) => readShape(shape, node) };
}

/** A table with names of the user's choice. */
export function namedKind<T>(
  value: Kind<T>,
  judgeName: (name: string) => string | undefined,
): Kind<readonly (readonly [string, T])[]> {
  const read = (node: TomlNode): readonly (readonly [string, T])[] | undefined => {
    if (!node.isTable) return node.fail("expected a table");
    return node.members().flatMap(([name, one]) => {
      const reason = judgeName(name);
      if (reason !== undefined) one.failKey(reason);
      const read = value.read(one);
      return read === undefined || reason !== undefined ? [] : [[name, read] as const];
    });
  };
  return { schema: { type: "object", additionalProperties: value.schema }, read };
}

/** A short form for what else needs a table: `files = "public"`. `take` answers undefined for what it does not know. */
export function shortKind<T>(
  long: Kind<T>,
  schema: JsonSchema,
  take: (node: TomlNode) => T | undefined,
): Kind<T> {
  const read = (node: TomlNode): T | undefined => (node.isTable ? long.read(node) : take(node));
  return { schema: { anyOf: [schema, long.schema] }, read };
}
