import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blockValue, hasField, hasMember, withField, withoutFields } from "../../../src/http/header-block.ts";

const BLOCK = "Content-Type: text/html\r\nvary: Cookie\r\nX-Vary: no\r\nVary:Accept\r\n\r\n";

describe("a header block", () => {
  it("tells the values of a field as one list, whatever the name's case", () => {
    assert.equal(blockValue(BLOCK, "vary"), "Cookie, Accept");
    assert.equal(blockValue(BLOCK, "content-type"), "text/html");
    assert.equal(blockValue(BLOCK, "etag"), undefined);
  });

  it("loses the lines of a name and no others", () => {
    assert.equal(withoutFields(BLOCK, ["vary", "etag"]), "Content-Type: text/html\r\nX-Vary: no\r\n\r\n");
    assert.equal(withoutFields("Vary: a\r\n\r\n", ["vary"]), "\r\n");
  });

  it("takes a name literally", () => {
    assert.equal(withoutFields("aXb: 1\r\na.b: 2\r\n\r\n", ["a.b"]), "aXb: 1\r\n\r\n");
  });

  it("has a field or not, whatever the name's case", () => {
    assert.equal(hasField("Date: x\r\nSERVER: y\r\n\r\n", "server"), true);
    assert.equal(hasField("X-Server: y\r\n\r\n", "server"), false);
  });

  it("gets a field more", () => {
    assert.equal(withField("A: 1\r\n\r\n", "B", "2"), "B: 2\r\nA: 1\r\n\r\n");
  });
});

describe("a list", () => {
  it("has its members, without parameters, whatever their case", () => {
    assert.ok(hasMember("private, No-Transform", "no-transform"));
    assert.ok(hasMember("max-age=3", "max-age"));
    assert.ok(!hasMember("x-no-transform", "no-transform"));
    assert.ok(!hasMember("", "no-transform"));
  });
});
