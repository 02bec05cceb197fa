// Plays bytes through an H1Protocol as a front would, and writes down what came of them. Used by the corpus and the fuzzer.

import assert from "node:assert/strict";
import { H1Protocol } from "../../src/h1/protocol.ts";
import type { RequestHead, ResponseHead } from "../../src/http/exchange.ts";
import type { MessageLimits } from "../../src/http/limits.ts";
import { type MessageEvent, NEED_DATA, PAUSED } from "../../src/http/message-protocol.ts";
import { ownHead } from "../../src/http/own-response.ts";

export interface SeenRequest {
  readonly head: RequestHead;
  readonly expectsContinue: boolean;
  readonly upgrade: string;
  body: string;
  trailers: readonly string[];
  isComplete: boolean;
  isAnswered: boolean;
  isPersistent: boolean;
}

export interface Transcript {
  readonly requests: SeenRequest[];
  error: { readonly code: string; readonly status: number } | undefined;
  isClosed: boolean;
}

export const LIMITS: MessageLimits = {
  requestLineBytesMax: 4094,
  fieldsMax: 100,
  fieldBytesMax: 8190,
  headBytesMax: 262_144,
  bodyBytesMax: 0,
  chunkLineBytesMax: 4096,
  trailerBytesMax: 16_384,
  permitObsoleteFolding: false,
  stripHeaderSpaces: false,
  permitUnconventionalMethod: false,
  permitUnconventionalVersion: false,
  casefoldMethod: false,
};

const OK: ResponseHead = ownHead(200, 0);
const NO_LINES = { serverLine: "", dateLine: "", extraLines: "" };

export interface PlayOptions {
  readonly limits?: Partial<MessageLimits>;
  readonly eof?: boolean;
}

/** Answers each request as soon as it is complete. */
export function play(pieces: readonly Buffer[], options: PlayOptions = {}): Transcript {
  const protocol = new H1Protocol({ ...LIMITS, ...options.limits });
  const transcript: Transcript = { requests: [], error: undefined, isClosed: false };
  for (const piece of pieces) {
    protocol.receive(piece);
    pump(protocol, transcript);
  }
  if (options.eof) {
    protocol.receiveEof();
    pump(protocol, transcript);
  }
  return transcript;
}

/** The same bytes whole, in two pieces split at every point (or at `splitsMax` of them), and byte by byte. */
export function* splits(bytes: Buffer, splitsMax: number = Number.POSITIVE_INFINITY): Generator<Buffer[]> {
  yield [bytes];
  const step = Math.max(1, Math.ceil(bytes.length / splitsMax));
  for (let at = 1; at < bytes.length; at += step) yield [bytes.subarray(0, at), bytes.subarray(at)];
  yield Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}

function pump(protocol: H1Protocol, transcript: Transcript): void {
  for (;;) {
    const event = protocol.next();
    if (event === NEED_DATA) return;
    if (event !== PAUSED) note(event, transcript);
    else if (!answer(protocol, transcript)) return;
  }
}

function note(event: MessageEvent, transcript: Transcript): void {
  assert.equal(transcript.error, undefined, "an event after an error");
  assert.equal(transcript.isClosed, false, "an event after the end");
  const current = transcript.requests.at(-1);
  if (event.type === "error") transcript.error = { code: event.code, status: event.status };
  else if (event.type === "closed") transcript.isClosed = true;
  else if (event.type === "request") {
    assert.notEqual(current?.isComplete, false, "a request inside another one");
    const { head, expectsContinue, upgrade } = event;
    transcript.requests.push({
      head,
      expectsContinue,
      upgrade,
      body: "",
      trailers: [],
      isComplete: false,
      isAnswered: false,
      isPersistent: false,
    });
  } else {
    assert.equal(current?.isComplete, false, "a body outside of a request");
    noteBody(event, current as SeenRequest);
  }
}

function noteBody(event: Extract<MessageEvent, { type: "body" | "end" }>, request: SeenRequest): void {
  if (event.type === "body") {
    assert.ok(event.bytes.length > 0, "an empty piece of a body");
    request.body += event.bytes.toString("latin1");
    return;
  }
  request.trailers = event.trailers.flat;
  request.isComplete = true;
}

/** False when the connection reads no further. */
function answer(protocol: H1Protocol, transcript: Transcript): boolean {
  const current = transcript.requests.at(-1);
  if (transcript.error !== undefined || transcript.isClosed || current?.isComplete !== true) return false;
  if (current.isAnswered) return false;
  current.isAnswered = true;
  const head = protocol.responseHead(OK, "Content-Length: 0\r\n\r\n", NO_LINES);
  protocol.endResponse();
  current.isPersistent = protocol.canReuse;
  assert.equal(head.includes("Connection: close\r\n"), !protocol.canReuse, "the response tells what happens");
  if (protocol.canReuse) protocol.startNextCycle();
  return current.isPersistent;
}
