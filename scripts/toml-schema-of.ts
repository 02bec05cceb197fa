// tunicorn.toml as a JSON schema, for editors: made of the settings table and the site's shapes, so that it cannot say otherwise.

import type { AnySetting } from "../src/config/setting.ts";
import { SETTING_ROWS, SETTINGS, type SettingName } from "../src/config/settings.ts";
import { type JsonSchema, schemaOf } from "../src/config/shape.ts";
import { ALIASES, APP_SETTINGS } from "../src/config/site/apps.ts";
import { LISTENER } from "../src/config/site/listeners.ts";
import { ROUTE } from "../src/config/site/routes.ts";

export function tomlSchema(): JsonSchema {
  const names = SETTING_ROWS.filter(([name, { status }]) => status.kind === "supported" && name !== "config");
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "tunicorn.toml",
    type: "object",
    additionalProperties: false,
    properties: {
      ...settingSchemas(names.map(([name]) => name)),
      listeners: { type: "array", description: "Where to listen.", items: schemaOf(LISTENER) },
      apps: {
        type: "object",
        description: "Applications by their names.",
        additionalProperties: {
          type: "object",
          additionalProperties: false,
          properties: settingSchemas(APP_SETTINGS),
        },
      },
      routes: {
        type: "array",
        description: "The first route that fits a request takes it.",
        items: schemaOf(ROUTE),
      },
    },
  };
}

function settingSchemas(names: readonly SettingName[]): JsonSchema {
  const rows = names.map((name) => [name, settingSchema(SETTINGS[name])] as const);
  const aliases = Object.entries(ALIASES)
    .filter(([, name]) => names.includes(name))
    .map(([alias, name]) => [alias, settingSchema(SETTINGS[name])] as const);
  return Object.fromEntries([...aliases, ...rows]);
}

function settingSchema(setting: AnySetting): JsonSchema {
  return { ...valueSchema(setting), description: setting.doc };
}

const STRING: JsonSchema = { type: "string" };
const STRINGS: JsonSchema = { type: "array", items: STRING };

/** By what help shows behind the flag. What a text may say is told when the file is read. */
function valueSchema({ type }: AnySetting): JsonSchema {
  const { placeholder, repeats } = type;
  const isTruth = placeholder === "" || placeholder === "BOOL";
  if (isTruth) return { type: "boolean" };
  if (placeholder === "N") return wholeNumber(type);
  if (isWords(placeholder)) return { enum: [...placeholder.split("|"), ...truths(type)] };
  if (NUMBER_OR_TEXT.includes(placeholder)) return anyOf({ type: "number" }, STRING);
  if (placeholder === "DICT") return anyOf({ type: "object" }, STRING);
  if (placeholder.startsWith("/PATH="))
    return anyOf(STRING, { type: "object" }, { type: "array", items: anyOf(STRING, { type: "object" }) });
  if (placeholder === "NAME=VALUE") return anyOf(STRING, STRINGS, { type: "object" });
  return repeats || placeholder.endsWith("[,…]") ? anyOf(STRING, STRINGS) : STRING;
}

const NUMBER_OR_TEXT: readonly string[] = ["SECONDS", "SECONDS|auto", "SIZE", "MODE", "N|N..N|auto"];

function anyOf(...schemas: readonly JsonSchema[]): JsonSchema {
  const [only = {}] = schemas;
  return schemas.length === 1 ? only : { anyOf: schemas };
}

function isWords(placeholder: string): boolean {
  return /^[a-z0-9-]+(?:\|[a-z0-9-]+)+$/.test(placeholder);
}

/** `true` and `false` beside words such as on and off, where they are taken. */
function truths(type: AnySetting["type"]): readonly boolean[] {
  return [true, false].filter((value) => type.read(value).ok);
}

function wholeNumber(type: AnySetting["type"]): JsonSchema {
  const minimum = [0, 1].find((value) => type.read(value).ok);
  return minimum === undefined ? { type: "integer" } : { type: "integer", minimum };
}
