import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { multipart, rangesOf } from "../../../../src/handlers/files/byte-ranges.ts";

function ranges(field: string, size = 100): string {
  const result = rangesOf(field, size);
  if (typeof result === "string") return result;
  return result.map(({ offset, length }) => `${offset}+${length}`).join(" ");
}

describe("a Range field (RFC 9110 §14)", () => {
  for (const [field, expected] of [
    ["bytes=0-9", "0+10"],
    ["BYTES=0-9", "0+10"],
    ["bytes=90-", "90+10"],
    ["bytes=90-1000000000000000000", "90+10"],
    ["bytes=-10", "90+10"],
    ["bytes=-1000", "0+100"],
    ["bytes=0-0,-1", "0+1 99+1"],
    ["bytes= 50-59 ,, 0-9 ", "50+10 0+10"],
    ["bytes=0-9,10-19", "0+20"],
    ["bytes=50-59,0-9,5-14", "0+15 50+10"],
    ["bytes=100-", "none"],
    ["bytes=-0", "none"],
    ["bytes=200-300,-0", "none"],
    ["bytes=200-300,0-0", "0+1"],
    ["bytes=9-0", "whole"],
    ["bytes=a-b", "whole"],
    ["bytes=0x1-5", "whole"],
    ["bytes=1-2-3", "whole"],
    ["bytes=--1", "whole"],
    ["bytes=", "whole"],
    ["bytes=,,,", "whole"],
    ["bytes", "whole"],
    ["lines=1-2", "whole"],
    ["bytes=999999999999999999999999-", "whole"],
    [`bytes=${"0-0,".repeat(17)}`, "whole"],
    [`bytes=${"0-,".repeat(16)}`, "0+100"],
    [`bytes=${"1-2,".repeat(100_000)}`, "whole"],
  ] as const) {
    it(`${field.slice(0, 40)} means ${expected}`, () => assert.equal(ranges(field), expected));
  }

  it("is ignored of an empty file, of which no byte can be named", () => {
    assert.equal(ranges("bytes=0-0", 0), "whole");
    assert.equal(ranges("bytes=-5", 0), "whole");
  });

  it("can never make a response longer than the file and its part heads", () => {
    const result = rangesOf(`bytes=${"0-,1-,".repeat(8)}`, 1_000_000);
    assert.ok(typeof result !== "string");
    assert.equal(
      result.reduce((sum, { length }) => sum + length, 0),
      1_000_000,
    );
  });
});

describe("multipart/byteranges", () => {
  it("announces as many bytes as it has", () => {
    const ranges = [
      { offset: 0, length: 3 },
      { offset: 10, length: 2 },
    ];
    const body = multipart(ranges, { size: 20, typeLine: "Content-Type: text/plain\r\n", boundary: "B" });
    const texts = body.parts.map((part) =>
      Buffer.isBuffer(part) ? part.toString("latin1") : "x".repeat(part.length),
    );
    const type = "Content-Type: text/plain\r\n";
    assert.equal(texts.join("").length, body.length);
    assert.equal(
      texts.join(""),
      `--B\r\n${type}Content-Range: bytes 0-2/20\r\n\r\nxxx\r\n--B\r\n${type}Content-Range: bytes 10-11/20\r\n\r\nxx\r\n--B--\r\n`,
    );
  });
});
