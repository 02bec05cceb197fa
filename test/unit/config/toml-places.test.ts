import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TomlPath, TomlPlaces } from "../../../src/config/toml-places.ts";

const TEXT = `# a comment with [brackets] and = signs
top = 1
"quoted key" = """
several = lines
[not.a.table]
"""
list = [ "a", # one
  { b = [1, 2], 'c d' = 'x' },
]
dotted.inner.leaf = true

[table.below]
key = "#no comment" # one

[[items]]
name = 1
[[items]]
name = 2
inline = { deep = { deeper = [ { x = 1 } ] } }
[items.sub]
z = 3
[[items.list]]
q = 1
[[items.list]]
q = 2
`;

describe("places in a TOML text", () => {
  const places = new TomlPlaces(TEXT);
  const table: readonly (readonly [TomlPath, string])[] = [
    [["top"], "2:1"],
    [["quoted key"], "3:1"],
    [["list"], "7:1"],
    [["list", 0], "7:10"],
    [["list", 1], "8:3"],
    [["list", 1, "b"], "8:5"],
    [["list", 1, "b", 1], "8:13"],
    [["list", 1, "c d"], "8:17"],
    [["dotted", "inner", "leaf"], "10:1"],
    [["table", "below"], "12:2"],
    [["table", "below", "key"], "13:1"],
    [["items"], "15:3"],
    [["items", 0, "name"], "16:1"],
    [["items", 1], "17:3"],
    [["items", 1, "name"], "18:1"],
    [["items", 1, "inline", "deep", "deeper", 0, "x"], "19:34"],
    [["items", 1, "sub", "z"], "21:1"],
    [["items", 1, "list", 0, "q"], "23:1"],
    [["items", 1, "list", 1, "q"], "25:1"],
    [["items", 1, "nothing", "there"], "17:3"],
    [["nowhere"], "1:1"],
  ];
  for (const [path, place] of table) {
    it(`know ${path.join(".")}`, () => {
      const { line, column } = places.at(path);
      assert.equal(`${line}:${column}`, place);
    });
  }

  it("end for every text, whatever is cut off", () => {
    for (let end = 0; end <= TEXT.length; end += 1) new TomlPlaces(TEXT.slice(0, end)).at(["top"]);
  });
});
