// Every request of the corpus, whole, in two pieces split at every point, and byte by byte.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { MessageLimits } from "../../../src/http/limits.ts";
import { play, type SeenRequest, splits, type Transcript } from "../../fuzz/h1-driver.ts";

interface WantedRequest {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: string;
  readonly version: string;
  readonly authority: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  readonly expectsContinue?: boolean;
  readonly upgrade?: string;
  readonly persistent?: boolean;
}

interface ValidCase {
  readonly name: string;
  readonly input: string;
  readonly limits?: Partial<MessageLimits>;
  readonly requests: readonly WantedRequest[];
}

interface InvalidCase {
  readonly name: string;
  readonly input: string;
  readonly limits?: Partial<MessageLimits>;
  readonly eof?: boolean;
  /** How many requests may be seen before the fault, the faulty one's head included. */
  readonly requests: number;
  readonly code: string;
  readonly status: number;
}

const CORPUS = join(import.meta.dirname, "../../corpus/h1");
/** Long inputs are split at so many points only. */
const SPLITS_MAX = 400;

function readCases<T>(name: string): T[] {
  return JSON.parse(readFileSync(join(CORPUS, name), "utf8")) as T[]; // our own file
}

/** The options of a case without those it does not name. */
function optionsOf(sample: ValidCase | InvalidCase): { limits?: Partial<MessageLimits>; eof?: boolean } {
  const eof = "eof" in sample && sample.eof === true;
  return sample.limits === undefined ? { eof } : { limits: sample.limits, eof };
}

/** A request in the words of the corpus. */
function described(request: SeenRequest): WantedRequest {
  const { method, target, path, query, version, authority, fields } = request.head;
  const { body, trailers, expectsContinue, upgrade, isPersistent } = request;
  return {
    method,
    target,
    path,
    query,
    version,
    authority,
    fields: fields.flat,
    body,
    trailers,
    expectsContinue,
    upgrade,
    persistent: isPersistent,
  };
}

function completed(wanted: WantedRequest): WantedRequest {
  return { expectsContinue: false, upgrade: "", persistent: true, ...wanted };
}

function checkValid(transcript: Transcript, sample: ValidCase): void {
  assert.equal(transcript.error, undefined);
  assert.deepEqual(transcript.requests.map(described), sample.requests.map(completed));
}

function checkInvalid(transcript: Transcript, sample: InvalidCase): void {
  assert.deepEqual(transcript.error, { code: sample.code, status: sample.status });
  assert.equal(transcript.requests.length, sample.requests);
  assert.equal(
    transcript.requests.some((request) => request.head.target === "/evil"),
    false,
  );
}

describe("the corpus of valid requests", () => {
  for (const sample of readCases<ValidCase>("valid.json")) {
    it(`reads ${sample.name}, however it is split`, () => {
      for (const pieces of splits(Buffer.from(sample.input, "latin1"), SPLITS_MAX)) {
        checkValid(play(pieces, optionsOf(sample)), sample);
      }
    });
  }
});

describe("the corpus of invalid requests", () => {
  for (const sample of readCases<InvalidCase>("invalid.json")) {
    it(`refuses ${sample.name}, however it is split`, () => {
      for (const pieces of splits(Buffer.from(sample.input, "latin1"), SPLITS_MAX)) {
        checkInvalid(play(pieces, optionsOf(sample)), sample);
      }
    });
  }
});

describe("the smuggling matrix", () => {
  const lengths = [
    "",
    "5",
    "+5",
    "-5",
    "0x5",
    "5, 5",
    " 5 5",
    "99999999999999999999",
    "5\r\nContent-Length: 5",
  ];
  const codings = [
    "",
    "chunked",
    "xchunked",
    "chunked, chunked",
    "chunked, identity",
    "\x0bchunked",
    "chunked,",
  ];
  const ends = ["\r\n", "\n", "\r", "\r\n\rX", "\r\n "];
  const evil = "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n";

  it("never lets a second request through behind a faulty one", () => {
    for (const version of ["1.0", "1.1"]) {
      for (const length of lengths) {
        for (const coding of codings) {
          for (const end of ends) {
            let head = `POST / HTTP/${version}${end}Host: a${end}`;
            if (length !== "") head += `Content-Length: ${length}${end}`;
            if (coding !== "") head += `Transfer-Encoding: ${coding}${end}`;
            checkMatrix(`${head}${end}`, { isFine: end === "\r\n" && isFine({ version, length, coding }) });
          }
        }
      }
    }
  });

  function isFine(sample: { version: string; length: string; coding: string }): boolean {
    if (sample.coding === "") return sample.length === "" || sample.length === "5";
    return sample.coding === "chunked" && sample.length === "" && sample.version === "1.1";
  }

  function checkMatrix(head: string, wanted: { isFine: boolean }): void {
    const input = Buffer.from(`${head}0\r\n\r\n${evil}`, "latin1");
    for (const pieces of splits(input, 20)) {
      const transcript = play(pieces, { eof: true });
      if (wanted.isFine) assert.notEqual(transcript.requests.length, 0, JSON.stringify(head));
      else
        assert.deepEqual(
          [transcript.requests.length, transcript.error !== undefined],
          [0, true],
          JSON.stringify(head),
        );
    }
  }
});
