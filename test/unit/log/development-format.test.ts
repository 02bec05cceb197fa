import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCESS_FORMAT_DEVELOPMENT } from "../../../src/config/settings/logging.ts";
import { compileAccessFormat } from "../../../src/log/access-format.ts";
import { recordOf } from "./support.ts";

describe("the access line for a developer", () => {
  it("stands in columns, the path last", () => {
    const line = compileAccessFormat(ACCESS_FORMAT_DEVELOPMENT)(recordOf({ status: 200, elapsedMs: 12.34 }));
    assert.match(line, /^\d\d:\d\d:\d\d {2}GET {5}200 {5}12\.3 ms {2}\/\S*$/);
  });

  it("colours the status for a terminal", () => {
    const line = compileAccessFormat(
      ACCESS_FORMAT_DEVELOPMENT,
      true,
    )(recordOf({ status: 404, elapsedMs: 1 }));
    assert.ok(line.includes("\u001b[31m404\u001b[0m"));
  });
});
