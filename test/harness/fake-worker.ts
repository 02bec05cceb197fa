// A worker made of TypeScript: speaks wire over real sockets and does what a test tells it.

import { connect, type Socket } from "node:net";
import type { GateAddress } from "../../src/link/worker-gate.ts";
import {
  ABORT,
  BODY,
  CREDIT,
  DEADLINE,
  END,
  FILE,
  HEAD_HAS_LENGTH,
  HELLO,
  RESPONSE,
  RESPONSE_HEAD_BYTES,
  TAKEN,
  TRAILERS,
  WORKER_RECEIVES,
} from "../../src/wire/frame.ts";
import { FrameReader, isFrameError, NEED_DATA } from "../../src/wire/frame-reader.ts";
import { FrameWriter } from "../../src/wire/frame-writer.ts";

/** A frame, kept. */
export interface ReceivedFrame {
  readonly stream: number;
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

export interface FakeWorkerOptions {
  readonly pid: number;
  readonly slots?: number;
  readonly interface?: "wsgi" | "asgi";
  readonly token?: string;
  readonly version?: number;
}

class FrameEnd {
  readonly socket: Socket;
  readonly writer: FrameWriter = new FrameWriter();
  readonly #reader = new FrameReader(WORKER_RECEIVES);
  readonly #frames: ReceivedFrame[] = [];
  readonly #waiting: ((frame: ReceivedFrame) => void)[] = [];
  readonly closed: Promise<void>;

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on("error", () => undefined); // `closed` tells
    this.closed = new Promise((resolve) => {
      this.socket.on("close", () => resolve());
    });
    this.socket.on("data", (bytes) => this.#receive(bytes as Buffer));
  }

  #receive(bytes: Buffer): void {
    this.#reader.receive(bytes);
    for (let frame = this.#reader.next(); frame !== NEED_DATA; frame = this.#reader.next()) {
      if (isFrameError(frame)) throw new Error(frame.message);
      const { stream, type, flags } = frame;
      const kept = { stream, type, flags, payload: Buffer.from(frame.bytes.subarray(frame.from, frame.to)) };
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#frames.push(kept);
      else waiting(kept);
    }
  }

  /** The next frame from the front, in order. */
  next(): Promise<ReceivedFrame> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  flush(): void {
    for (const piece of this.writer.takeOutput()) this.socket.write(piece);
  }
}

export class FakeWorker {
  readonly wire: FrameEnd;
  readonly aside: FrameEnd;

  constructor(gate: GateAddress, options: FakeWorkerOptions) {
    this.wire = new FrameEnd(gate.address);
    this.aside = new FrameEnd(gate.address);
    for (const role of ["wire", "aside"] as const) this.#hello(role, gate, options);
  }

  #hello(role: "wire" | "aside", gate: GateAddress, options: FakeWorkerOptions): void {
    const hello = {
      token: options.token ?? gate.token,
      role,
      pid: options.pid,
      nr: 0,
      generation: 1,
      interface: options.interface ?? "wsgi",
      slots: options.slots ?? 1,
      version: options.version ?? 1,
    };
    this[role].writer.bytes(0, HELLO, 0, Buffer.from(JSON.stringify(hello)));
    this[role].flush();
  }

  /** A whole answer in one frame, or its head and first bytes. */
  respond(
    stream: number,
    body: string,
    options: { micros?: number; isEnd?: boolean; flags?: number } = {},
  ): void {
    const isEnd = options.isEnd ?? true;
    const payload = responsePayload(body, { micros: options.micros ?? 10, hasLength: isEnd });
    payload[2] = (payload[2] ?? 0) | (options.flags ?? 0);
    this.wire.writer.bytes(stream, RESPONSE, isEnd ? END : 0, payload);
    this.wire.flush();
  }

  body(stream: number, body: string | Uint8Array, isEnd: boolean): void {
    this.wire.writer.bytes(stream, BODY, isEnd ? END : 0, Buffer.from(body));
    this.wire.flush();
  }

  credit(stream: number, bytes: number): void {
    this.wire.writer.uint32(stream, CREDIT, 0, bytes);
    this.wire.flush();
  }

  deadline(stream: number, limitMs: number): void {
    this.wire.writer.uint32(stream, DEADLINE, 0, limitMs);
    this.wire.flush();
  }

  trailers(stream: number, block: string): void {
    this.wire.writer.bytes(stream, TRAILERS, END, Buffer.from(block));
    this.wire.flush();
  }

  file(stream: number, file: { path: string; length: number; device: bigint; inode: bigint }): void {
    const fields = Buffer.alloc(32);
    fields.writeBigUInt64LE(BigInt(file.length), 8);
    fields.writeBigUInt64LE(file.device, 16);
    fields.writeBigUInt64LE(file.inode, 24);
    const head = responsePayload("", { micros: 1, hasLength: false });
    this.wire.writer.bytes(stream, FILE, 0, Buffer.concat([head, fields, Buffer.from(file.path)]));
    this.wire.flush();
  }

  abort(stream: number, reason: string): void {
    this.wire.writer.bytes(stream, ABORT, END, Buffer.from(reason));
    this.wire.flush();
  }

  giveBack(streams: readonly number[]): void {
    const payload = Buffer.alloc(4 + 4 * streams.length);
    payload.writeUInt32LE(streams.length, 0);
    for (const [index, stream] of streams.entries()) payload.writeUInt32LE(stream, 4 + 4 * index);
    this.aside.writer.bytes(0, TAKEN, 0, payload);
    this.aside.flush();
  }

  /** As a crash: both sockets close. */
  die(): void {
    this.wire.socket.destroy();
    this.aside.socket.destroy();
  }
}

function responsePayload(body: string, options: { micros: number; hasLength: boolean }): Buffer {
  const block = `Content-Type: text/plain\r\n${options.hasLength ? `Content-Length: ${body.length}\r\n` : ""}\r\n`;
  const head = Buffer.alloc(RESPONSE_HEAD_BYTES);
  head.writeUInt16LE(200, 0);
  head.writeUInt8(options.hasLength ? HEAD_HAS_LENGTH : 0, 2);
  head.writeUInt32LE(block.length, 4);
  head.writeUInt32LE(options.hasLength ? body.length : 0, 8);
  head.writeUInt32LE(options.micros, 16);
  return Buffer.concat([head, Buffer.from(block + body)]);
}
