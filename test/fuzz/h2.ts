// Random frames, and random mutations of them. What must hold for any bytes: nothing throws, nothing is read or sent after a
// failure, what is sent is well-formed, and what is understood does not depend on how the bytes were split.

import assert from "node:assert/strict";
import * as F from "../../src/h2/frames.ts";
import { encodeField } from "../../src/h2/hpack-encoder.ts";
import { checkFrames, H2Player, type H2PlayOptions, readFrames, type SentFrame } from "./h2-driver.ts";
import { fuzzHpackOnce } from "./hpack.ts";
import { type Mutation, mutateOnce, PLAIN_MUTATIONS, withByte } from "./mutation.ts";
import { makeRandom, pick, type Random, split } from "./random.ts";

const INPUT_BYTES_MAX = 6_000;
const FRAMES_MAX = 14;
const MUTATIONS_MAX = 3;
const MUTATIONS: readonly Mutation[] = [
  ...PLAIN_MUTATIONS,
  (copy, at, random) => withByte(copy, at, (copy[at] ?? 0) ^ (1 << random(8))),
  (copy, at, random) => Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + random(9))]),
];
type List = readonly (readonly [string, string])[];

const GET: List = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/a?b"],
  [":authority", "test"],
];
const POST: List = [[":method", "POST"], ...GET.slice(1)];
const LISTS: readonly List[] = [
  GET,
  GET,
  [...GET, ["cookie", "a=b"], ["cookie", "c=d"], ["te", "trailers"]],
  POST,
  [...POST, ["content-length", "5"]],
  [...POST, ["expect", "100-continue"], ["content-type", "text/plain"]],
  [[":method", "CONNECT"], [":protocol", "websocket"], ...GET.slice(1)],
  [...GET, ["Upper", "case"]],
  [...GET, ["connection", "close"]],
  [...GET, ["x-long", "y".repeat(300)]],
  [["x-trailer", "t"]],
  [],
];
/** Blocks that an encoder of ours does not write: entries of the dynamic table, sizes of it, Huffman, nonsense. */
const BLOCKS: readonly string[] = [
  "\x82\x86\x84\x41\x04test\x40\x03x-a\x01b",
  "\x82\x86\x84\xbe\xbe",
  "\x20\x3f\xe1\x1f\x82\x86\x84\x41\x04test",
  "\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff",
  "\xff\xff\xff\xff\xff\x0f",
  "\x3f\xff\x1f",
];

/** Small limits in some rounds, so that they are met. */
const OPTIONS: readonly H2PlayOptions[] = [
  { answers: "at-end", consumes: true },
  { answers: "at-head", consumes: true },
  { answers: "never", consumes: true },
  { answers: "at-end", settings: { windowBytes: 65_535, streamsMax: 2, listBytesMax: 200 } },
  {
    answers: "never",
    settings: { streamsMax: 3, listBytesMax: 150 },
    limits: { fieldsMax: 4, fieldBytesMax: 60, requestLineBytesMax: 20, bodyBytesMax: 4, headBytesMax: 120 },
  },
];

/** Plays `rounds` random inputs; a failure names the seed and the bytes. */
export function fuzzH2(seed: number, rounds: number): void {
  const random = makeRandom(seed);
  for (let round = 0; round < rounds; round++) {
    fuzzHpackOnce(random, `seed ${seed}, round ${round}`);
    const input = mutate(makeInput(random), random);
    const options = pick(OPTIONS, random);
    try {
      const whole = playH2([input], options);
      assert.deepEqual(playH2(split(input, random), options), whole);
    } catch (error) {
      const what = `seed ${seed}, round ${round}, options ${JSON.stringify(options)}`;
      throw new Error(`${what}, input ${input.toString("hex")}`, { cause: error });
    }
  }
}

/** What must not depend on the split. */
function playH2(pieces: readonly Buffer[], options: H2PlayOptions): unknown {
  const player = new H2Player(options);
  for (const piece of pieces) player.receive(piece);
  const { told, protocol, outputAtFailure } = player;
  if (outputAtFailure >= 0) assert.equal(player.output.length, outputAtFailure, "nothing after a failure");
  else player.pump();
  const frames = readFrames(player.output);
  checkFrames(frames);
  const openBefore = protocol.openStreams;
  const { isMidway, isFailed } = protocol;
  protocol.closeAll();
  assert.equal(protocol.openStreams, 0);
  // How often windows are opened depends on how much comes at a time.
  const sent = frames.filter(({ type }: SentFrame) => type !== F.WINDOW_UPDATE);
  return { told, sent, isMidway, isFailed, openBefore };
}

function makeInput(random: Random): string {
  const preface = random(30) === 0 ? F.PREFACE.slice(0, random(24)) : F.PREFACE;
  let text = preface + (random(20) === 0 ? "" : settings(random));
  let nextId = 1;
  for (let count = 1 + random(FRAMES_MAX); count > 0; count--) {
    const isNew = random(2) === 0;
    const streamId = isNew ? nextId : Math.max(1, nextId - 2 - 2 * random(3));
    if (isNew) nextId += 2 + 2 * random(2);
    text += isNew ? head(streamId, random) : further(streamId, random);
  }
  return text;
}

function head(streamId: number, random: Random): string {
  const block = random(5) === 0 ? pick(BLOCKS, random) : blockOf(pick(LISTS, random));
  const end = random(2) === 0 ? F.END_STREAM : 0;
  if (random(4) === 0) return F.headersFrames(streamId, block, { flags: end, frameBytesMax: 1 + random(40) });
  if (random(4) === 0) return padded(F.HEADERS, end | F.END_HEADERS, streamId, block, random);
  if (random(8) === 0) {
    const priority = `\0\0\0${String.fromCharCode(random(8))}\x10`;
    const flags = end | F.END_HEADERS | F.WITH_PRIORITY;
    return frame(F.HEADERS, flags, streamId, priority + block);
  }
  return frame(F.HEADERS, end | F.END_HEADERS, streamId, block);
}

function further(streamId: number, random: Random): string {
  const end = random(3) === 0 ? F.END_STREAM : 0;
  switch (random(12)) {
    case 0:
    case 1:
    case 2:
      return frame(F.DATA, end, streamId, "hello".slice(0, random(6)).repeat(1 + random(3)));
    case 3:
      return padded(F.DATA, end, streamId, "hello".slice(random(6)), random);
    case 4:
      return head(streamId, random);
    case 5:
      return F.resetFrame(streamId, random(3) * 4);
    case 6:
      return F.windowUpdate(pick([0, streamId], random), pick([0, 1, 1_000, F.WINDOW_BYTES_MAX], random));
    case 7:
      return frame(F.PING, random(2), 0, pick(["12345678", "leaving.", "short"], random));
    case 8:
      return settings(random);
    case 9:
      return frame(F.PRIORITY, 0, streamId, `\0\0\0${String.fromCharCode(random(8))}\x01`);
    case 10:
      return F.goAway(0, 0, "bye");
    default:
      return frame(10 + random(20), random(256), streamId, "x".repeat(random(20)));
  }
}

function settings(random: Random): string {
  if (random(4) === 0) return F.ACK_SETTINGS;
  const pairs: [number, number][] = [];
  for (let count = random(4); count > 0; count--) {
    pairs.push([
      1 + random(8),
      pick([0, 1, 2, 4_096, 16_384, 65_535, F.WINDOW_BYTES_MAX, 2 ** 32 - 1], random),
    ]);
  }
  return F.settingsFrame(random(2) === 0 ? [] : pairs);
}

function padded(type: number, flags: number, streamId: number, payload: string, random: Random): string {
  const padding = random(20);
  const text = String.fromCharCode(padding) + payload + "\0".repeat(padding);
  return frame(type, flags | F.PADDED, streamId, text);
}

function frame(type: number, flags: number, streamId: number, payload: string): string {
  return F.frameHead(payload.length, type, flags, streamId) + payload;
}

function blockOf(list: List): string {
  return list.map(([name, value]) => encodeField(name, value)).join("");
}

function mutate(text: string, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(text, "latin1");
  if (random(2) === 0) {
    for (let count = random(MUTATIONS_MAX + 1); count > 0; count--)
      bytes = mutateOnce(bytes, MUTATIONS, random);
  }
  return bytes.length === 0 ? Buffer.from("P") : bytes.subarray(0, INPUT_BYTES_MAX);
}
