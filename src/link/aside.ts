// The front's second socket to a worker, read by the worker's control thread: for what must not wait behind the app.

import { type Frame, LEFT, TAKE_BACK, TAKEN } from "../wire/frame.ts";
import { readTaken } from "../wire/response-reader.ts";
import type { FrameSink, FrameSocket } from "./frame-socket.ts";

export interface AsideSink {
  /** The worker gives these streams back: not started, never to be answered. */
  onTaken(streams: readonly number[]): void;
  onAsideClosed(): void;
}

export class Aside implements FrameSink {
  readonly #socket: FrameSocket;
  #sink: AsideSink | undefined;

  constructor(socket: FrameSocket) {
    this.#socket = socket;
    socket.sink = this;
  }

  set sink(sink: AsideSink) {
    this.#sink = sink;
  }

  takeBack(): void {
    this.#socket.writer.empty(0, TAKE_BACK, 0);
    this.#socket.wantFlush();
  }

  /** The client of a stream left. */
  left(stream: number): void {
    this.#socket.writer.empty(stream, LEFT, 0);
    this.#socket.wantFlush();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onFrame(frame: Frame): string | undefined {
    const streams = frame.type === TAKEN && frame.stream === 0 ? readTaken(frame) : undefined;
    if (streams === undefined) return `a frame of type ${frame.type} on the aside`;
    this.#sink?.onTaken(streams);
    return undefined;
  }

  onClosed(): void {
    this.#sink?.onAsideClosed();
  }
}
