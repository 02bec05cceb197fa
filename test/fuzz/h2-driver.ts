// Plays bytes through HTTP/2 as a front would, and writes down what came of them. Answers are given inside of the calls, so that they
// do not depend on how the bytes were split.

import assert from "node:assert/strict";
import * as F from "../../src/h2/frames.ts";
import { H2Protocol, type H2Settings, type H2Sink } from "../../src/h2/protocol.ts";
import type { H2Request } from "../../src/h2/request-reader.ts";
import { ResponseFields } from "../../src/h2/response-fields.ts";
import type { FrameOutput } from "../../src/h2/sender.ts";
import type { H2Stream, StreamSink } from "../../src/h2/stream.ts";
import type { Fields } from "../../src/http/fields.ts";
import type { MessageLimits } from "../../src/http/limits.ts";
import { LIMITS } from "./h1-driver.ts";

export const SETTINGS: H2Settings = {
  streamsMax: 100,
  windowBytes: 65_535,
  frameBytesMax: 16_384,
  listBytesMax: 65_536,
  takesWebSockets: true,
};

export interface H2PlayOptions {
  readonly limits?: Partial<MessageLimits>;
  readonly settings?: Partial<H2Settings>;
  /** When requests are answered. */
  readonly answers?: "never" | "at-head" | "at-end";
  /** Bodies are used up as they come. */
  readonly consumes?: boolean;
}

export interface SentFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: string;
}

const NOW_MS = 1;
const ANSWER: Buffer = Buffer.from("an answer");
const BLOCK: string = `\x88${new ResponseFields().encode("Content-Type: text/plain\r\nX-A: b\r\n", false)}`;

export class H2Player implements H2Sink, FrameOutput {
  readonly protocol: H2Protocol;
  /** What the sink was told; bodies of requests that came to their end are in one piece. */
  readonly told: unknown[] = [];
  output = "";
  pendingBytes = 0;
  outputAtFailure = -1;
  readonly #options: H2PlayOptions;

  constructor(options: H2PlayOptions = {}) {
    this.#options = options;
    const limits = { ...LIMITS, ...options.limits };
    const settings = { ...SETTINGS, ...options.settings };
    this.protocol = new H2Protocol({ limits, settings, output: this, sink: this });
    this.protocol.start();
  }

  receive(piece: Buffer): void {
    // The memory of what is received is lent, as a front's is.
    const lent = Buffer.from(piece);
    this.protocol.receive(lent, NOW_MS);
    lent.fill(0xff);
  }

  pump(): void {
    this.protocol.pump(Number.POSITIVE_INFINITY, NOW_MS);
    for (const stream of this.protocol.takeFramed()) stream.framedBytes = 0;
  }

  text(text: string): void {
    this.output += text;
  }

  bytes(bytes: Buffer, from: number, to: number): void {
    this.output += bytes.toString("latin1", from, to);
  }

  onRequest(stream: H2Stream, { head, protocol, expectsContinue }: H2Request): void {
    const seen = { id: stream.id, head: { ...head, fields: head.fields.flat }, protocol, expectsContinue };
    this.told.push(seen);
    stream.sink = new Reader(this, stream, this.#options);
    if (this.#options.answers === "at-head" || (head.bodyLength === 0 && stream.isRemoteEnded)) {
      if (this.#options.answers !== "never") this.answer(stream);
    }
  }

  answer(stream: H2Stream): void {
    this.protocol.respond(stream, BLOCK);
    this.protocol.write(stream, Buffer.from(ANSWER), 0, ANSWER.length);
    this.protocol.end(stream, "");
    this.pump();
  }

  onRefusal(stream: H2Stream, fault: string, requestLine: string): void {
    this.told.push({ id: stream.id, fault, requestLine });
    if (this.#options.answers !== "never") this.answer(stream);
  }

  onMalformed(fault: string, requestLine: string): void {
    this.told.push({ fault, requestLine });
  }

  onFailure(fault: string): void {
    this.told.push({ failure: fault });
    this.outputAtFailure = this.output.length;
  }

  onPong(): void {
    this.told.push("pong");
  }
}

class Reader implements StreamSink {
  readonly #player: H2Player;
  readonly #stream: H2Stream;
  readonly #options: H2PlayOptions;
  #body = "";

  constructor(player: H2Player, stream: H2Stream, options: H2PlayOptions) {
    this.#player = player;
    this.#stream = stream;
    this.#options = options;
  }

  onBody(bytes: Buffer): void {
    assert.ok(bytes.length > 0);
    this.#body += bytes.toString("latin1");
    if (this.#options.consumes) this.#player.protocol.consumed(this.#stream, bytes.length);
  }

  onBodyEnd(trailers: Fields): void {
    this.#player.told.push({ id: this.#stream.id, body: this.#body, trailers: trailers.flat });
    if (this.#options.answers === "at-end") this.#player.answer(this.#stream);
  }

  onFramed(): void {}

  onEnded(): void {
    this.#player.told.push({ id: this.#stream.id, ended: true });
  }

  onReset(cause: string): void {
    this.#player.told.push({ id: this.#stream.id, cause });
  }
}

/** The frames of `text`, which must be whole. */
export function readFrames(text: string): SentFrame[] {
  const bytes = Buffer.from(text, "latin1");
  const frames: SentFrame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + F.FRAME_HEAD_BYTES + bytes.readUIntBE(at, 3);
    assert.ok(end <= bytes.length, "a frame is whole");
    const streamId = bytes.readUInt32BE(at + 5);
    const payload = bytes.toString("latin1", at + F.FRAME_HEAD_BYTES, end);
    frames.push({ type: bytes.readUInt8(at + 3), flags: bytes.readUInt8(at + 4), streamId, payload });
    at = end;
  }
  return frames;
}

/** What must hold for all that a server sends (RFC 9113 §4.3, §5.1), whatever it heard. */
export function checkFrames(frames: readonly SentFrame[]): void {
  const ended = new Set<number>();
  let openBlock = 0;
  for (const { type, flags, streamId } of frames) {
    assert.equal(type === F.CONTINUATION ? streamId : 0, openBlock, "a header block is not interrupted");
    const isHeaders = type === F.HEADERS || type === F.CONTINUATION;
    if (isHeaders) openBlock = (flags & F.END_HEADERS) === 0 ? streamId : 0;
    const carries = type === F.HEADERS || type === F.DATA;
    if (carries) assert.ok(!ended.has(streamId), `stream ${streamId} has ended`);
    if (type === F.RST_STREAM || (carries && (flags & F.END_STREAM) !== 0)) ended.add(streamId);
  }
  assert.equal(openBlock, 0);
}
