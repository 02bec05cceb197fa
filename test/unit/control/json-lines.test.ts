import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  encodeLine,
  LINE_BYTES_MAX,
  type LineEvent,
  LineReader,
  NEED_DATA,
} from "../../../src/control/json-lines.ts";

const MESSAGES = [
  { type: "step", step: "import" },
  { type: "müßig", text: "naïve ✓ 🦄" },
  { type: "x", n: [1, null] },
];
const STREAM = Buffer.concat(MESSAGES.map((message) => Buffer.from(encodeLine(message))));

function readAll(reader: LineReader): LineEvent[] {
  const events: LineEvent[] = [];
  for (let event = reader.next(); event !== NEED_DATA; event = reader.next()) events.push(event);
  return events;
}

function feed(...pieces: readonly Uint8Array[]): LineEvent[] {
  const reader = new LineReader();
  return pieces.flatMap((piece) => {
    reader.receive(piece);
    return readAll(reader);
  });
}

const EXPECTED = MESSAGES.map((line) => ({ type: "line", line }));

describe("control line reader", () => {
  it("reads lines that come whole", () => assert.deepEqual(feed(STREAM), EXPECTED));

  it("reads lines split in two at every point", () => {
    for (let at = 0; at <= STREAM.length; at += 1) {
      assert.deepEqual(feed(STREAM.subarray(0, at), STREAM.subarray(at)), EXPECTED, `split at ${at}`);
    }
  });

  it("reads lines byte by byte", () => {
    assert.deepEqual(feed(...Array.from(STREAM, (byte) => Uint8Array.of(byte))), EXPECTED);
  });

  it("takes several chunks before it is asked", () => {
    const reader = new LineReader();
    for (const byte of STREAM) reader.receive(Uint8Array.of(byte));
    assert.deepEqual(readAll(reader), EXPECTED);
  });

  for (const [name, line] of [
    ["that is not JSON", "{type:1}\n"],
    ["that is not an object", '"type"\n'],
    ["without a type", '{"kind":"step"}\n'],
    ["whose type is not text", '{"type":1}\n'],
    ["that is empty", "\n"],
  ] as const) {
    it(`ends with an error at a line ${name}`, () => {
      const events = feed(Buffer.from(line), STREAM);
      assert.deepEqual(events, [{ type: "error", code: "line-not-json" }]);
    });
  }

  it("ends with an error at bytes that are not UTF-8", () => {
    assert.deepEqual(feed(Buffer.from('{"type":"\xff"}\n', "latin1")), [
      { type: "error", code: "line-not-json" },
    ]);
  });

  it("refuses a line beyond the limit, with its end or without", () => {
    const long = Buffer.alloc(LINE_BYTES_MAX, "x");
    const tooLong = [{ type: "error", code: "line-too-long" }];
    assert.deepEqual(feed(long), tooLong);
    assert.deepEqual(feed(long.subarray(1), Buffer.from("xx\n")), tooLong);
  });

  it("says when the stream ends within a line", () => {
    const reader = new LineReader();
    reader.receive(STREAM.subarray(0, 5));
    reader.receiveEof();
    assert.deepEqual(readAll(reader), [{ type: "error", code: "line-cut" }]);
  });

  it("ends silently between lines", () => {
    const reader = new LineReader();
    reader.receive(STREAM);
    reader.receiveEof();
    assert.deepEqual(readAll(reader), EXPECTED);
  });
});

describe("control line writer", () => {
  it("refuses a message beyond the limit", () => {
    assert.throws(() => encodeLine({ type: "x".repeat(LINE_BYTES_MAX) }), RangeError);
  });
});
