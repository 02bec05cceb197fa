import { equal } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { EnvironWriter, percentDecode } from "../../../src/wire/environ-writer.ts";
import {
  MARSHAL_DICT_END,
  MARSHAL_DICT_START,
  MARSHAL_NONE,
  marshalAscii,
  marshalBytes,
  marshalInt,
  marshalListHead,
  marshalText,
  marshalTupleHead,
} from "../../../src/wire/marshal-writer.ts";

interface RequestVector {
  readonly name: string;
  readonly hex: string;
  readonly environ: Readonly<Record<string, string>>;
}

const file = new URL("../../corpus/wire/requests.json", import.meta.url);
const corpus = JSON.parse(readFileSync(file, "utf8")) as { requests: RequestVector[] };

function hex(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("hex");
}

describe("marshalled requests of the shared corpus", () => {
  for (const { name, hex: expected, environ } of corpus.requests) {
    it(`packs ${name}`, () => {
      const pairs = Object.entries(environ).map(([key, value]) => marshalText(key) + marshalText(value));
      equal(hex(MARSHAL_DICT_START + pairs.join("") + MARSHAL_DICT_END), expected);
    });
  }

  it("packs the other types", () => {
    equal(MARSHAL_NONE, "N");
    equal(hex(marshalInt(0)), "6900000000");
    equal(hex(marshalInt(2147483647)), "69ffffff7f");
    equal(hex(marshalInt(-2147483648)), "6900000080");
    equal(hex(marshalAscii("")), "7a00");
    equal(hex(marshalBytes("\x00\xffA")), "730300000000ff41");
    equal(hex(marshalListHead(2) + marshalInt(1) + marshalAscii("a")), "5b0200000069010000007a0161");
    equal(hex(marshalTupleHead(2) + marshalBytes("a") + marshalBytes("b")), "2902730100000061730100000062");
    equal(hex(marshalTupleHead(256)), "2800010000");
  });
});

describe("environ writer", () => {
  const writer = new EnvironWriter();
  const pair = (key: string, value: string): string => marshalText(key) + marshalText(value);

  it("turns field names into environ keys", () => {
    equal(writer.fieldsPart(["Accept-Language", "de"]), pair("HTTP_ACCEPT_LANGUAGE", "de"));
    equal(writer.fieldsPart(["content-TYPE", "a/b"]), pair("CONTENT_TYPE", "a/b"));
  });

  it("leaves the length and the coding of the body to whoever buffered it", () => {
    equal(writer.fieldsPart(["Content-Length", "5", "Transfer-Encoding", "chunked"]), "");
  });

  it("joins repeated fields with a comma, cookies with a semicolon, whatever their case", () => {
    const part = writer.fieldsPart(["X-A", "1", "Cookie", "a=1", "x-a", "2", "cookie", "b=2", "X-B", "3"]);
    equal(part, pair("HTTP_X_A", "1,2") + pair("HTTP_COOKIE", "a=1; b=2") + pair("HTTP_X_B", "3"));
  });

  it("joins fields that become the same key", () => {
    equal(writer.fieldsPart(["X-Y", "1", "X_Y", "2"]), pair("HTTP_X_Y", "1,2"));
  });

  it("does not take a field of the block before for a repeated one", () => {
    equal(writer.fieldsPart(["X-A", "1"]), pair("HTTP_X_A", "1"));
    equal(writer.fieldsPart(["X-A", "2"]), pair("HTTP_X_A", "2"));
  });

  it("goes on when clients invent more names than it keeps", () => {
    for (let i = 0; i < 3_000; i += 1) equal(writer.fieldsPart([`X-${i}`, "v"]), pair(`HTTP_X_${i}`, "v"));
  });

  it("sends latin-1 values as UTF-8", () => {
    equal(hex(writer.fieldsPart(["X-A", "caf\xe9"])), `${hex(marshalAscii("HTTP_X_A"))}7505000000636166c3a9`);
  });

  it("decodes the path and keeps the target", () => {
    const request = { method: "GET", target: "/a%20b/%C3%A9?x=%20", path: "/a%20b/%C3%A9", query: "x=%20" };
    const part = writer.requestPart({ ...request, scriptName: "/s", protocol: "HTTP/1.1", contentLength: 7 });
    equal(
      part,
      pair("REQUEST_METHOD", "GET") +
        pair("SCRIPT_NAME", "/s") +
        pair("PATH_INFO", "/a b/\xc3\xa9") +
        pair("QUERY_STRING", "x=%20") +
        pair("RAW_URI", request.target) +
        pair("REQUEST_URI", request.target) +
        pair("SERVER_PROTOCOL", "HTTP/1.1") +
        pair("CONTENT_LENGTH", "7") +
        MARSHAL_DICT_END,
    );
  });

  it("leaves what is no escape as it is", () => {
    equal(percentDecode("/%zz%4%41%"), "/%zz%4A%");
  });

  it("says no length for a request without a body", () => {
    const request = {
      method: "GET",
      target: "/",
      path: "/",
      query: "",
      scriptName: "",
      protocol: "HTTP/1.1",
    };
    equal(writer.requestPart({ ...request, contentLength: -1 }).includes("CONTENT_LENGTH"), false);
  });

  it("tells a Unix socket's peer by its missing port", () => {
    const part = writer.connectionPart({ remoteAddress: "", remotePort: undefined });
    equal(part, MARSHAL_DICT_START + pair("REMOTE_ADDR", ""));
  });
});
