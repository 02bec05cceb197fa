import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { BODY, END, FRONT_RECEIVES, WORKER_RECEIVES } from "../../../src/wire/frame.ts";
import { FrameReader, isFrameError, NEED_DATA } from "../../../src/wire/frame-reader.ts";
import { FrameWriter } from "../../../src/wire/frame-writer.ts";

/** stream, flags and payload of every frame. */
function readAll(pieces: readonly Buffer[]): string[] {
  const reader = new FrameReader(FRONT_RECEIVES);
  const seen: string[] = [];
  for (const piece of pieces) {
    reader.receive(piece);
    for (let frame = reader.next(); frame !== NEED_DATA; frame = reader.next()) {
      if (isFrameError(frame)) return [...seen, frame.code];
      seen.push(`${frame.stream}:${frame.flags}:${frame.bytes.toString("latin1", frame.from, frame.to)}`);
    }
  }
  return seen;
}

function write(payloads: readonly string[]): Buffer {
  const writer = new FrameWriter();
  for (const [index, payload] of payloads.entries()) writer.text(index + 1, BODY, END, payload);
  return Buffer.concat(writer.takeOutput());
}

describe("frame reader", () => {
  const payloads = ["hello", "", "x".repeat(40), "last"];
  const bytes = write(payloads);
  const expected = payloads.map((payload, index) => `${index + 1}:${END}:${payload}`);

  it("reads many frames out of one read", () => {
    deepEqual(readAll([bytes]), expected);
  });

  it("reads frames cut in two at every point", () => {
    for (let at = 0; at <= bytes.length; at += 1) {
      deepEqual(readAll([bytes.subarray(0, at), bytes.subarray(at)]), expected);
    }
  });

  it("reads frames byte by byte", () => {
    deepEqual(readAll(Array.from(bytes, (byte) => Buffer.from([byte]))), expected);
  });

  it("shows a frame in the received buffer itself when it lies whole in it", () => {
    const reader = new FrameReader(FRONT_RECEIVES);
    reader.receive(bytes);
    const frame = reader.next();
    equal(frame !== NEED_DATA && !isFrameError(frame) && frame.bytes, bytes);
  });

  it("keeps to its error and wants no further bytes", () => {
    const reader = new FrameReader(WORKER_RECEIVES);
    reader.receive(Buffer.alloc(12));
    const error = reader.next();
    reader.receive(bytes);
    equal(reader.next(), error);
  });

  it("insists that what it was given is taken before more comes", () => {
    const reader = new FrameReader(FRONT_RECEIVES);
    reader.receive(bytes);
    throws(() => reader.receive(bytes));
  });
});

describe("frame writer", () => {
  it("puts the frames of a tick into one piece", () => {
    const writer = new FrameWriter();
    for (let i = 1; i < 20; i += 1) writer.text(i, BODY, 0, "payload");
    equal(writer.takeOutput().length, 1);
    deepEqual(writer.takeOutput(), []);
  });

  it("never writes again into a piece that was taken", () => {
    const writer = new FrameWriter();
    const taken: Uint8Array[] = [];
    const copies: Buffer[] = [];
    for (let i = 1; i < 200; i += 1) {
      writer.text(i, BODY, 0, String.fromCharCode(65 + (i % 26)).repeat(i * 13));
      const pieces = writer.takeOutput();
      taken.push(...pieces);
      copies.push(Buffer.concat(pieces));
    }
    deepEqual(Buffer.concat(taken), Buffer.concat(copies));
  });

  it("borrows a long payload and copies a short one", () => {
    const writer = new FrameWriter();
    const long = Buffer.alloc(20_000, 7);
    writer.bytes(1, BODY, 0, long);
    writer.bytes(1, BODY, END, Buffer.from("short"));
    equal(writer.pendingBytes, 12 + 20_000 + 12 + 5);
    const pieces = writer.takeOutput();
    equal(pieces[1], long);
    equal(Buffer.concat(pieces).length, 12 + 20_000 + 12 + 5);
  });

  it("takes payloads longer than a slab", () => {
    const payload = "y".repeat(300_000);
    deepEqual(readAll([write(["a", payload, "b"])]), [`1:1:a`, `2:1:${payload}`, `3:1:b`]);
  });
});

describe("frame reader of lent bytes", () => {
  it("shows frames that outlive what was lent, whole or cut", () => {
    const writer = new FrameWriter();
    const payloads = [10, 8_192, 8_193, 100_000, 3].map((length, index) => Buffer.alloc(length, 65 + index));
    for (const payload of payloads) writer.bytes(1, BODY, 0, payload);
    const sent = Buffer.concat(writer.takeOutput());
    const lent = Buffer.alloc(20_000);
    const reader = new FrameReader(FRONT_RECEIVES);
    const kept: Buffer[] = [];
    for (let at = 0; at < sent.length; at += lent.length) {
      const length = sent.copy(lent, 0, at);
      reader.receive(lent.subarray(0, length), true);
      for (let frame = reader.next(); frame !== NEED_DATA; frame = reader.next()) {
        if (!isFrameError(frame)) kept.push(frame.bytes.subarray(frame.from, frame.to));
      }
      lent.fill(0);
    }
    deepEqual(kept, payloads);
  });
});
