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

/** Texts are taken for most values, and many are; what a text may say is told when the file is read. */
function settingSchema({ type, doc }: AnySetting): JsonSchema {
  if (type.placeholder === "") return { type: "boolean", description: doc };
  if (/^[a-z0-9-]+(?:\|[a-z0-9-]+)+$/.test(type.placeholder))
    return { enum: type.placeholder.split("|"), description: doc };
  return { description: doc };
}
