// Bytes → frames (RFC 9113 §4.1), however they were split. DATA is handed on as it comes, all other frames when they are whole; what
// is not whole is copied, for the bytes given are only lent.

import type { H2Fault } from "./fault.ts";
import { DATA, FRAME_HEAD_BYTES, PADDED, PREFACE } from "./frames.ts";

export interface FrameSink {
  /** A frame begins. An answer ends the connection. */
  onFrameHead(head: FrameHead): H2Fault | undefined;
  /** All of a frame that is not DATA. */
  onFrame(head: FrameHead, payload: Buffer): void;
  /** Of the DATA frame that began last: bytes of its body, without padding. Never empty. */
  onDataBytes(bytes: Buffer): void;
  /** The DATA frame that began last is over; `paddingBytes` of it were not body. */
  onDataEnd(head: FrameHead, paddingBytes: number): void;
  onReaderFault(fault: H2Fault): void;
}

export interface FrameHead {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

export class FrameReader {
  readonly #sink: FrameSink;
  /** What was left of the last bytes. */
  #rest: Buffer | undefined = undefined;
  #state: "preface" | "frames" | "data" | "stopped" = "preface";
  #data: FrameHead = { length: 0, type: DATA, flags: 0, streamId: 0 };
  /** Of the DATA frame: its body, and the padding behind it, still to come; -1: the pad length is not known yet. */
  #bodyLeft = 0;
  #paddingLeft = 0;
  #paddingBytes = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  framesRead = 0;

  /** A frame other than DATA, or the preface, is half received. */
  get isMidway(): boolean {
    return this.#rest !== undefined;
  }

  stop(): void {
    this.#state = "stopped";
    this.#rest = undefined;
  }

  receive(lent: Buffer): void {
    const rest = this.#rest;
    const bytes = rest === undefined ? lent : Buffer.concat([rest, lent]);
    this.#rest = undefined;
    let at = 0;
    while (at < bytes.length) {
      const next = this.#step(bytes, at);
      if (next === at) break;
      at = next;
    }
    if (at >= bytes.length || this.#state === "stopped") return;
    this.#rest = rest === undefined ? Buffer.from(bytes.subarray(at)) : bytes.subarray(at);
  }

  /** The index behind what was used up; `at` itself when more is needed. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case "preface":
        return this.#readPreface(bytes, at);
      case "frames":
        return this.#readFrame(bytes, at);
      case "data":
        return this.#readData(bytes, at);
      case "stopped":
        return bytes.length;
    }
  }

  #readPreface(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + PREFACE.length);
    const text = bytes.toString("latin1", at, end);
    if (!PREFACE.startsWith(text)) {
      this.#sink.onReaderFault("ERR_H2_PREFACE");
      return at;
    }
    if (text.length < PREFACE.length) return at;
    this.#state = "frames";
    return end;
  }

  #readFrame(bytes: Buffer, at: number): number {
    if (bytes.length - at < FRAME_HEAD_BYTES) return at;
    const length = bytes.readUIntBE(at, 3);
    const type = bytes[at + 3] as number; // as many bytes were counted
    if (type !== DATA && this.#isChecked && bytes.length - at < FRAME_HEAD_BYTES + length) return at;
    const head = {
      length,
      type,
      flags: bytes[at + 4] as number,
      streamId: bytes.readUInt32BE(at + 5) & MASK,
    };
    if (!this.#isChecked) {
      const fault = this.#sink.onFrameHead(head);
      if (fault !== undefined) this.#sink.onReaderFault(fault);
      if (this.#state === "stopped") return at;
      if (type === DATA) return this.#startData(head, at);
      this.#isChecked = true;
    }
    const end = at + FRAME_HEAD_BYTES + length;
    if (bytes.length < end) return at;
    this.#isChecked = false;
    this.framesRead++;
    this.#sink.onFrame(head, bytes.subarray(at + FRAME_HEAD_BYTES, end));
    return end;
  }

  /** The head of the frame at the beginning of the rest was looked at before. */
  #isChecked = false;

  #startData(head: FrameHead, at: number): number {
    this.#state = "data";
    this.#data = head;
    this.#paddingBytes = 0;
    this.#paddingLeft = (head.flags & PADDED) === 0 ? 0 : UNKNOWN;
    this.#bodyLeft = head.length;
    if (head.length === 0 && this.#paddingLeft === UNKNOWN) this.#sink.onReaderFault("ERR_H2_FRAME");
    else if (head.length === 0) this.#endData();
    return at + FRAME_HEAD_BYTES;
  }

  #readData(bytes: Buffer, at: number): number {
    if (this.#paddingLeft === UNKNOWN) return this.#readPadLength(bytes, at);
    const bodyEnd = Math.min(bytes.length, at + this.#bodyLeft);
    if (bodyEnd > at) {
      this.#bodyLeft -= bodyEnd - at;
      this.#sink.onDataBytes(bytes.subarray(at, bodyEnd));
    }
    const end = Math.min(bytes.length, bodyEnd + (this.#bodyLeft === 0 ? this.#paddingLeft : 0));
    this.#paddingLeft -= end - bodyEnd;
    if (this.#bodyLeft === 0 && this.#paddingLeft === 0 && this.#state === "data") this.#endData();
    return end;
  }

  /** RFC 9113 §6.1. */
  #readPadLength(bytes: Buffer, at: number): number {
    const padding = bytes[at] as number; // the caller has at least one
    this.#paddingLeft = padding;
    this.#paddingBytes = padding + 1;
    this.#bodyLeft -= padding + 1;
    if (this.#bodyLeft < 0) this.#sink.onReaderFault("ERR_H2_FRAME");
    else if (this.#bodyLeft === 0 && padding === 0) this.#endData();
    return at + 1;
  }

  #endData(): void {
    this.#state = "frames";
    this.framesRead++;
    this.#sink.onDataEnd(this.#data, this.#paddingBytes);
  }
}

/** The first bit of a stream's number is reserved. */
const MASK = 0x7fff_ffff;
const UNKNOWN = -1;
