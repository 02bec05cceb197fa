import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ownHead } from "../../../src/http/own-response.ts";
import { playGateway, speak } from "../../fuzz/gateway-driver.ts";
import {
  beginRecord,
  FASTCGI,
  fastcgiRequest,
  nameValues,
  readRecords,
  record,
  stdoutOf,
} from "../../harness/gateway-packets.ts";

const GET = { REQUEST_METHOD: "GET", REQUEST_URI: "/a", CONTENT_LENGTH: "" };
const POST = { ...GET, REQUEST_METHOD: "POST" };
const NO_LINES = { serverLine: "", dateLine: "", extraLines: "" };

/** Of an END_REQUEST record. */
function protocolStatus(content: string): number {
  return content.charCodeAt(4);
}

describe("FastCGI", () => {
  it("answers with records that end the request", () => {
    const { output } = playGateway("fastcgi", [fastcgiRequest(GET, "", { id: 7 })]);
    const records = readRecords(output);
    assert.equal(stdoutOf(output), "Status: 200 OK\r\nContent-Length: 6\r\n\r\nanswer");
    assert.ok(records.every(({ id }) => id === 7));
    assert.deepEqual(
      records.slice(-2).map(({ type, content }) => [type, content.length]),
      [
        [FASTCGI.stdout, 0],
        [FASTCGI.end, 8],
      ],
    );
  });

  it("serves one request after another where the web server keeps the connection", () => {
    const two = [fastcgiRequest(GET, "", { keep: true }), fastcgiRequest(POST, "body", { id: 2 })];
    const seen = playGateway("fastcgi", two);
    assert.deepEqual(
      seen.requests.map(({ body }) => body),
      ["", "body"],
    );
  });

  it("reads nothing more where it does not", () => {
    const seen = playGateway("fastcgi", [fastcgiRequest(GET), fastcgiRequest(GET, "", { id: 2 })]);
    assert.equal(seen.requests.length, 1);
  });

  it("knows by the first record of a body whether there is one", () => {
    assert.equal(playGateway("fastcgi", [fastcgiRequest(GET)]).requests[0]?.head.bodyLength, 0);
    assert.equal(playGateway("fastcgi", [fastcgiRequest(POST, "x")]).requests[0]?.head.bodyLength, -1);
  });

  it("refuses bodies that are not as long as CONTENT_LENGTH says", () => {
    for (const CONTENT_LENGTH of ["0", "3", "9"]) {
      const seen = playGateway("fastcgi", [fastcgiRequest({ ...POST, CONTENT_LENGTH }, "hello")]);
      assert.equal(seen.error, "ERR_GATEWAY_BODY_MISMATCH");
    }
  });

  it("refuses a body without a length that grows beyond the limit", () => {
    const seen = playGateway("fastcgi", [fastcgiRequest(POST, "hello")], { limits: { bodyBytesMax: 4 } });
    assert.equal(seen.error, "ERR_GATEWAY_BODY_TOO_LARGE");
  });

  it("refuses a second request beside the first, and goes on with that", () => {
    const whole = fastcgiRequest(POST, "hello");
    const seen = playGateway("fastcgi", [
      whole.subarray(0, 16),
      beginRecord(2),
      record(FASTCGI.params, 2),
      whole.subarray(16),
    ]);
    const ends = readRecords(seen.output).filter(({ type }) => type === FASTCGI.end);
    assert.deepEqual(
      ends.map(({ id, content }) => [id, protocolStatus(content)]),
      [
        [2, 1],
        [1, 0],
      ],
    );
    assert.equal(seen.requests[0]?.body, "hello");
  });

  it("refuses other roles than the responder's", () => {
    const { output, requests } = playGateway("fastcgi", [beginRecord(1, { role: 2 })]);
    assert.deepEqual(
      readRecords(output).map(({ content }) => protocolStatus(content)),
      [3],
    );
    assert.equal(requests.length, 0);
  });

  it("tells what it can, and which types it does not know", () => {
    const asked = record(FASTCGI.getValues, 0, nameValues({ FCGI_MPXS_CONNS: "", FCGI_OTHER: "" }));
    const { output } = playGateway("fastcgi", [asked, record(99, 0, "what")]);
    assert.deepEqual(
      readRecords(output).map(({ type, content }) => [type, content]),
      [
        [FASTCGI.getValuesResult, "\x0f\x01FCGI_MPXS_CONNS0"],
        [FASTCGI.unknown, "\x63\0\0\0\0\0\0\0"],
      ],
    );
  });

  it("hears of an abort before the request, and while it is answered", () => {
    const early = playGateway("fastcgi", [
      beginRecord(1, { keep: true }),
      record(FASTCGI.abort, 1),
      fastcgiRequest(GET, "", { id: 2 }),
    ]);
    assert.equal(early.requests.length, 1);
    const protocol = speak("fastcgi");
    protocol.receive(fastcgiRequest(GET));
    assert.equal((protocol.next() as { type: string }).type, "request");
    assert.equal((protocol.next() as { type: string }).type, "end");
    protocol.receive(record(FASTCGI.abort, 1));
    protocol.aside?.answers();
    assert.equal(protocol.aside?.isAborted, true);
  });

  it("puts long heads into several records", () => {
    const protocol = speak("fastcgi");
    protocol.receive(fastcgiRequest(GET));
    protocol.next();
    const block = `X-Long: ${"x".repeat(100_000)}\r\n\r\n`;
    const text = protocol.responseHead(ownHead(200, -1), block, NO_LINES);
    assert.equal(readRecords(text).length, 2);
    assert.equal(stdoutOf(text), `Status: 200 OK\r\n${block}`);
  });

  it("holds no variables beyond the limit, in however many records they come", () => {
    const records = Array.from({ length: 100 }, () => record(FASTCGI.params, 1, "x".repeat(50)));
    const seen = playGateway("fastcgi", [beginRecord(1), ...records], { limits: { headBytesMax: 1_000 } });
    assert.equal(seen.error, "ERR_GATEWAY_HEAD_TOO_LARGE");
  });

  for (const [what, bytes] of [
    ["another version", Buffer.from([2, 1, 0, 1, 0, 0, 0, 0])],
    ["a BEGIN_REQUEST of the wrong size", record(FASTCGI.begin, 1, "x")],
    ["a request of number 0", beginRecord(0)],
    ["a request begun twice", Buffer.concat([beginRecord(1), beginRecord(1)])],
    ["a body before the variables", Buffer.concat([beginRecord(1), record(FASTCGI.stdin, 1, "x")])],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.equal(playGateway("fastcgi", [bytes]).error, "ERR_FASTCGI_RECORD");
    });
  }
});

describe("responses over uwsgi and SCGI", () => {
  it("have no body where none may be, and no status of the application's own", () => {
    const protocol = speak("scgi");
    protocol.abandon();
    const text = protocol.responseHead(
      ownHead(204, -1),
      "Status: 200\r\nContent-Length: 3\r\nX: y\r\n\r\n",
      NO_LINES,
    );
    assert.equal(text, "Status: 204 No Content\r\nX: y\r\n\r\n");
    assert.equal(protocol.bodyMode, "none");
  });
});
