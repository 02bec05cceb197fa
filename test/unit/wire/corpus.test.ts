// test/corpus/wire: what Python's tests read too, so that both ends mean the same bytes.

import { deepEqual, equal } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import * as wire from "../../../src/wire/frame.ts";
import { FrameReader, isFrameError, NEED_DATA } from "../../../src/wire/frame-reader.ts";
import { FrameWriter } from "../../../src/wire/frame-writer.ts";
import { parseHello } from "../../../src/wire/hello.ts";
import {
  readCredit,
  readFile,
  readInformStatus,
  readResponse,
  readTaken,
} from "../../../src/wire/response-reader.ts";

interface Vector {
  readonly name: string;
  readonly to: "front" | "worker";
  readonly hex: string;
}
interface Valid extends Vector {
  readonly frame: Record<string, unknown> & {
    readonly type: string;
    readonly stream: number;
    readonly end: boolean;
  };
}
interface Invalid extends Vector {
  readonly error: string;
}

const folder = new URL("../../corpus/wire/", import.meta.url);
const frames = JSON.parse(readFileSync(new URL("frames.json", folder), "utf8")) as {
  valid: Valid[];
  invalid: Invalid[];
};
const types = wire as unknown as Record<string, number>;
const CUTS = ["whole", "byte by byte"] as const;

function read(vector: Vector, cut: (typeof CUTS)[number]): Record<string, unknown> {
  const reader = new FrameReader(vector.to === "front" ? wire.FRONT_RECEIVES : wire.WORKER_RECEIVES);
  const bytes = Buffer.from(vector.hex, "hex");
  const pieces = cut === "whole" ? [bytes] : Array.from(bytes, (byte) => Buffer.from([byte]));
  let result: Record<string, unknown> = { nothing: true };
  for (const piece of pieces) {
    reader.receive(piece);
    const frame = reader.next();
    if (frame === NEED_DATA) continue;
    result = isFrameError(frame) ? { error: frame.code } : (decode(frame) ?? { error: "ERR_WIRE_PAYLOAD" });
    if (isFrameError(frame)) break;
    equal(reader.next(), NEED_DATA);
    equal(reader.isBetweenFrames, true);
  }
  return result;
}

function decode(frame: wire.Frame): Record<string, unknown> | undefined {
  const type = Object.keys(types).find((name) => KINDS.has(name) && types[name] === frame.type);
  const common = { type, stream: frame.stream, end: (frame.flags & wire.END) !== 0 };
  const payload = decodePayload(frame);
  return payload === undefined ? undefined : { ...common, ...payload };
}

const KINDS = new Set(
  "HELLO REQUEST BODY BODY_FILE RESPONSE INFORM FILE FILE_REPLY CREDIT CANCEL ABORT DRAIN TAKE_BACK TAKEN LEFT DEADLINE NOTICE".split(
    " ",
  ),
);

function decodePayload(frame: wire.Frame): Record<string, unknown> | undefined {
  const payload = frame.bytes.subarray(frame.from, frame.to);
  switch (frame.type) {
    case wire.HELLO: {
      const hello = parseHello(payload);
      return "problem" in hello ? undefined : { hello };
    }
    case wire.REQUEST:
      return { payload: payload.toString("hex") };
    case wire.BODY:
      return { body: payload.toString("hex") };
    case wire.BODY_FILE:
      return { path: payload.toString("utf8") };
    case wire.RESPONSE:
      return decodeResponse(frame);
    case wire.INFORM: {
      const status = readInformStatus(frame);
      return status === undefined ? undefined : { status, block: payload.toString("latin1", 2) };
    }
    case wire.FILE:
      return decodeFile(frame);
    case wire.FILE_REPLY:
      return { accepted: payload[0] === 1 };
    case wire.DEADLINE:
      return { limitMs: readCredit(frame) };
    case wire.CREDIT:
      return { credit: readCredit(frame) };
    case wire.CANCEL:
      return { cause: payload[0] };
    case wire.ABORT:
      return { reason: payload.toString("utf8") };
    case wire.TAKEN: {
      const streams = readTaken(frame);
      return streams === undefined ? undefined : { streams };
    }
    default:
      return {};
  }
}

function decodeResponse(frame: wire.Frame): Record<string, unknown> | undefined {
  const head = readResponse(frame);
  if (head === undefined) return undefined;
  const { status, reason, contentLength, hasServer, hasDate, close, noBuffer, namesFile } = head;
  const block = frame.bytes.toString("latin1", head.blockFrom, head.blockEnd);
  const seen = {
    status,
    reason,
    contentLength,
    hasServer,
    hasDate,
    close,
    noBuffer,
    namesFile,
    block,
    micros: head.appMicros,
  };
  return { head: seen, body: frame.bytes.toString("hex", head.blockEnd, frame.to) };
}

function decodeFile(frame: wire.Frame): Record<string, unknown> | undefined {
  const head = readResponse(frame);
  const file = head === undefined ? undefined : readFile(frame, head);
  if (file === undefined) return undefined;
  const { head: seen } = decodeResponse(frame) ?? {};
  return { head: seen, ...file, device: Number(file.device), inode: Number(file.inode) };
}

/** What the front writes, it writes to exactly these bytes. */
function write(frame: Valid["frame"]): Buffer {
  const writer = new FrameWriter();
  const type = types[frame.type] as number;
  const flags = frame.end ? wire.END : 0;
  const { stream } = frame;
  if (typeof frame["payload"] === "string") {
    writer.text(stream, type, flags, Buffer.from(frame["payload"], "hex").toString("latin1"));
  } else if (typeof frame["body"] === "string") {
    writer.bytes(stream, type, flags, Buffer.from(frame["body"], "hex"));
  } else if (typeof frame["path"] === "string") {
    writer.bytes(stream, type, flags, Buffer.from(frame["path"], "utf8"));
  } else if (typeof frame["accepted"] === "boolean") {
    writer.byte(stream, type, flags, frame["accepted"] ? 1 : 0);
  } else if (typeof frame["cause"] === "number") {
    writer.byte(stream, type, flags, frame["cause"]);
  } else if (typeof frame["credit"] === "number") {
    writer.uint32(stream, type, flags, frame["credit"]);
  } else {
    writer.empty(stream, type, flags);
  }
  return Buffer.concat(writer.takeOutput());
}

describe("wire frames of the shared corpus", () => {
  for (const vector of frames.valid) {
    for (const cut of CUTS) {
      it(`reads ${vector.name}, towards a ${vector.to}, ${cut}`, () => {
        deepEqual(read(vector, cut), vector.frame);
      });
    }
    if (vector.to === "worker") {
      it(`writes ${vector.name}`, () => {
        equal(write(vector.frame).toString("hex"), vector.hex);
      });
    }
  }
  for (const vector of frames.invalid) {
    for (const cut of CUTS) {
      it(`refuses ${vector.name}, towards a ${vector.to}, ${cut}`, () => {
        deepEqual(read(vector, cut), { error: vector.error });
      });
    }
  }
});
