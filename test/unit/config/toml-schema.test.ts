import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { tomlSchema } from "../../../scripts/toml-schema-of.ts";
import { SETTING_ROWS } from "../../../src/config/settings.ts";

describe("docs/tunicorn.schema.json", () => {
  it("is what `npm run docs:schema` writes now", () => {
    const file = new URL("../../../docs/tunicorn.schema.json", import.meta.url);
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), tomlSchema());
  });

  it("knows numbers, words, lists and what may be a number or have a unit", () => {
    const either = { anyOf: [{ type: "number" }, { type: "string" }] };
    const texts = { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] };
    const wanted = {
      backlog: { type: "integer", minimum: 1 },
      workers: either,
      keepalive: either,
      limit_request_body: either,
      bind: texts,
      forwarded_allow_ips: texts,
      chdir: { type: "string" },
      preload_app: { type: "boolean" },
      protocol: { enum: ["http", "uwsgi", "fastcgi", "scgi"] },
    };
    const properties = tomlSchema()["properties"] as Record<string, object>; // tomlSchema writes no others
    for (const [name, schema] of Object.entries(wanted)) {
      const { description: _, ...said } = { description: "", ...properties[name] };
      assert.deepEqual(said, schema, name);
    }
  });

  it("allows every default", () => {
    const properties = tomlSchema()["properties"] as Record<string, { type?: string; minimum?: number }>;
    for (const [name, { byDefault }] of SETTING_ROWS) {
      const { type, minimum } = properties[name] ?? {};
      if (type === "integer" && minimum !== undefined && byDefault > 0) assert.ok(byDefault >= minimum, name);
      if (type === "boolean") assert.equal(typeof byDefault, "boolean", name);
    }
  });
});
