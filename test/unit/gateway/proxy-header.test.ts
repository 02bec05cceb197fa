import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ProxyReading, readProxyHeader } from "../../../src/gateway/proxy-header.ts";

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

function v1(line: string): ProxyReading {
  return readProxyHeader(Buffer.from(line, "latin1"), "auto");
}

function v2(command: number, family: number, rest: Buffer, size: number = rest.length): ProxyReading {
  const start = Buffer.from(
    `${SIGNATURE}${String.fromCharCode(command, family, size >> 8, size & 255)}`,
    "latin1",
  );
  return readProxyHeader(Buffer.concat([start, rest]), "auto");
}

function addressesOf(reading: ProxyReading): unknown {
  return reading.type === "header" ? Object.values(reading.addresses ?? {}) : reading;
}

describe("the PROXY protocol, version 1", () => {
  it("names both ends", () => {
    const reading = v1("PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\nGET /");
    assert.deepEqual(addressesOf(reading), ["203.0.113.9", 4711, "192.0.2.1", 443]);
    assert.equal(reading.type === "header" && reading.length, 43);
    assert.deepEqual(addressesOf(v1("PROXY TCP6 2001:db8::9 ::1 1 65535\r\n")), [
      "2001:db8::9",
      1,
      "::1",
      65535,
    ]);
  });

  it("may not know them", () => {
    assert.deepEqual(addressesOf(v1("PROXY UNKNOWN\r\n")), []);
    assert.deepEqual(addressesOf(v1("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n")), []);
  });

  for (const [line, code] of [
    ["GET / HTTP/1.1\r\n", "ERR_PROXY_MISSING"],
    ["PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "ERR_PROXY_ADDRESS"],
    ["PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", "ERR_PROXY_ADDRESS"],
    ["PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", "ERR_PROXY_ADDRESS"],
    ["PROXY TCP4 ::1 ::1 1 2\r\n", "ERR_PROXY_ADDRESS"],
    ["PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", "ERR_PROXY_ADDRESS"],
    ["PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "ERR_PROXY_ADDRESS"],
    ["PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "ERR_PROXY_ADDRESS"],
    ["PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", "ERR_PROXY_ADDRESS"],
    [`PROXY UNKNOWN ${"x".repeat(100)}\r\n`, "ERR_PROXY_SIZE"],
  ] as const) {
    it(`refuses ${JSON.stringify(line.slice(0, 40))}`, () => {
      assert.deepEqual(v1(line), { type: "fault", code });
    });
  }

  it("waits for the rest of a line", () => {
    assert.equal(v1("PRO").type, "incomplete");
    assert.equal(v1("PROXY TCP4 1.2.3.4\r").type, "incomplete");
  });
});

describe("the PROXY protocol, version 2", () => {
  const v4 = Buffer.from([203, 0, 113, 9, 192, 0, 2, 1, 0x12, 0x67, 1, 0xbb]);

  it("names both ends, and may carry extensions", () => {
    assert.deepEqual(addressesOf(v2(0x21, 0x11, v4)), ["203.0.113.9", 4711, "192.0.2.1", 443]);
    const extended = Buffer.concat([v4, Buffer.from([1, 0, 2, 0x68, 0x32])]);
    const reading = v2(0x21, 0x11, extended);
    assert.deepEqual(addressesOf(reading), ["203.0.113.9", 4711, "192.0.2.1", 443]);
    assert.equal(reading.type === "header" && reading.length, 33);
  });

  it("shows IPv6 addresses in short, and mapped ones as IPv4", () => {
    const rest = Buffer.alloc(36);
    rest.writeUInt16BE(0x2001, 0);
    rest.writeUInt16BE(0x0db8, 2);
    rest.writeUInt16BE(9, 14);
    rest.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1], 16);
    assert.deepEqual(addressesOf(v2(0x21, 0x21, rest)), ["2001:db8::9", 0, "10.0.0.1", 0]);
  });

  it("speaks for the proxy itself, for clients unknown, and for Unix sockets", () => {
    assert.deepEqual(addressesOf(v2(0x20, 0x11, v4)), []);
    assert.deepEqual(addressesOf(v2(0x21, 0x00, Buffer.alloc(0))), []);
    assert.deepEqual(addressesOf(v2(0x21, 0x31, Buffer.alloc(216))), ["", 0, "", 0]);
  });

  it("refuses sizes, versions and commands that cannot be", () => {
    assert.deepEqual(v2(0x21, 0x11, v4.subarray(1)), { type: "fault", code: "ERR_PROXY_SIZE" });
    assert.deepEqual(v2(0x21, 0x31, Buffer.alloc(20)), { type: "fault", code: "ERR_PROXY_SIZE" });
    assert.deepEqual(v2(0x21, 0x11, v4, 60_000), { type: "fault", code: "ERR_PROXY_SIZE" });
    assert.deepEqual(v2(0x11, 0x11, v4), { type: "fault", code: "ERR_PROXY_VERSION" });
    assert.deepEqual(v2(0x22, 0x11, v4), { type: "fault", code: "ERR_PROXY_VERSION" });
    assert.deepEqual(v2(0x21, 0x41, v4), { type: "fault", code: "ERR_PROXY_VERSION" });
  });

  it("is refused where version 1 is asked for, and the other way round", () => {
    const binary = Buffer.from(SIGNATURE, "latin1");
    assert.equal(readProxyHeader(binary, "v1").type, "fault");
    assert.equal(readProxyHeader(Buffer.from("PROXY UNKNOWN\r\n"), "v2").type, "fault");
  });
});
