// Random mutations of the wire's corpus. What must hold for any bytes: nothing throws, what is understood does not depend on how
// the bytes were split or whether they were lent, and no reader of a payload looks beyond it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { giveWebSocketFrame } from "../../src/link/web-socket-frames.ts";
import { FRONT_RECEIVES, type Frame, type ReceiveRules, WORKER_RECEIVES } from "../../src/wire/frame.ts";
import { FrameReader, isFrameError, NEED_DATA } from "../../src/wire/frame-reader.ts";
import { parseHello } from "../../src/wire/hello.ts";
import {
  readCredit,
  readFile,
  readInformStatus,
  readResponse,
  readTaken,
} from "../../src/wire/response-reader.ts";
import { makeRandom, pick, type Random, split } from "./random.ts";

const CORPUS = join(import.meta.dirname, "../corpus/wire/frames.json");
const FRAMES_MAX = 5;
const MUTATIONS_MAX = 4;
/** Bytes at the borders of lengths, flags and types. */
const BORDERS = [0, 1, 2, 4, 12, 13, 16, 20, 32, 127, 128, 254, 255];

/** Plays `rounds` mutated inputs; a failure names the seed and the bytes. */
export function fuzzWire(seed: number, rounds: number): void {
  const random = makeRandom(seed);
  const samples = readSamples();
  for (let round = 0; round < rounds; round++) {
    const input = mutate(samples, random);
    const rules = random(2) === 0 ? FRONT_RECEIVES : WORKER_RECEIVES;
    try {
      const whole = readAll([input], rules);
      const pieces = split(input, random);
      assert.deepEqual(readAll(pieces, rules), whole);
      assert.deepEqual(readLent(pieces, rules), whole);
    } catch (cause) {
      throw new Error(`seed ${seed}, round ${round}, input ${input.toString("hex")}`, { cause });
    }
  }
}

function readSamples(): Buffer[] {
  const corpus: { valid: { hex: string }[]; invalid: { hex: string }[] } = JSON.parse(
    readFileSync(CORPUS, "utf8"),
  );
  return [...corpus.valid, ...corpus.invalid].map(({ hex }) => Buffer.from(hex, "hex"));
}

function mutate(samples: readonly Buffer[], random: Random): Buffer {
  const frames = Array.from({ length: 1 + random(FRAMES_MAX) }, () => pick(samples, random));
  const bytes = Buffer.concat(frames);
  for (let count = random(MUTATIONS_MAX + 1); count > 0 && bytes.length > 0; count--) {
    bytes[random(bytes.length)] = random(2) === 0 ? random(256) : pick(BORDERS, random);
  }
  return random(4) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes;
}

function readAll(pieces: readonly Buffer[], rules: ReceiveRules): unknown[] {
  const reader = new FrameReader(rules);
  const seen: unknown[] = [];
  for (const piece of pieces) {
    reader.receive(piece);
    if (!takeAll(reader, seen)) break;
  }
  return seen;
}

/** As a link reads: each piece lies in the same memory as the one before. */
function readLent(pieces: readonly Buffer[], rules: ReceiveRules): unknown[] {
  const reader = new FrameReader(rules);
  const shared = Buffer.alloc(Math.max(1, ...pieces.map((piece) => piece.length)));
  const seen: unknown[] = [];
  for (const piece of pieces) {
    reader.receive(shared.subarray(0, piece.copy(shared)), true);
    if (!takeAll(reader, seen)) break;
    shared.fill(0xff);
  }
  return seen;
}

/** False after an error, which is for good. */
function takeAll(reader: FrameReader, seen: unknown[]): boolean {
  for (let frame = reader.next(); frame !== NEED_DATA; frame = reader.next()) {
    seen.push(isFrameError(frame) ? frame.code : describe(frame));
    if (isFrameError(frame)) return false;
  }
  return true;
}

/** The frame and all that any reader makes of its payload, in numbers that do not depend on where it lies. */
function describe(frame: Frame): unknown {
  const { stream, type, flags, from, to } = frame;
  const payload = Buffer.from(frame.bytes.subarray(from, to));
  const response = readResponse(frame);
  const alone = { stream, type, flags, bytes: payload, from: 0, to: payload.length } as Frame;
  const responseAlone = readResponse(alone);
  assert.equal(response === undefined, responseAlone === undefined, "a reader looked beyond its payload");
  return {
    stream,
    type,
    flags,
    payload: payload.toString("hex"),
    response: responseAlone,
    file: responseAlone && readFile(alone, responseAlone),
    fileInPlace: response && readFile(frame, response),
    readings: [readInformStatus(frame), readTaken(frame), readCredit(frame), parseHello(payload)],
    webSocket: readWebSocket(frame),
  };
}

function readWebSocket(frame: Frame): unknown[] {
  const seen: unknown[] = [];
  const problem = giveWebSocketFrame(
    {
      onWebSocketAccept: (subprotocol, block) => seen.push(subprotocol, block.toString("hex")),
      onWebSocketMessage: (bytes, isText, hasMore) => seen.push(bytes.toString("hex"), isText, hasMore),
      onWebSocketClose: (code, reason) => seen.push(code, reason.toString("hex")),
    },
    frame,
  );
  return [problem, ...seen];
}
