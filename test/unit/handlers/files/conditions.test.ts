import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isRangeCurrent, judge, termsOf } from "../../../../src/handlers/files/conditions.ts";
import { Fields } from "../../../../src/http/fields.ts";

const MS = Date.parse("Sun, 06 Nov 1994 08:49:37 GMT");
const NOW = "Sun, 06 Nov 1994 08:49:37 GMT";
const EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER = "Sun, 06 Nov 1994 08:49:38 GMT";
const VALIDATORS = { etag: '"x"', lastModifiedMs: MS };

function verdict(...flat: string[]): string {
  const terms = termsOf(new Fields(flat));
  return terms === undefined ? "send" : judge(terms, VALIDATORS);
}

describe("conditions of a request (RFC 9110 §13)", () => {
  it("are none for a plain request", () => {
    assert.equal(termsOf(new Fields(["Host", "a", "Accept", "*/*", "Referer", "b", "If", "c"])), undefined);
  });

  for (const [expected, ...fields] of [
    ["not-modified", "If-None-Match", '"x"'],
    ["not-modified", "If-None-Match", 'W/"x"'],
    ["not-modified", "If-None-Match", '"a", W/"x" , "b"'],
    ["not-modified", "If-None-Match", "*"],
    ["not-modified", "If-None-Match", '"a"', "if-none-match", '"x"'],
    ["send", "If-None-Match", '"a"'],
    ["send", "If-None-Match", "x"],
    ["send", "If-None-Match", '"a"', "If-Modified-Since", LATER],
    ["not-modified", "If-Modified-Since", NOW],
    ["not-modified", "If-Modified-Since", LATER],
    ["not-modified", "If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"],
    ["not-modified", "If-Modified-Since", "Sun Nov  6 08:49:37 1994"],
    ["send", "If-Modified-Since", EARLIER],
    ["send", "If-Modified-Since", "tomorrow"],
    ["send", "If-Modified-Since", "2030-01-01"],
    ["send", "If-Match", '"x"'],
    ["send", "If-Match", "*"],
    ["failed", "If-Match", '"a", "b"'],
    ["failed", "If-Match", 'W/"x"'],
    ["failed", "If-Unmodified-Since", EARLIER],
    ["send", "If-Unmodified-Since", NOW],
    ["send", "If-Unmodified-Since", "never"],
    ["send", "If-Match", '"x"', "If-Unmodified-Since", EARLIER],
    ["failed", "If-Match", '"a"', "If-None-Match", '"x"'],
    ["not-modified", "If-Match", '"x"', "If-None-Match", '"x"'],
  ] as const) {
    it(`say ${expected} to ${fields.join(" ")}`, () => assert.equal(verdict(...fields), expected));
  }

  it("let ranges count only of the representation that If-Range names, by a strong validator", () => {
    const later = MS + 5_000;
    assert.ok(isRangeCurrent(undefined, VALIDATORS, later));
    assert.ok(isRangeCurrent('"x"', VALIDATORS, later));
    assert.ok(isRangeCurrent(NOW, VALIDATORS, later));
    assert.ok(!isRangeCurrent('W/"x"', VALIDATORS, later));
    assert.ok(!isRangeCurrent('"y"', VALIDATORS, later));
    assert.ok(!isRangeCurrent(LATER, VALIDATORS, later));
    assert.ok(!isRangeCurrent("", VALIDATORS, later));
    assert.ok(!isRangeCurrent(NOW, VALIDATORS, MS + 500), "it may have changed twice in that second");
  });
});
