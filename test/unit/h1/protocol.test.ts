import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { H1Protocol } from "../../../src/h1/protocol.ts";
import type { ResponseHead } from "../../../src/http/exchange.ts";
import { NO_FIELDS } from "../../../src/http/fields.ts";
import type { MessageLimits } from "../../../src/http/limits.ts";
import {
  type MessageEvent,
  NEED_DATA,
  PAUSED,
  type RequestEvent,
} from "../../../src/http/message-protocol.ts";
import { ownHead } from "../../../src/http/own-response.ts";
import { LIMITS } from "../../fuzz/h1-driver.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const COMMON = { serverLine: "Server: s\r\n", dateLine: "Date: d\r\n", extraLines: "" };
const OK: ResponseHead = ownHead(200, 0);

function post(fields: string, body = ""): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
}

function fed(text: string, limits: Partial<MessageLimits> = {}): H1Protocol {
  const protocol = new H1Protocol({ ...LIMITS, ...limits });
  protocol.receive(Buffer.from(text, "latin1"));
  return protocol;
}

/** The events up to NEED_DATA or PAUSED, and that as the last one. */
function drain(protocol: H1Protocol): (MessageEvent["type"] | typeof NEED_DATA | typeof PAUSED)[] {
  const types: (MessageEvent["type"] | typeof NEED_DATA | typeof PAUSED)[] = [];
  for (;;) {
    const event = protocol.next();
    if (event === NEED_DATA || event === PAUSED) return [...types, event];
    types.push(event.type);
  }
}

function nextRequest(protocol: H1Protocol): RequestEvent {
  const event = protocol.next();
  assert.ok(typeof event !== "string" && event.type === "request");
  return event;
}

function answer(protocol: H1Protocol): string {
  const head = protocol.responseHead(OK, "Content-Length: 0\r\n\r\n", COMMON);
  protocol.endResponse();
  return head;
}

describe("H1Protocol, reading", () => {
  it("needs data, and is idle, before anything came", () => {
    const protocol = fed("");
    assert.equal(protocol.next(), NEED_DATA);
    assert.equal(protocol.hasPartialHead, false);
  });

  it("tells a partial head from an idle connection", () => {
    const protocol = fed("GET / HT");
    assert.equal(protocol.next(), NEED_DATA);
    assert.equal(protocol.hasPartialHead, true);
    protocol.receive(Buffer.from("TP/1.1\r\nHost: a\r\n\r\n"));
    assert.deepEqual(drain(protocol), ["request", "end", PAUSED]);
    assert.equal(protocol.hasPartialHead, false);
    answer(protocol);
    protocol.startNextCycle();
    assert.equal(protocol.hasPartialHead, false);
  });

  it("looks at no further request before the next cycle", () => {
    const protocol = fed(GET + GET);
    assert.deepEqual(drain(protocol), ["request", "end", PAUSED]);
    assert.equal(protocol.bufferedBytes, GET.length);
    answer(protocol);
    assert.equal(protocol.next(), PAUSED);
    protocol.startNextCycle();
    assert.equal(protocol.hasPartialHead, true);
    assert.deepEqual(drain(protocol), ["request", "end", PAUSED]);
  });

  it("hands out the same Fields when a header block repeats", () => {
    const protocol = fed(GET + GET.replace("/", "/other") + GET.replace("a\r", "b\r"));
    const seen = [0, 1, 2].map(() => {
      const { fields } = nextRequest(protocol).head;
      drain(protocol);
      answer(protocol);
      protocol.startNextCycle();
      return fields;
    });
    assert.equal(seen[0], seen[1]);
    assert.notEqual(seen[1], seen[2]);
  });

  it("hands out bodies as views of the received bytes", () => {
    const chunk = Buffer.from(post("Content-Length: 5\r\n", "hello"));
    const protocol = fed("");
    protocol.receive(chunk);
    nextRequest(protocol);
    const event = protocol.next();
    assert.ok(typeof event !== "string" && event.type === "body");
    assert.equal(event.bytes.buffer, chunk.buffer);
  });

  it("does not write into bytes that were handed out", () => {
    const protocol = fed("POST / HTTP/1.1\r\nHost: a\r\nContent-Le");
    assert.equal(protocol.next(), NEED_DATA);
    protocol.receive(Buffer.from("ngth: 9\r\n\r\nabc"));
    nextRequest(protocol);
    const first = protocol.next();
    protocol.receive(Buffer.from("def"));
    protocol.receive(Buffer.from("ghi"));
    const second = protocol.next();
    assert.ok(typeof first !== "string" && first.type === "body");
    assert.ok(typeof second !== "string" && second.type === "body");
    assert.equal(`${first.bytes}${second.bytes}`, "abcdefghi");
  });

  it("ends a body without trailers by a shared constant", () => {
    const protocol = fed(GET);
    nextRequest(protocol);
    const event = protocol.next();
    assert.ok(typeof event !== "string" && event.type === "end");
    assert.equal(event.trailers, NO_FIELDS);
  });

  it("is dead for good after an error, whatever comes", () => {
    const protocol = fed(`GET  / HTTP/1.1\r\n${GET}`);
    assert.deepEqual(drain(protocol), ["error", PAUSED]);
    protocol.receive(Buffer.from(GET));
    protocol.receiveEof();
    assert.equal(protocol.next(), PAUSED);
    assert.equal(protocol.bufferedBytes, 0);
    assert.match(answer(protocol), /^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n/s);
    assert.equal(protocol.canReuse, false);
    assert.throws(() => protocol.startNextCycle());
  });

  it("tells the request line of a faulty request", () => {
    const faults = [
      "GET /x HTTP/3.0\r\n",
      "GET /y HTTP/1.1\r\nHost: a b\r\n\r\n",
      "G\x01\r\n",
      "GET /z\nHost",
    ];
    const lines = faults.map((text) => {
      const event = fed(text).next();
      assert.ok(typeof event !== "string" && event.type === "error");
      assert.notEqual(event.message, "");
      return event.requestLine;
    });
    assert.deepEqual(lines, ["GET /x HTTP/3.0", "GET /y HTTP/1.1", "G\x01", "GET /z"]);
  });

  it("tells the request line when the fault is in the body", () => {
    const protocol = fed(post("Transfer-Encoding: chunked\r\n", "x"));
    nextRequest(protocol);
    const event = protocol.next();
    assert.ok(typeof event !== "string" && event.type === "error");
    assert.equal(event.requestLine, "POST / HTTP/1.1");
  });
});

describe("H1Protocol, at the end of input", () => {
  it("says closed when nothing is half received", () => {
    const protocol = fed("");
    protocol.receiveEof();
    assert.deepEqual(drain(protocol), ["closed", PAUSED]);
  });

  it("lets a half-closed client have its answer, and announces the end", () => {
    const protocol = fed(GET);
    protocol.receiveEof();
    assert.deepEqual(drain(protocol), ["request", "end", PAUSED]);
    assert.match(answer(protocol), /Connection: close\r\n/);
    assert.equal(protocol.canReuse, false);
  });

  it("serves what a half-closed client has pipelined", () => {
    const protocol = fed(GET + GET);
    protocol.receiveEof();
    assert.deepEqual(drain(protocol), ["request", "end", PAUSED]);
    assert.doesNotMatch(answer(protocol), /Connection/);
    protocol.startNextCycle();
    assert.deepEqual(drain(protocol), ["request", "end", PAUSED]);
    assert.match(answer(protocol), /Connection: close\r\n/);
  });
});

describe("H1Protocol, unwanted bodies", () => {
  it("cannot reuse a connection whose request is not read to its end", () => {
    const protocol = fed(post("Content-Length: 5\r\n", "hel"));
    nextRequest(protocol);
    answer(protocol);
    assert.equal(protocol.canReuse, false);
  });

  it("drops the rest of a body and goes on", () => {
    const protocol = fed(post("Content-Length: 5\r\n", "hel"));
    nextRequest(protocol);
    assert.equal(protocol.discardBody(100), true);
    assert.doesNotMatch(answer(protocol), /Connection/);
    assert.equal(protocol.next(), NEED_DATA);
    protocol.receive(Buffer.from(`lo${GET}`));
    assert.deepEqual(drain(protocol), ["end", PAUSED]);
    assert.equal(protocol.canReuse, true);
    protocol.startNextCycle();
    assert.deepEqual(drain(protocol), ["request", "end", PAUSED]);
  });

  it("gives a body up at once when its length says that it is too long", () => {
    const protocol = fed(post("Content-Length: 101\r\n", "x"));
    nextRequest(protocol);
    assert.equal(protocol.discardBody(100), false);
    assert.match(answer(protocol), /Connection: close\r\n/);
    assert.equal(protocol.next(), PAUSED);
  });

  it("gives a chunked body up when too much of it came", () => {
    const protocol = fed(post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n"));
    nextRequest(protocol);
    assert.equal(protocol.discardBody(5), true);
    assert.equal(protocol.next(), NEED_DATA);
    protocol.receive(Buffer.from(`3\r\ndef\r\n0\r\n\r\n${GET}`));
    assert.equal(protocol.next(), PAUSED);
    answer(protocol);
    assert.equal(protocol.canReuse, false);
  });

  it("still finds faults in a body that it drops", () => {
    const protocol = fed(post("Transfer-Encoding: chunked\r\n", "3\r\nabcXX"));
    nextRequest(protocol);
    assert.equal(protocol.discardBody(50), true);
    assert.deepEqual(drain(protocol), ["error", PAUSED]);
  });

  it("refuses a body over the limit with its head, before any 100 Continue", () => {
    const protocol = fed(post("Expect: 100-continue\r\nContent-Length: 9\r\n"), { bodyBytesMax: 8 });
    const event = protocol.next();
    assert.ok(typeof event !== "string" && event.type === "error");
    assert.equal(event.status, 413);
    assert.equal(protocol.continueLine(), "");
  });
});

describe("H1Protocol, 100 Continue", () => {
  const EXPECTING = post("Expect: 100-continue\r\nContent-Length: 2\r\n");

  it("is sent once", () => {
    const protocol = fed(EXPECTING);
    assert.equal(nextRequest(protocol).expectsContinue, true);
    assert.equal(protocol.continueLine(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert.equal(protocol.continueLine(), "");
  });

  it("is not sent when the body is there already", () => {
    const protocol = fed(`${EXPECTING}h`);
    nextRequest(protocol);
    assert.equal(protocol.continueLine(), "");
  });

  it("is not sent when the client did not ask", () => {
    const protocol = fed(post("Content-Length: 2\r\n"));
    nextRequest(protocol);
    assert.equal(protocol.continueLine(), "");
  });

  it("is not sent behind a final response, which closes the connection", () => {
    const protocol = fed(EXPECTING);
    nextRequest(protocol);
    assert.match(answer(protocol), /Connection: close\r\n/);
    assert.equal(protocol.continueLine(), "");
    assert.equal(protocol.discardBody(100), false);
    assert.equal(protocol.canReuse, false);
  });

  it("lets the connection go on once the body has come", () => {
    const protocol = fed(EXPECTING);
    nextRequest(protocol);
    protocol.continueLine();
    protocol.receive(Buffer.from("hi"));
    assert.deepEqual(drain(protocol), ["body", "end", PAUSED]);
    assert.doesNotMatch(answer(protocol), /Connection/);
    assert.equal(protocol.canReuse, true);
  });
});

describe("H1Protocol, answering without a request", () => {
  it("refuses a slow head and reads no more", () => {
    const protocol = fed("GET / HT");
    assert.equal(protocol.next(), NEED_DATA);
    const head = protocol.responseHead({ ...OK, status: 408 }, "Content-Length: 0\r\n\r\n", COMMON);
    assert.match(head, /^HTTP\/1\.1 408 Request Timeout\r\n.*Connection: close\r\n/s);
    protocol.receive(Buffer.from("TP/1.1\r\nHost: a\r\n\r\n"));
    assert.equal(protocol.next(), PAUSED);
    protocol.endResponse();
    assert.equal(protocol.canReuse, false);
  });

  it("sends no body to a faulty HEAD", () => {
    const protocol = fed("HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    assert.deepEqual(drain(protocol), ["error", PAUSED]);
    protocol.responseHead({ ...OK, status: 400, contentLength: 9 }, "Content-Length: 9\r\n\r\n", COMMON);
    assert.equal(protocol.bodyMode, "none");
  });
});

describe("H1Protocol, changing the protocol", () => {
  it("hands out the bytes behind the request and stops", () => {
    const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    const protocol = fed(`${request}\x81\x00`);
    assert.equal(nextRequest(protocol).upgrade, "websocket");
    assert.deepEqual(drain(protocol), ["end", PAUSED]);
    assert.deepEqual([...protocol.upgrade()], [0x81, 0]);
    protocol.receive(Buffer.from(GET));
    assert.equal(protocol.next(), PAUSED);
    assert.equal(protocol.canReuse, false);
  });

  it("may come before the request's end was looked at", () => {
    const protocol = fed(GET);
    nextRequest(protocol);
    assert.equal(protocol.upgrade().length, 0);
  });

  it("does not come in the middle of a body", () => {
    const protocol = fed(post("Content-Length: 2\r\n"));
    nextRequest(protocol);
    assert.throws(() => protocol.upgrade());
  });

  it("never reuses a connection after CONNECT", () => {
    const protocol = fed("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
    drain(protocol);
    const head = protocol.responseHead(
      { ...OK, contentLength: 5 },
      "content-length: 5\r\nA: b\r\n\r\n",
      COMMON,
    );
    assert.match(head, /Connection: close\r\nA: b\r\n\r\n$/);
    assert.equal(protocol.bodyMode, "plain");
    protocol.endResponse();
    assert.equal(protocol.canReuse, false);
  });
});

describe("H1Protocol, misused", () => {
  it("throws at a second response, an end without a head, and an early next cycle", () => {
    const protocol = fed(GET);
    drain(protocol);
    assert.throws(() => protocol.endResponse());
    assert.throws(() => protocol.startNextCycle());
    assert.throws(() => protocol.responseHead({ ...OK, status: 103 }, "\r\n", COMMON));
    answer(protocol);
    assert.throws(() => protocol.responseHead(OK, "\r\n", COMMON));
    assert.throws(() => protocol.endResponse());
  });
});
