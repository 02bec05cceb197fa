// A socket that speaks frames: reads them out of what arrives, writes those of one turn together.

import type { Socket } from "node:net";
import type { Flushable, FlushQueue } from "../base/flush-queue.ts";
import type { Log } from "../log/log.ts";
import { FRONT_RECEIVES, type Frame } from "../wire/frame.ts";
import { FrameReader, isFrameError, NEED_DATA } from "../wire/frame-reader.ts";
import { FrameWriter } from "../wire/frame-writer.ts";

export interface FrameSink {
  /** A text says what is wrong with the frame: then the socket closes. */
  onFrame(frame: Frame): string | undefined;
  /** The socket is gone, whoever ended it. Once, and last. */
  onClosed(): void;
}

export interface FrameSocketOptions {
  readonly sink: FrameSink;
  readonly flushQueue: FlushQueue;
  readonly log: Log;
  /** The socket's chunks are only lent, until the listeners return. */
  readonly isLending: boolean;
}

export class FrameSocket implements Flushable {
  /** Frames written here leave when `wantFlush` was called. */
  readonly writer: FrameWriter = new FrameWriter();
  readonly #socket: Socket;
  readonly #flushQueue: FlushQueue;
  readonly #log: Log;
  readonly #reader = new FrameReader(FRONT_RECEIVES);
  readonly #isLending: boolean;
  #sink: FrameSink;
  #isDirty = false;
  #isEnding = false;
  #isClosed = false;

  constructor(socket: Socket, options: FrameSocketOptions) {
    this.#socket = socket;
    this.#sink = options.sink;
    this.#flushQueue = options.flushQueue;
    this.#log = options.log;
    this.#isLending = options.isLending;
    socket.on("error", (error) => this.#log.debug("worker socket failed", { error: error.message }));
    // No encoding is set, so what comes are bytes.
    socket.on("data", (bytes) => this.#receive(bytes as Buffer));
    // A half-closed socket of ours is a dead process, whatever the socket allows.
    socket.on("end", () => socket.destroy());
    socket.on("close", () => this.#close());
  }

  /** Hands the socket to another owner, between frames. */
  set sink(sink: FrameSink) {
    this.#sink = sink;
  }

  get isOpen(): boolean {
    return !this.#isClosed && !this.#isEnding;
  }

  wantFlush(): void {
    if (this.#isDirty || this.#isClosed) return;
    this.#isDirty = true;
    this.#flushQueue.add(this);
  }

  flush(): void {
    this.#isDirty = false;
    const pieces = this.writer.takeOutput();
    if (!this.isOpen) return;
    if (pieces.length > 1) this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    if (pieces.length > 1) this.#socket.uncork();
  }

  /** Ends the socket now; `onClosed` follows. Harmless when it is gone. */
  destroy(): void {
    this.#isEnding = true;
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#reader.receive(bytes, this.#isLending);
    while (this.isOpen) {
      const frame = this.#reader.next();
      if (frame === NEED_DATA) return;
      const problem = isFrameError(frame) ? frame.message : this.#sink.onFrame(frame);
      if (problem !== undefined) this.#fail(problem);
    }
  }

  #fail(problem: string): void {
    this.#log.error("worker broke the wire protocol", { problem });
    this.destroy();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#sink.onClosed();
  }
}
