// WebSockets over real sockets, with a clock that stands still.

import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { deflateRawSync } from "node:zlib";
import { statuses } from "../../harness/http-client.ts";
import { eventually } from "../../harness/wait.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  closePayload,
  frame,
  handshake,
  PING,
  PONG,
  TEXT,
} from "../../harness/web-socket-client.ts";
import { runWebSocketFront } from "../../harness/web-socket-front.ts";

const SECOND = 1_000;
const RESTART_FRAME = "\x88\x02\x03\xf4";
const DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

describe("WebSocket handshake on a connection", () => {
  it("is answered with 101, the app's subprotocol and lines, and nothing of the app's that is the server's", async (t) => {
    const { handler, connect } = await runWebSocketFront(t);
    handler.lines = "X-App: yes\r\nSec-WebSocket-Accept: forged\r\nSec-WebSocket-Extensions: forged\r\n";
    const head = await connect().open({ lines: "Sec-WebSocket-Protocol: chat, other\r\n" });
    match(head, /^HTTP\/1\.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n/);
    match(head, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
    match(head, /\r\nSec-WebSocket-Protocol: chat\r\n/);
    match(head, /\r\nX-App: yes\r\n/);
    match(head, /\r\nServer: tunicorn\r\n.*\r\n/);
    equal(head.includes("forged") || head.includes("Extensions"), false);
  });

  it("is answered with the lines that the operator adds, accepted or not", async (t) => {
    const { connect } = await runWebSocketFront(t, { headers: [["X-Served-By", "here"]] });
    match(await connect().open(), /^HTTP\/1\.1 101 .*\r\n(.*\r\n)*X-Served-By: here\r\n/);
    match(await connect().open({ path: "/plain" }), /^HTTP\/1\.1 200 .*\r\n(.*\r\n)*X-Served-By: here\r\n/);
  });

  it("gets its first frames even if they came with the request", async (t) => {
    const { connect } = await runWebSocketFront(t);
    const client = connect();
    client.raw.send(Buffer.concat([Buffer.from(handshake({ path: "/echo" })), frame(TEXT, "early")]));
    await client.raw.until({ test: (received) => received.endsWith("\r\n\r\n\x81\x05early") });
  });

  it("may follow other requests on its connection, also pipelined", async (t) => {
    const { connect } = await runWebSocketFront(t);
    const client = connect();
    const plain = "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n";
    client.raw.send(plain + plain + handshake({ path: "/echo" }));
    const received = await client.raw.until(/101 Switching[\s\S]*\r\n\r\n/);
    deepEqual(statuses(received), [200, 200, 101]);
  });

  it("is an ordinary request when WebSockets are off, the app has no use for them, or HTTP/1.0 is spoken", async (t) => {
    const off = await runWebSocketFront(t, { wsEnabled: false });
    const on = await runWebSocketFront(t);
    match(await off.connect().open(), /^HTTP\/1\.1 200 /);
    match(await on.connect().open({ path: "/plain" }), /^HTTP\/1\.1 200 /);
    const old = on.connect();
    old.raw.send(handshake().replace("HTTP/1.1", "HTTP/1.0"));
    await old.raw.until(/^HTTP\/1\.1 200 /);
  });

  it("is refused with the right status, and the connection closed", async (t) => {
    const { connect } = await runWebSocketFront(t, { wsAllowedOrigins: ["https://good.org"] });
    const wrong: readonly (readonly [string, number])[] = [
      [handshake().replace("Version: 13", "Version: 8"), 426],
      [handshake().replace(/Sec-WebSocket-Key.*\r\n/, ""), 400],
      [handshake({ lines: "Origin: https://evil.org\r\n" }), 403],
      [handshake({ lines: "Sec-WebSocket-Protocol: \xe9\xff\r\n" }), 400],
      [handshake({ lines: `Sec-WebSocket-Protocol: ${"x".repeat(65_536)}\r\n` }), 431],
      [handshake({ lines: `Sec-WebSocket-Extensions: ${"x".repeat(65_536)}\r\n` }), 431],
      [handshake({ lines: "X: y\r\n".repeat(2_001) }), 431],
      [`${handshake({ lines: "Content-Length: 5\r\n" })}12345`, 400],
      [handshake().replace("GET", "POST"), 400],
    ];
    for (const [request, status] of wrong) {
      const client = connect();
      client.raw.send(request);
      const received = await client.raw.untilClosed();
      deepEqual(statuses(received), [status], request.slice(0, 200));
      if (status === 426) match(received, /\r\nSec-WebSocket-Version: 13\r\n/);
    }
  });

  it("tells the handler when the client leaves before it was answered", async (t) => {
    const { handler, connect } = await runWebSocketFront(t);
    for (const leave of ["reset", "end"] as const) {
      const client = connect();
      client.raw.send(handshake({ path: "/hold" }));
      const exchange = await eventually(5_000, "the request", () => handler.held.pop());
      client.raw[leave]();
      // A half-closed connection is over only for who wants to speak WebSocket on it.
      await eventually(5_000, "its end", () => handler.aborts.length + handler.halfCloses === 1);
      equal(handler.accept(exchange).channel, undefined);
      deepEqual(handler.aborts.splice(0), ["client-left"]);
      handler.halfCloses = 0;
    }
  });
});

describe("WebSocket messages", () => {
  it("pass in both directions, whole and in fragments, with pings between", async (t) => {
    const { open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    const noLast = { isLast: false };
    client.send(frame(TEXT, "he", noLast), frame(PING, "?"), frame(CONTINUATION, "", noLast));
    client.send(frame(CONTINUATION, "llo"), frame(BINARY, "\x00\x01"));
    const pong = await client.next();
    deepEqual([pong.opcode, pong.payload.toString()], [PONG, "?"]);
    await eventually(5_000, "both messages", () => socket.messages.length === 2);
    deepEqual(socket.messages, ["text hello", "binary \x00\x01"]);
    socket.channel?.send(Buffer.from("an"), true, true);
    socket.channel?.send(Buffer.from("swer"), true, false);
    const [first, second] = [await client.next(), await client.next()];
    deepEqual([first.opcode, first.isLast, second.opcode, second.isLast], [TEXT, false, CONTINUATION, true]);
  });

  it("may come byte by byte", async (t) => {
    const { open } = await runWebSocketFront(t);
    const { client } = await open({ path: "/echo" });
    for (const byte of frame(TEXT, "slow and steady")) client.send(Buffer.from([byte]));
    equal(await client.text(), "slow and steady");
  });

  it("leave in one write for one turn of the event loop", async (t) => {
    const { front, open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    for (let i = 0; i < 100; i++) socket.channel?.send(Buffer.from(`${i}`), true, false);
    for (let i = 0; i < 100; i++) equal(await client.text(), `${i}`);
    equal(front.counters.webSocketMessagesSent, 100);
  });

  it("are compressed for clients that can, unless they are short", async (t) => {
    const { open } = await runWebSocketFront(t);
    const { client, socket } = await open({ lines: DEFLATE });
    const long = "all work and no play ".repeat(200);
    for (const text of [long, "short", long]) socket.channel?.send(Buffer.from(text), true, false);
    const frames = [await client.next(), await client.next(), await client.next()];
    deepEqual(
      frames.map(({ isCompressed }) => isCompressed),
      [true, false, true],
    );
    equal((frames[0]?.payload.length ?? 0) < 200, true);
    equal(frames[1]?.payload.toString(), "short");
  });

  it("are decompressed, and never beyond the limit", async (t) => {
    const { open } = await runWebSocketFront(t, { wsMaxSize: 100_000 });
    const compress = (bytes: number): Buffer => {
      const raw = deflateRawSync(Buffer.alloc(bytes, "a"), { finishFlush: 2, windowBits: 12 });
      return raw.subarray(0, raw.length - 4);
    };
    const { client, socket } = await open({ lines: DEFLATE });
    client.send(frame(TEXT, compress(50_000), { reserved: 4 }));
    await eventually(5_000, "the message", () => socket.messages[0] === "text 50000");
    client.send(frame(TEXT, compress(50_000_000), { reserved: 4 }));
    equal(await client.closed(), "1009");
  });

  it("that are compressed but broken are refused", async (t) => {
    const { open } = await runWebSocketFront(t);
    const { client, socket } = await open({ lines: DEFLATE });
    client.send(frame(TEXT, "\xff\xff\xff\xff\xff no deflate", { reserved: 4 }));
    equal(await client.closed(), "1007");
    deepEqual(socket.closes, ["1007"]);
  });

  it("stop while the handler is full, however many came in one segment", async (t) => {
    const { open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    socket.channel?.pause();
    client.send(...Array.from({ length: 20_000 }, () => frame(TEXT, "")));
    client.send(frame(PING, "behind"));
    await new Promise((resolve) => setImmediate(resolve));
    equal(socket.messages.length, 0);
    socket.channel?.resume();
    const pong = await client.next();
    equal(pong.payload.toString(), "behind");
    equal(socket.messages.length, 20_000);
  });

  it("stop within a segment when the handler says so", async (t) => {
    const { open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    const onMessage = socket.onMessage.bind(socket);
    socket.onMessage = (bytes, isText): void => {
      onMessage(bytes, isText);
      socket.channel?.pause();
    };
    client.send(...Array.from({ length: 20_000 }, () => frame(TEXT, "")));
    await eventually(5_000, "some messages", () => socket.messages.length > 0);
    await new Promise((resolve) => setImmediate(resolve));
    equal(socket.messages.length < 1_000, true);
  });

  it("that a client does not read are counted, and told when they left", async (t) => {
    const { open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    client.raw.pause();
    const piece = Buffer.alloc(1_000_000);
    for (let i = 0; i < 20; i++) socket.channel?.send(piece, false, false);
    await eventually(5_000, "some of it left", () => (socket.channel?.unsentBytes ?? 0) < 20_000_000);
    equal((socket.channel?.unsentBytes ?? 0) > 5_000_000, true);
    client.raw.resume();
    await eventually(10_000, "all of it left", () => socket.channel?.unsentBytes === 0);
  });

  it("are not followed by any number of pongs to a client that does not read", async (t) => {
    const { open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    client.raw.pause();
    socket.channel?.send(Buffer.alloc(20_000_000), false, false);
    const ping = frame(PING, "x".repeat(125));
    for (let i = 0; i < 100; i++) client.send(Buffer.concat(Array.from({ length: 100 }, () => ping)));
    client.send(frame(TEXT, "last"));
    await eventually(10_000, "the message behind the pings", () => socket.messages.length === 1);
    equal((socket.channel?.unsentBytes ?? 0) < 20_100_000, true);
  });
});

describe("a client that breaks RFC 6455", () => {
  const endless = Array.from({ length: 40 }, (_, i) =>
    frame(i === 0 ? BINARY : CONTINUATION, "x".repeat(5_000), { isLast: false }),
  );
  const tiny = Buffer.concat(
    Array.from({ length: 70_000 }, (_, i) => frame(i === 0 ? BINARY : CONTINUATION, "", { isLast: false })),
  );
  const cases: readonly (readonly [string, string, readonly Buffer[]])[] = [
    ["does not mask", "1002", [frame(TEXT, "x", { isMasked: false })]],
    ["sets RSV1 without an extension", "1002", [frame(TEXT, "x", { reserved: 4 })]],
    ["sets RSV2", "1002", [frame(TEXT, "x", { reserved: 2 })]],
    ["sets RSV3", "1002", [frame(TEXT, "x", { reserved: 1 })]],
    ["uses opcode 3", "1002", [frame(3, "x")]],
    ["uses opcode 11", "1002", [frame(11, "x")]],
    ["continues nothing", "1002", [frame(CONTINUATION, "x")]],
    ["begins a message in another", "1002", [frame(TEXT, "x", { isLast: false }), frame(TEXT, "y")]],
    ["sends a ping in fragments", "1002", [frame(PING, "x", { isLast: false })]],
    ["sends a ping of 126 bytes", "1002", [frame(PING, "x".repeat(126))]],
    ["closes with half a code", "1002", [frame(CLOSE, "x")]],
    ["closes with 1005", "1002", [frame(CLOSE, closePayload(1005))]],
    ["closes with 999", "1002", [frame(CLOSE, closePayload(999))]],
    [
      "sends text that is not UTF-8",
      "1007",
      [frame(TEXT, Buffer.from([0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xed, 0xa0]))],
    ],
    ["gives a reason that is not UTF-8", "1007", [frame(CLOSE, Buffer.from([3, 232, 0xff]))]],
    ["announces more than the limit", "1009", [frame(TEXT, "", { length: 100_001 })]],
    ["announces 10 GiB", "1009", [frame(TEXT, "", { length: 10 * 2 ** 30 })]],
    ["announces 2^63", "1009", [frame(TEXT, "", { length: 2 ** 63 })]],
    ["never ends its fragments", "1009", endless],
    ["sends 70,000 empty fragments", "1009", [tiny]],
  ];
  for (const [what, code, frames] of cases) {
    it(`and ${what} gets ${code}, and the handler is told`, async (t) => {
      const { open, access } = await runWebSocketFront(t, { wsMaxSize: 100_000 });
      const { client, socket } = await open();
      client.send(...frames);
      equal(await client.closed(), code);
      await client.rest();
      deepEqual(socket.closes, [code]);
      deepEqual(socket.messages, []);
      await eventually(5_000, "the access log line", () => access.records[0]?.abortCause === "bad-request");
    });
  }
});

describe("the end of a WebSocket", () => {
  it("that the client asks for is answered with its code, and told with its reason", async (t) => {
    const { front, open, access } = await runWebSocketFront(t);
    const { client, socket } = await open({ path: "/echo" });
    client.send(frame(TEXT, "12345"), frame(CLOSE, closePayload(4000, "bye")));
    equal(await client.text(), "12345");
    equal(await client.closed(), "4000");
    deepEqual(await client.rest(), []);
    deepEqual(socket.closes, ["4000 bye"]);
    const record = await eventually(5_000, "the access log line", () => access.records[0]);
    deepEqual(
      [record?.status, record?.bodyBytes, record?.requestBytes, record?.abortCause, record?.requestLine],
      [101, 5, 5, undefined, "GET /echo HTTP/1.1"],
    );
    equal(front.counters.webSocketsOpen, 0);
    equal(front.counters.exchangesOpen, 0);
  });

  it("without a code is 1005 for the handler, and answered without one", async (t) => {
    const { open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    client.send(frame(CLOSE));
    equal(await client.closed(), "none");
    deepEqual(socket.closes, ["1005"]);
  });

  it("without a close frame is 1006", async (t) => {
    const { open } = await runWebSocketFront(t);
    for (const leave of ["end", "reset"] as const) {
      const { client, socket } = await open();
      client.raw[leave]();
      await client.rest();
      await eventually(5_000, "the end", () => socket.closes.length === 1);
      deepEqual(socket.closes, ["1006"]);
    }
  });

  it("that the handler asks for comes behind its messages, and waits for the client's word", async (t) => {
    const { open } = await runWebSocketFront(t);
    const { client, socket } = await open({ lines: DEFLATE });
    socket.channel?.send(Buffer.from("x".repeat(5_000)), true, false);
    socket.channel?.close(4001, Buffer.from("é".repeat(70)));
    socket.channel?.send(Buffer.from("too late"), true, false);
    equal((await client.next()).isCompressed, true);
    equal(await client.closed(), `4001 ${"é".repeat(61)}`);
    client.send(frame(TEXT, "unheard"), frame(CLOSE, closePayload(4002, "ok")));
    deepEqual(await client.rest(), []);
    deepEqual([socket.closes, socket.messages], [["4002 ok"], []]);
  });

  it("never carries a code that must not be sent", async (t) => {
    const { open } = await runWebSocketFront(t);
    for (const [given, sent] of [
      [1005, "none"],
      [1006, "1011"],
      [999, "1011"],
      [70_000, "1011"],
      [3000, "3000"],
    ] as const) {
      const { client, socket } = await open();
      socket.channel?.close(given, Buffer.alloc(0));
      equal(await client.closed(), sent);
    }
  });

  it("comes after ten seconds when the client says nothing to a close frame", async (t) => {
    const { clock, open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    socket.channel?.close(1000, Buffer.alloc(0));
    equal(await client.closed(), "1000");
    clock.advance(9 * SECOND);
    deepEqual(socket.closes, []);
    clock.advance(2 * SECOND);
    await client.rest();
    deepEqual(socket.closes, ["1006"]);
  });

  it("comes when a close frame stands behind messages that nobody takes", async (t) => {
    const { open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    socket.channel?.pause();
    for (let i = 0; i < 100; i++) client.send(frame(BINARY, Buffer.alloc(10_000)));
    socket.channel?.close(1000, Buffer.alloc(0));
    equal(await client.closed(), "1000");
    client.send(frame(CLOSE, closePayload(1000)));
    await client.rest();
    deepEqual(socket.closes, ["1000"]);
  });

  it("comes when a client stops reading", async (t) => {
    const { clock, open } = await runWebSocketFront(t, { responseStallMs: 30 * SECOND });
    const { client, socket } = await open();
    client.raw.pause();
    socket.channel?.send(Buffer.alloc(20_000_000), false, false);
    await eventually(5_000, "some of it left", () => (socket.channel?.unsentBytes ?? 0) < 20_000_000);
    clock.advance(31 * SECOND);
    deepEqual(socket.closes, ["1006"]);
  });
});

describe("pings", () => {
  it("keep a client that answers, or sends anything else", async (t) => {
    const { clock, open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    for (const opcode of [PONG, TEXT, PONG]) {
      clock.advance(20 * SECOND + 500);
      equal((await client.next()).opcode, PING);
      const heard = socket.messages.length;
      client.send(frame(opcode, ""), frame(TEXT, "!"));
      await eventually(5_000, "the answer", () => socket.messages.length > heard);
    }
    deepEqual(socket.closes, []);
  });

  it("end a client that is silent, with 1011 should it hear", async (t) => {
    const { clock, open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    clock.advance(41 * SECOND);
    equal((await client.next()).opcode, PING);
    equal(await client.closed(), "1011 keepalive ping timeout");
    deepEqual(socket.closes, ["1006"]);
  });

  it("do not blame a client that is held back for its silence", async (t) => {
    const { front, clock, open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    socket.channel?.pause();
    client.send(frame(BINARY, Buffer.alloc(200_000)));
    await eventually(5_000, "bytes that wait", () => front.counters.bytesReceived > 10_000);
    clock.advance(600 * SECOND);
    deepEqual(socket.closes, []);
  });

  it("need no timer of their own", async (t) => {
    const { clock, open } = await runWebSocketFront(t);
    for (let i = 0; i < 10; i++) await open();
    equal(clock.timers, 1);
  });
});

describe("WebSockets of a front that drains", () => {
  it("are closed with 1012, spread over time, and the handler is told", async (t) => {
    const { front, clock, open } = await runWebSocketFront(t);
    const all = [await open(), await open(), await open()];
    const drained = front.drain(30 * SECOND);
    await eventually(5_000, "the drain", () => {
      clock.advance(250);
      return all.every(({ socket }) => socket.closes.length === 1);
    });
    for (const { client, socket } of all) {
      equal(await client.closed(), "1012");
      deepEqual(socket.closes, ["1012"]);
      client.send(frame(CLOSE, closePayload(1012)));
      await client.rest();
    }
    await drained;
  });

  it("wait for a silent client no longer than for any stream", async (t) => {
    const { front, clock, open } = await runWebSocketFront(t, { streamGraceMs: SECOND });
    const { client } = await open();
    const drained = front.drain(1_000 * SECOND);
    await eventually(5_000, "the close frame", () => {
      clock.advance(250);
      return client.raw.received.endsWith(RESTART_FRAME);
    });
    clock.advance(2 * SECOND);
    await drained;
  });

  it("are told even when they are cut at once", async (t) => {
    const { front, open } = await runWebSocketFront(t);
    const { client, socket } = await open();
    front.destroy();
    equal(await client.closed(), "1012");
    deepEqual(socket.closes, ["1012"]);
  });

  it("do not outlive the grace", async (t) => {
    const { front, clock, open } = await runWebSocketFront(t);
    const { client } = await open();
    const drained = front.drain(5 * SECOND);
    await eventually(5_000, "the close frame", () => {
      clock.advance(250);
      return client.raw.received.endsWith(RESTART_FRAME);
    });
    clock.advance(6 * SECOND);
    await drained;
  });

  it("that are accepted only then are told at once", async (t) => {
    const { front, clock, handler, connect } = await runWebSocketFront(t);
    const client = connect();
    client.raw.send(handshake({ path: "/hold" }));
    const exchange = await eventually(5_000, "the request", () => handler.held[0]);
    void front.drain(30 * SECOND);
    await eventually(5_000, "the drain", () => front.isDraining);
    handler.accept(exchange);
    clock.advance(500);
    await client.raw.until({ test: (received) => received.endsWith(RESTART_FRAME) });
  });
});
