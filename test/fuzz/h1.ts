// Random mutations of the HTTP/1.1 corpus. What must hold for any bytes: nothing throws, nothing is read after an error, and
// what is understood does not depend on how the bytes were split.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MessageLimits } from "../../src/http/limits.ts";
import { play, type Transcript } from "./h1-driver.ts";
import { makeRandom, pick, type Random, split } from "./random.ts";

const CORPUS = join(import.meta.dirname, "../corpus/h1");
const INPUT_BYTES_MAX = 2_000;
const MUTATIONS_MAX = 4;
/** Pieces that break parsers. */
const MORSELS = [
  "\r\n",
  "\n",
  "\r",
  "\r\n\r\n",
  "\0",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "0",
  "\x0b",
  "\xa0",
  '"',
  "Host: b\r\n",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "0\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
];

/** Small limits in some rounds, so that they are met. */
const TIGHT: Partial<MessageLimits> = {
  requestLineBytesMax: 40,
  fieldsMax: 4,
  fieldBytesMax: 40,
  headBytesMax: 120,
  bodyBytesMax: 12,
  chunkLineBytesMax: 12,
  trailerBytesMax: 40,
};
const LOOSE: Partial<MessageLimits> = {
  permitObsoleteFolding: true,
  stripHeaderSpaces: true,
  permitUnconventionalMethod: true,
  permitUnconventionalVersion: true,
  casefoldMethod: true,
};
const LIMITS: readonly Partial<MessageLimits>[] = [{}, TIGHT, LOOSE, { ...TIGHT, ...LOOSE }];

/** Plays `rounds` mutated inputs; a failure names the seed and the bytes. */
export function fuzzH1(seed: number, rounds: number): void {
  const random = makeRandom(seed);
  const samples = readSamples();
  for (let round = 0; round < rounds; round++) {
    const input = mutate(pick(samples, random), samples, random);
    const options = { limits: pick(LIMITS, random), eof: random(2) === 0 };
    try {
      const whole = play([input], options);
      assert.deepEqual(summary(play(split(input, random), options)), summary(whole));
    } catch (error) {
      const what = `seed ${seed}, round ${round}, options ${JSON.stringify(options)}`;
      throw new Error(`${what}, input ${JSON.stringify(input.toString("latin1"))}`, { cause: error });
    }
  }
}

function readSamples(): string[] {
  const read = (name: string): { input: string }[] => JSON.parse(readFileSync(join(CORPUS, name), "utf8"));
  return [...read("valid.json"), ...read("invalid.json")]
    .map((sample) => sample.input)
    .filter((input) => input.length <= INPUT_BYTES_MAX);
}

function mutate(sample: string, samples: readonly string[], random: Random): Buffer {
  let text = sample;
  for (let count = random(MUTATIONS_MAX + 1); count > 0; count--) text = mutateOnce(text, samples, random);
  return Buffer.from(text.slice(0, INPUT_BYTES_MAX), "latin1");
}

function mutateOnce(text: string, samples: readonly string[], random: Random): string {
  const at = random(text.length + 1);
  const to = at + random(8);
  switch (random(6)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + pick(MORSELS, random) + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(to);
    case 3:
      return text.slice(0, to) + text.slice(at);
    case 4:
      return text.slice(0, at) + pick(samples, random).slice(random(40));
    default:
      return text + pick(samples, random);
  }
}

/** What must not depend on the split. */
function summary(transcript: Transcript): unknown {
  const requests = transcript.requests.map(({ head, ...rest }) => ({
    ...rest,
    head: { ...head, fields: head.fields.flat },
  }));
  return { ...transcript, requests };
}
