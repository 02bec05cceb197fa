import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CodingChoice } from "../../../src/http/accept-encoding.ts";

const choice = new CodingChoice(["zstd", "br", "gzip"]);

describe("the choice of a content coding", () => {
  it("takes the server's first among those that the client likes equally", () => {
    assert.equal(choice.of("gzip, deflate, br, zstd"), "zstd");
    assert.equal(choice.of("gzip, deflate, br"), "br");
    assert.equal(choice.of("gzip"), "gzip");
    assert.equal(choice.of("GZIP"), "gzip");
    assert.equal(choice.of("x-gzip"), "gzip");
  });

  it("follows the client's weights before its own order", () => {
    assert.equal(choice.of("br;q=0.5, gzip;q=0.8"), "gzip");
    assert.equal(choice.of("br; q=0.5 , gzip ; q=0.500"), "br");
    assert.equal(choice.of("zstd;q=0, br;q=0.001"), "br");
  });

  it("lets * stand for what is not named", () => {
    assert.equal(choice.of("*"), "zstd");
    assert.equal(choice.of("zstd;q=0, *;q=0.5"), "br");
    assert.equal(choice.of("gzip, *;q=0"), "gzip");
    assert.equal(choice.of("*;q=0"), undefined);
  });

  it("sends the response as it is where the client likes that best, or says nothing", () => {
    assert.equal(choice.of(""), undefined);
    assert.equal(choice.of("deflate"), undefined);
    assert.equal(choice.of("identity"), undefined);
    assert.equal(choice.of("identity, gzip;q=0.5"), undefined);
    assert.equal(choice.of("identity;q=0.5, gzip"), "gzip");
    assert.equal(choice.of("identity;q=0, br"), "br");
    assert.equal(choice.of("identity;q=0"), undefined);
  });

  it("takes a member with a broken weight for not said", () => {
    for (const broken of ["gzip;q=2", "gzip;q=-1", "gzip;q=", "gzip;q=0.1234", "gzip;x=1", "gzip;q=1e0"]) {
      assert.equal(choice.of(broken), undefined, broken);
    }
    assert.equal(choice.of("gzip;q=nan, br"), "br");
  });

  it("does not keep every value that clients send", () => {
    const flooded = new CodingChoice(["gzip"]);
    for (let i = 0; i < 1_000; i++) assert.equal(flooded.of(`x${i}, gzip`), "gzip");
  });
});
