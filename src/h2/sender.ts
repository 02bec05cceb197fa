// The sending half of a connection: which stream's bytes become the next frame. Streams take turns, a frame each, as far as the
// client's windows and the room in the output allow. Bytes.

import { Fifo } from "../base/fifo.ts";
import {
  DATA,
  END_STREAM,
  FRAME_BYTES,
  frameHead,
  headersFrames,
  WINDOW_BYTES,
  WINDOW_BYTES_MAX,
} from "./frames.ts";
import type { H2Stream } from "./stream.ts";

/** Where frames go. front/output.ts is one. */
export interface FrameOutput {
  text(text: string): void;
  bytes(bytes: Buffer, from: number, to: number): void;
  /** Bytes that the client has not taken yet. */
  readonly pendingBytes: number;
}

export interface SenderOwner {
  /** The last frame of the stream's response was written. */
  onStreamSent(stream: H2Stream): void;
}

/** Frames are at most this long, whatever the client would take: so that streams take turns. */
const TURN_BYTES_MAX = 16_384;

export class Sender {
  readonly output: FrameOutput;
  readonly #owner: SenderOwner;
  /** What the client takes on all streams together. */
  window: number = WINDOW_BYTES;
  /** What it takes on a new stream. */
  initialWindow: number = WINDOW_BYTES;
  frameBytesMax: number = FRAME_BYTES;
  readonly #ready = new Fifo<H2Stream>();
  /** Those that wait for the connection's window. */
  readonly #held = new Set<H2Stream>();
  /** Streams with `framedBytes` that nobody was told of. */
  #framed: H2Stream[] = [];
  /** What the next header block begins with. */
  #tableUpdate = "";
  #isTableTold = false;
  readonly #take: (bytes: Buffer, from: number, to: number) => void;

  constructor(output: FrameOutput, owner: SenderOwner) {
    this.output = output;
    this.#owner = owner;
    this.#take = (bytes, from, to) => this.output.bytes(bytes, from, to);
  }

  /** Something can be sent as soon as there is room in the output. */
  get isReady(): boolean {
    return this.#ready.length > 0;
  }

  /** The stream has something to send. */
  ready(stream: H2Stream): void {
    if (stream.isReady || stream.isClosed) return;
    stream.isReady = true;
    this.#ready.push(stream);
  }

  /** Writes frames until nothing may be sent, or `bytesMax` wait in the output. */
  pump(bytesMax: number, nowMs: number): void {
    while (this.#ready.length > 0 && this.output.pendingBytes < bytesMax) {
      const stream = this.#ready.shift() as H2Stream; // there is one
      stream.isReady = false;
      if (!stream.isClosed) this.#sendSome(stream, nowMs);
    }
  }

  /** The streams of which bytes were framed since the last call, and whose sinks may want to know. */
  takeFramed(): readonly H2Stream[] {
    if (this.#framed.length === 0) return NONE;
    const framed = this.#framed;
    this.#framed = [];
    return framed;
  }

  /** RFC 9113 §6.9.1. False: the client opened it beyond what a window can be. */
  openWindow(bytes: number): boolean {
    if (this.window + bytes > WINDOW_BYTES_MAX) return false;
    this.window += bytes;
    if (this.#held.size === 0) return true;
    for (const stream of this.#held) this.ready(stream);
    this.#held.clear();
    return true;
  }

  openStreamWindow(stream: H2Stream, bytes: number): boolean {
    if (stream.sendWindow + bytes > WINDOW_BYTES_MAX) return false;
    stream.sendWindow += bytes;
    if (stream.sendWindow > 0 && stream.pendingBytes > 0) this.ready(stream);
    return true;
  }

  /** The stream is closed. */
  forget(stream: H2Stream): void {
    if (this.#held.size > 0) this.#held.delete(stream);
  }

  /** Frames of a header block, as the client can read it now. */
  headers(streamId: number, block: string, flags: number): string {
    const first = this.#tableUpdate;
    this.#tableUpdate = "";
    return headersFrames(streamId, first + block, { flags, frameBytesMax: this.frameBytesMax });
  }

  /** RFC 7541 §4.2: a client that allows a smaller table is told what size it has. We use none, so that is once and for all. */
  shrinkTable(): void {
    if (this.#isTableTold) return;
    this.#isTableTold = true;
    this.#tableUpdate = NO_TABLE;
  }

  #sendSome(stream: H2Stream, nowMs: number): void {
    const head = this.#headOf(stream);
    if (stream.pendingBytes > 0) this.#sendBody(stream, head, nowMs);
    else if (stream.isEnding) this.#sendEnd(stream, head);
    else this.output.text(head);
  }

  /** The frames of the response's head, when they were not sent yet. They carry the end where nothing follows. */
  #headOf(stream: H2Stream): string {
    const block = stream.headBlock;
    if (block === "") return "";
    stream.headBlock = "";
    const isWhole = stream.isEnding && stream.pendingBytes === 0 && stream.trailerBlock === "";
    return this.headers(stream.id, block, isWhole ? END_STREAM : 0);
  }

  #sendBody(stream: H2Stream, head: string, nowMs: number): void {
    const window = Math.min(this.window, stream.sendWindow, TURN_BYTES_MAX);
    if (window <= 0) {
      this.output.text(head);
      if (stream.stalledSinceMs === 0) stream.stalledSinceMs = nowMs;
      if (stream.sendWindow > 0) this.#held.add(stream);
      return;
    }
    const count = Math.min(window, stream.pieceBytes);
    const isLast = count === stream.pendingBytes && stream.isEnding && stream.trailerBlock === "";
    this.output.text(head + frameHead(count, DATA, isLast ? END_STREAM : 0, stream.id));
    stream.shift(count, this.#take);
    this.#account(stream, count, nowMs);
    if (isLast) this.#owner.onStreamSent(stream);
    else if (stream.pendingBytes > 0 || stream.isEnding) this.ready(stream);
  }

  #account(stream: H2Stream, count: number, nowMs: number): void {
    this.window -= count;
    stream.sendWindow -= count;
    if (stream.framedBytes === 0) this.#framed.push(stream);
    stream.framedBytes += count;
    stream.stalledSinceMs = stream.pendingBytes > 0 ? nowMs : 0;
  }

  /** No window is needed for an end (RFC 9113 §6.9.1). */
  #sendEnd(stream: H2Stream, head: string): void {
    const { trailerBlock, id } = stream;
    if (trailerBlock !== "") {
      this.output.text(head + this.headers(id, trailerBlock, END_STREAM));
    } else {
      this.output.text(endsItself(head) ? head : head + frameHead(0, DATA, END_STREAM, id));
    }
    this.#owner.onStreamSent(stream);
  }
}

/** A dynamic table size update to 0 (RFC 7541 §6.3). */
const NO_TABLE = "\x20";
const NONE: readonly H2Stream[] = [];

/** A HEADERS frame with END_STREAM. */
function endsItself(head: string): boolean {
  return head !== "" && (head.charCodeAt(4) & END_STREAM) !== 0;
}
