import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import {
  acceptValue,
  type Handshake,
  type HandshakeFault,
  isFault,
  namesWebSocket,
  readHandshake,
} from "../../../src/front/ws-handshake.ts";
import type { RequestHead } from "../../../src/http/exchange.ts";
import { Fields } from "../../../src/http/fields.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const GOOD = ["Host", "a", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", KEY];

function head(flat: readonly string[], changes: Partial<RequestHead> = {}): RequestHead {
  const target = { target: "/", path: "/", query: "", authority: "a" };
  const rest = { version: "1.1", bodyLength: 0, variables: undefined } as const;
  return { method: "GET", ...target, ...rest, fields: new Fields(flat), ...changes };
}

function read(more: readonly string[], origins: readonly string[] = []): Handshake | HandshakeFault {
  return readHandshake(head([...GOOD, ...more]), origins);
}

function statusOf(result: Handshake | HandshakeFault): number {
  return isFault(result) ? result.status : 101;
}

describe("WebSocket handshake", () => {
  it("gives RFC 6455's accept value for RFC 6455's key", () => {
    equal(acceptValue(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });

  it("is asked for by a token among others", () => {
    equal(namesWebSocket("websocket"), true);
    equal(namesWebSocket("h2c, websocket"), true);
    equal(namesWebSocket("websockets"), false);
    equal(namesWebSocket("h2c"), false);
  });

  it("reads subprotocols of all fields in order", () => {
    const result = read(["Sec-WebSocket-Protocol", "soap, wamp", "sec-websocket-protocol", "mqtt"]);
    deepEqual(isFault(result) || result.subprotocols, ["soap", "wamp", "mqtt"]);
  });

  it("wants GET without a body", () => {
    equal(statusOf(readHandshake(head(GOOD, { method: "POST" }), [])), 400);
    equal(statusOf(readHandshake(head(GOOD, { bodyLength: 3 }), [])), 400);
    equal(statusOf(readHandshake(head(GOOD, { bodyLength: -1 }), [])), 400);
  });

  it("answers another version, none and two with 426 and the one that is spoken", () => {
    for (const versions of [["8"], ["14"], ["13, 8"], ["13 "], [], ["13", "13"]]) {
      const flat = ["Sec-WebSocket-Key", KEY, ...versions.flatMap((one) => ["Sec-WebSocket-Version", one])];
      const result = readHandshake(head(flat), []);
      equal(statusOf(result), 426);
      equal(isFault(result) && result.lines.includes("Sec-WebSocket-Version: 13\r\n"), true);
    }
  });

  it("wants exactly one key of sixteen bytes in base64", () => {
    for (const keys of [[], [KEY, KEY], [""], ["short=="], [`${KEY}=`], ["é".repeat(22)], ["!".repeat(22)]]) {
      const flat = ["Sec-WebSocket-Version", "13", ...keys.flatMap((one) => ["Sec-WebSocket-Key", one])];
      equal(statusOf(readHandshake(head(flat), [])), 400, JSON.stringify(keys));
    }
  });

  it("refuses whatever is no list of different tokens as subprotocols, without an exception", () => {
    const all = [
      "",
      ",",
      "a,",
      ",a",
      "a,,b",
      "a, a",
      "a b",
      "é",
      "\x80",
      "\xff",
      "a;b",
      '"a"',
      "a/b",
      "a\x0bb",
    ];
    for (const value of [...all, `${"x".repeat(8_000)}\xff`]) {
      equal(statusOf(read(["Sec-WebSocket-Protocol", value])), 400, JSON.stringify(value).slice(0, 40));
    }
  });

  it("takes names that are special to JavaScript as the plain tokens that they are", () => {
    const names = ["__proto__", "constructor", "hasOwnProperty", "toString"];
    for (const name of names) {
      const result = read([name, "x", "Sec-WebSocket-Protocol", name, "Sec-WebSocket-Extensions", name]);
      deepEqual(isFault(result) || [result.subprotocols, result.deflateOffers], [[name], []]);
    }
    const parameters = "permessage-deflate; __proto__; constructor=1";
    const result = read(["Sec-WebSocket-Extensions", parameters]);
    deepEqual(isFault(result) || Object.keys(result.deflateOffers[0] ?? {}), ["__proto__", "constructor"]);
  });

  it("refuses malformed extensions, passes over unknown ones", () => {
    for (const value of ["", ";", "a;", "a;b=", 'a;b="', "a;b=\xff", ",", "a,,b"]) {
      equal(statusOf(read(["Sec-WebSocket-Extensions", value])), 400, JSON.stringify(value));
    }
    equal(statusOf(read(["Sec-WebSocket-Extensions", "x-webkit-deflate-frame, foo; bar=1"])), 101);
  });

  it("looks at long values in a time that grows with their length only", () => {
    const startedAt = performance.now();
    for (const value of [`a${" ".repeat(65_536)}b`, "a,".repeat(32_768), `a;${"b;".repeat(32_768)}`]) {
      read(["Sec-WebSocket-Protocol", value]);
      read(["Sec-WebSocket-Extensions", value]);
    }
    equal(performance.now() - startedAt < 500, true);
  });

  it("lets only allowed origins in, and clients that are no browsers", () => {
    const origins = ["https://example.org", "null"];
    equal(statusOf(read(["Origin", "https://example.org"], origins)), 101);
    equal(statusOf(read(["Origin", "HTTPS://Example.org"], origins)), 101);
    equal(statusOf(read(["Origin", "null"], origins)), 101);
    equal(statusOf(read([], origins)), 101);
    equal(statusOf(read(["Origin", "https://example.org.evil.net"], origins)), 403);
    equal(statusOf(read(["Origin", "http://example.org"], origins)), 403);
    equal(statusOf(read(["Origin", "https://example.org", "Origin", "https://evil.net"], origins)), 403);
    equal(statusOf(read(["Origin", "https://evil.net"], [])), 101);
    equal(statusOf(read(["Origin", "https://evil.net"], ["*"])), 101);
  });
});
