import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { tomlSchema } from "../../../scripts/toml-schema-of.ts";

describe("docs/tunicorn.schema.json", () => {
  it("is what `npm run docs:schema` writes now", () => {
    const file = new URL("../../../docs/tunicorn.schema.json", import.meta.url);
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), tomlSchema());
  });
});
