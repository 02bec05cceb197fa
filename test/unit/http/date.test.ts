import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DateLine, imfFixdate } from "../../../src/http/date.ts";

describe("HTTP dates", () => {
  it("have the preferred form", () => {
    assert.equal(imfFixdate(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert.equal(imfFixdate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  });

  it("make one line a second", () => {
    const line = new DateLine();
    assert.equal(line.at(784_111_777_999), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    assert.equal(line.at(784_111_777_001), line.at(784_111_777_002));
    assert.equal(line.at(784_111_778_000), "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
  });
});
