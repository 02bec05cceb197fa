import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAuthority, isSameAuthority, parseTarget } from "../../../src/http/target.ts";

describe("parseTarget", () => {
  it("splits at the first question mark and decodes nothing", () => {
    assert.deepEqual(parseTarget("GET", "/a%2Fb//../c?x=%20?y"), {
      path: "/a%2Fb//../c",
      query: "x=%20?y",
      authority: "",
    });
  });

  it("takes path and authority out of the absolute form", () => {
    assert.deepEqual(parseTarget("GET", "http://A:8080/p?q"), {
      path: "/p",
      query: "q",
      authority: "A:8080",
    });
    assert.deepEqual(parseTarget("GET", "https://[::1]"), { path: "/", query: "", authority: "[::1]" });
    assert.deepEqual(parseTarget("GET", "http://a?http://b/"), {
      path: "/",
      query: "http://b/",
      authority: "a",
    });
  });

  it("keeps the asterisk for OPTIONS and the authority form for CONNECT", () => {
    assert.deepEqual(parseTarget("OPTIONS", "*"), { path: "*", query: "", authority: "" });
    assert.deepEqual(parseTarget("CONNECT", "[::1]:443"), { path: "", query: "", authority: "[::1]:443" });
  });

  it("refuses forms that do not suit the method, fragments, and strange schemes", () => {
    const bad = [
      ["GET", "*"],
      ["GET", "a:1"],
      ["CONNECT", "/"],
      ["CONNECT", ":1"],
      ["GET", "/#"],
      ["GET", ""],
      ["GET", "x"],
    ];
    const schemes = ["ftp://a/", "http:/a", "http:a", "http://", "http://u@a/"];
    for (const [method = "", target = ""] of bad)
      assert.equal(parseTarget(method, target), undefined, target);
    for (const target of schemes) assert.equal(parseTarget("GET", target), undefined, target);
  });
});

describe("authorities", () => {
  it("are names, addresses and bracketed literals, with or without a port", () => {
    for (const text of ["", "a", "a.b_c-d~", "1.2.3.4:80", "[::1]", "[::1]:", "%41"])
      assert.ok(isAuthority(text), text);
    for (const text of ["a b", "a/b", "u@a", "a:b", "[::1", "::1", "a:1:2", "\xe9", '"'])
      assert.ok(!isAuthority(text), text);
  });

  it("are the same without case and default port", () => {
    assert.ok(isSameAuthority("A.example", "a.example:80"));
    assert.ok(isSameAuthority("a:", "a:443"));
    assert.ok(!isSameAuthority("a", "a:8080"));
    assert.ok(!isSameAuthority("a", "b"));
  });
});
