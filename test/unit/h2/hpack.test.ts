import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HpackDecoder } from "../../../src/h2/hpack-decoder.ts";
import { encodeField, encodeStatus } from "../../../src/h2/hpack-encoder.ts";
import { decodeHuffman, encodeHuffman } from "../../../src/h2/huffman.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");
const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

describe("the Huffman code", () => {
  it("reads and writes the RFC's examples", () => {
    for (const [text, code] of [
      ["www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"],
      ["no-cache", "a8eb10649cbf"],
      ["Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"],
    ] as const) {
      assert.equal(latin1(encodeHuffman(text)).toString("hex"), code);
      assert.equal(decodeHuffman(hex(code), 0, code.length / 2), text);
    }
  });

  it("gives every byte back", () => {
    const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
    const code = latin1(encodeHuffman(all));
    assert.equal(decodeHuffman(code, 0, code.length), all);
  });

  it("refuses padding that is too long or no padding, and the code for the end", () => {
    for (const code of ["ff", "ffff", "f1e3c2e5f23a6ba0ab90f4ffff", "18", "ffffffff", "fffffffc"]) {
      const bytes = hex(code);
      assert.equal(decodeHuffman(bytes, 0, bytes.length), undefined, code);
    }
  });
});

describe("the decoder of header blocks", () => {
  it("reads the RFC's requests with Huffman code (appendix C.4), one after the other", () => {
    const decoder = new HpackDecoder(65_536);
    assert.ok(decoder.decode(hex("828684418cf1e3c2e5f23a6ba0ab90f4ff")));
    const first = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"];
    assert.deepEqual(decoder.flat, first);
    assert.ok(decoder.decode(hex("828684be5886a8eb10649cbf")));
    assert.deepEqual(decoder.flat, [...first, "cache-control", "no-cache"]);
    assert.ok(decoder.decode(hex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")));
    assert.deepEqual(decoder.flat.slice(-2), ["custom-key", "custom-value"]);
    assert.equal(decoder.flat[7], "www.example.com");
  });

  it("forgets the oldest entries when the table is full", () => {
    const decoder = new HpackDecoder(1_000_000);
    for (let i = 0; i < 300; i++) {
      const value = `value-${i}`.padEnd(100, "x");
      assert.ok(decoder.decode(latin1(`\x40\x03x-a\x64${value}`)));
    }
    assert.ok(decoder.decode(Buffer.from([0x80 | 62])), "the newest is there");
    assert.ok(decoder.flat[1]?.startsWith("value-299"));
    assert.ok(!decoder.decode(Buffer.from([0x80 | (62 + 40)])), "what was evicted is not");
  });

  it("refuses what no encoder writes", () => {
    const faults = {
      "index 0": "80",
      "an index beyond the table": "ff00",
      "an integer without an end": "7fffffffffffffffff",
      "a string beyond the block": "40 0a 61",
      "a table larger than allowed": "3fe21f",
      "a size update behind a field": "82 20",
      "a broken Huffman code": "40 81 ff 81 ff",
    };
    for (const [what, block] of Object.entries(faults)) {
      assert.ok(!new HpackDecoder(65_536).decode(hex(block)), what);
    }
  });

  it("takes a size update at the beginning", () => {
    const decoder = new HpackDecoder(65_536);
    assert.ok(decoder.decode(hex("20 3fe11f 82")));
    assert.deepEqual(decoder.flat, [":method", "GET"]);
  });

  it("makes no list of a block that would be too long, and stays in step", () => {
    const decoder = new HpackDecoder(10_000);
    assert.ok(decoder.decode(latin1(`\x40\x03x-a\x7f\xa1\x1e${"y".repeat(4_000)}`)));
    assert.ok(decoder.decode(Buffer.alloc(20_000, 0x80 | 62)), "a bomb of references");
    assert.ok(decoder.isTooLarge);
    assert.ok(decoder.flat.length <= 6);
    assert.ok(decoder.decode(Buffer.from([0x80 | 62])));
    assert.ok(!decoder.isTooLarge);
    assert.equal(decoder.flat[0], "x-a");
  });

  it("tells of names and values that no field may have, also when the table repeats them", () => {
    const cases = ["\x00\x03X-A\x01b", "\x00\x03x a\x01b", "\x00\x00\x01b", "\x00\x03x-a\x03b\rc"];
    cases.push("\x00\x03x-a\x03b\nc", "\x00\x03x-a\x03b\x00c", "\x00\x03x-a\x02 b", "\x00\x03x-a\x02b\t");
    for (const block of cases) {
      const decoder = new HpackDecoder(65_536);
      assert.ok(decoder.decode(latin1(block)));
      assert.ok(decoder.isMalformed, JSON.stringify(block));
    }
    const decoder = new HpackDecoder(65_536);
    decoder.decode(latin1("\x40\x03x-a\x03b\rc"));
    assert.ok(decoder.decode(Buffer.from([0x80 | 62])));
    assert.ok(decoder.isMalformed);
    assert.ok(decoder.decode(Buffer.from([0x82])));
    assert.ok(!decoder.isMalformed);
  });
});

describe("the encoder of header blocks", () => {
  it("is read by the decoder", () => {
    const fields: [string, string][] = [
      ["content-type", "text/plain"],
      ["content-length", "13"],
      ["x-own", "a".repeat(5_000)],
      ["x-latin", "caf\xe9 \xff"],
      ["set-cookie", "a=b"],
      ["x-empty", ""],
    ];
    const decoder = new HpackDecoder(65_536);
    const block = encodeStatus(200) + encodeStatus(299);
    assert.ok(
      decoder.decode(latin1(block + fields.map(([name, value]) => encodeField(name, value)).join(""))),
    );
    assert.deepEqual(decoder.flat, [":status", "200", ":status", "299", ...fields.flat()]);
    assert.ok(!decoder.isMalformed);
    assert.equal(decoder.tableVersion, 0, "nothing was put into the client's table");
  });

  it("marks what must not be kept on the way", () => {
    assert.equal(latin1(encodeField("set-cookie", "a=b"))[0], 0x1f);
    assert.equal((latin1(encodeField("content-type", "a/b"))[0] as number) & 0xf0, 0);
  });
});
