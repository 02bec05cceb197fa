import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { H1Protocol } from "../../../src/h1/protocol.ts";
import type { ResponseHead } from "../../../src/http/exchange.ts";
import { NEED_DATA, PAUSED } from "../../../src/http/message-protocol.ts";
import { ownHead } from "../../../src/http/own-response.ts";
import { LIMITS } from "../../fuzz/h1-driver.ts";

const COMMON = { serverLine: "Server: s\r\n", dateLine: "Date: d\r\n", extraLines: "" };
const LENGTH_5 = "Content-Length: 5\r\n\r\n";
const HEAD: ResponseHead = ownHead(200, -1);

function asked(start = "GET / HTTP/1.1", fields = ""): H1Protocol {
  const protocol = new H1Protocol(LIMITS);
  protocol.receive(Buffer.from(`${start}\r\nHost: a\r\n${fields}\r\n`));
  for (let event = protocol.next(); event !== PAUSED && event !== NEED_DATA; event = protocol.next());
  return protocol;
}

describe("response heads", () => {
  it("are status line, Server, Date, then the application's block", () => {
    const head = asked().responseHead({ ...HEAD, contentLength: 5 }, LENGTH_5, COMMON);
    assert.equal(head, `HTTP/1.1 200 OK\r\nServer: s\r\nDate: d\r\n${LENGTH_5}`);
  });

  it("leave out Server and Date that the application gave", () => {
    const head = asked().responseHead(
      { ...HEAD, contentLength: 5, hasServer: true, hasDate: true },
      LENGTH_5,
      COMMON,
    );
    assert.equal(head, `HTTP/1.1 200 OK\r\n${LENGTH_5}`);
  });

  it("carry the application's reason, unless it could forge lines", () => {
    const start = (reason: string): string | undefined =>
      asked()
        .responseHead({ ...HEAD, reason }, "\r\n", COMMON)
        .split("\r\n")[0];
    assert.equal(start("Fine\xe9"), "HTTP/1.1 200 Fine\xe9");
    assert.equal(start("a\r\nX: y"), "HTTP/1.1 200 OK");
    assert.equal(start("a\0"), "HTTP/1.1 200 OK");
  });

  it("keep the space behind a status without a phrase", () => {
    assert.match(asked().responseHead({ ...HEAD, status: 299 }, "\r\n", COMMON), /^HTTP\/1\.1 299 \r\n/);
  });

  it("say so when the connection ends with them", () => {
    const closing = asked();
    closing.closeAfterResponse();
    const heads = [
      closing.responseHead(HEAD, "\r\n", COMMON),
      asked().responseHead({ ...HEAD, close: true }, "\r\n", COMMON),
      asked("GET / HTTP/1.1", "Connection: close\r\n").responseHead(HEAD, "\r\n", COMMON),
      asked("GET / HTTP/1.0").responseHead({ ...HEAD, contentLength: 5 }, LENGTH_5, COMMON),
    ];
    for (const head of heads) assert.match(head, /\r\nDate: d\r\nConnection: close\r\n/);
  });

  it("tell an HTTP/1.0 client that the connection stays", () => {
    const protocol = asked("GET / HTTP/1.0", "Connection: keep-alive\r\n");
    const head = protocol.responseHead({ ...HEAD, contentLength: 5 }, LENGTH_5, COMMON);
    assert.match(head, /\r\nConnection: keep-alive\r\n/);
    assert.equal(protocol.bodyBytes, 5);
    protocol.endResponse();
    assert.equal(protocol.canReuse, true);
  });
});

describe("response bodies", () => {
  it("of unknown length are chunked on HTTP/1.1", () => {
    const protocol = asked();
    assert.match(protocol.responseHead(HEAD, "\r\n", COMMON), /\r\nTransfer-Encoding: chunked\r\n\r\n$/);
    assert.equal(protocol.bodyMode, "chunked");
    assert.equal(protocol.bodyBytes, Number.POSITIVE_INFINITY);
    protocol.endResponse();
    assert.equal(protocol.canReuse, true);
  });

  it("of unknown length end with the connection on HTTP/1.0", () => {
    const protocol = asked("GET / HTTP/1.0", "Connection: keep-alive\r\n");
    const head = protocol.responseHead(HEAD, "\r\n", COMMON);
    assert.doesNotMatch(head, /Transfer-Encoding|keep-alive/);
    assert.match(head, /Connection: close\r\n/);
    assert.equal(protocol.bodyMode, "plain");
    assert.equal(protocol.bodyBytes, Number.POSITIVE_INFINITY);
    protocol.endResponse();
    assert.equal(protocol.canReuse, false);
  });

  it("are as long as Content-Length says", () => {
    const protocol = asked();
    protocol.responseHead({ ...HEAD, contentLength: 5 }, LENGTH_5, COMMON);
    assert.equal(protocol.bodyMode, "plain");
    assert.equal(protocol.bodyBytes, 5);
  });

  it("are dropped for HEAD and 304, whose Content-Length stays", () => {
    for (const [start, status] of [
      ["HEAD / HTTP/1.1", 200],
      ["GET / HTTP/1.1", 304],
    ] as const) {
      const protocol = asked(start);
      const head = protocol.responseHead({ ...HEAD, status, contentLength: 5 }, LENGTH_5, COMMON);
      assert.ok(head.endsWith(LENGTH_5));
      assert.equal(protocol.bodyMode, "none");
      protocol.endResponse();
      assert.equal(protocol.canReuse, true);
    }
  });

  it("are dropped for 204, with its Content-Length", () => {
    const protocol = asked();
    const block = `A: b\r\ncontent-length: 5\r\nC: content-length: 5\r\n\r\n`;
    const head = protocol.responseHead({ ...HEAD, status: 204, contentLength: 5 }, block, COMMON);
    assert.ok(head.endsWith("A: b\r\nC: content-length: 5\r\n\r\n"));
    assert.equal(protocol.bodyMode, "none");
    protocol.endResponse();
  });

  it("to HEAD of unknown length have no framing at all", () => {
    const protocol = asked("HEAD / HTTP/1.1");
    assert.doesNotMatch(protocol.responseHead(HEAD, "\r\n", COMMON), /Transfer-Encoding|Connection/);
    assert.equal(protocol.bodyMode, "none");
  });

  it("have chunk heads in hexadecimal", () => {
    assert.equal(new H1Protocol(LIMITS).chunkHead(255), "ff\r\n");
  });
});

describe("informational responses", () => {
  const hints = Buffer.from("Link: </a>\r\nContent-Length: 3\r\n\r\n");

  it("go out before the final one, without a length", () => {
    const protocol = asked();
    assert.equal(protocol.informLines(103, hints), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    protocol.responseHead(HEAD, "\r\n", COMMON);
    assert.equal(protocol.informLines(103, hints), "");
  });

  it("are not for HTTP/1.0", () => {
    assert.equal(asked("GET / HTTP/1.0").informLines(103, hints), "");
  });
});
