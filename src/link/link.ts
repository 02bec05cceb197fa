// The front's socket to one worker: streams by their id, credit, and frames in both directions.

import { assert } from "../base/assert.ts";
import { IdMap } from "../base/id-map.ts";
import {
  ABORT,
  AWAITS_CREDIT,
  BODY,
  BODY_FILE,
  BODY_FRAME_BYTES_MAX,
  CANCEL,
  CANCEL_CAUSE,
  CREDIT,
  DEADLINE,
  DRAIN,
  END,
  FILE,
  FILE_REPLY,
  FRAME_BYTES_MAX,
  type Frame,
  INFORM,
  MORE,
  NOTICE,
  REQUEST,
  RESPONSE,
  RESPONSE_CREDIT_INITIAL,
  STREAM_MAX,
  TRAILERS,
  WS_BINARY,
  WS_CLOSE,
  WS_TEXT,
} from "../wire/frame.ts";
import { readUint32 } from "../wire/frame-reader.ts";
import {
  endsInBlankLine,
  readCredit,
  readFile,
  readInformStatus,
  readResponse,
} from "../wire/response-reader.ts";
import type { FrameSink, FrameSocket } from "./frame-socket.ts";
import type { StreamSink } from "./stream-sink.ts";
import { giveWebSocketFrame, isWebSocketFrame } from "./web-socket-frames.ts";

/** The body bytes of one response in several frames: what the worker may still send, what the client took since we told it. */
interface ResponseWindow {
  left: number;
  taken: number;
  /** 0: not granted yet. */
  size: number;
}

/** Of `request`: no body follows; the body's first window is 0; neither. */
export const NO_BODY: 1 = END;
export const NO_WINDOW: 2 = AWAITS_CREDIT;
export type RequestFlags = typeof NO_BODY | typeof NO_WINDOW | 0;

/** Why nobody waits for an answer any more. */
export type CancelCause = "client-left" | "deadline" | "front-stops";

const CANCEL_CAUSES: Readonly<Record<CancelCause, number>> = {
  "client-left": CANCEL_CAUSE.clientLeft,
  deadline: CANCEL_CAUSE.deadline,
  "front-stops": CANCEL_CAUSE.frontStops,
};

const GRANT_BYTES_MIN = RESPONSE_CREDIT_INITIAL / 4;
/** A window grows to its full size when less is left of the first one: most responses never need that. */
const WIDEN_BELOW_BYTES = RESPONSE_CREDIT_INITIAL / 2;

export class Link implements FrameSink {
  /** How far the worker may be ahead of a response's client; less than wire's first window counts as that. */
  responseWindowBytes: number = RESPONSE_CREDIT_INITIAL;
  /** While memory is tight, the first window has to do. */
  isMemoryTight: () => boolean = never;
  readonly #socket: FrameSocket;
  readonly #streams = new IdMap<StreamSink>();
  /** Only for responses that did not come in one frame. */
  readonly #windows = new IdMap<ResponseWindow>();
  #lastStream = 0;
  #isDraining = false;
  #onClosed: (() => void) | undefined;

  constructor(socket: FrameSocket) {
    this.#socket = socket;
    socket.sink = this;
  }

  /** Told once when the link is gone, for whatever reason; no stream is told by itself. */
  set closed(listener: () => void) {
    this.#onClosed = listener;
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /** Sends a request head, a marshal value, and returns the id of its stream. `flags`: NO_BODY, NO_WINDOW, or 0. */
  request(sink: StreamSink, head: string, flags: RequestFlags): number {
    assert(!this.#isDraining, "no request follows DRAIN");
    const stream = this.#nextStream();
    this.#streams.set(stream, sink);
    this.#socket.writer.text(stream, REQUEST, flags, head);
    this.#socket.wantFlush();
    return stream;
  }

  /** After 2^31 - 1 requests the ids begin again, at those that are free: nothing of their first use is still on the way. */
  #nextStream(): number {
    do {
      this.#lastStream = this.#lastStream >= STREAM_MAX ? 1 : this.#lastStream + 1;
    } while (this.#streams.has(this.#lastStream));
    return this.#lastStream;
  }

  /** A piece of a request body, empty only at the end; `bytes` must not change until it was written. */
  body(stream: number, bytes: Uint8Array, isEnd: boolean): void {
    if (bytes.length === 0 && isEnd) this.#socket.writer.empty(stream, BODY, END);
    for (let from = 0; from < bytes.length; from += BODY_FRAME_BYTES_MAX) {
      const to = Math.min(bytes.length, from + BODY_FRAME_BYTES_MAX);
      const flags = isEnd && to === bytes.length ? END : 0;
      this.#socket.writer.bytes(stream, BODY, flags, bytes.subarray(from, to));
    }
    this.#socket.wantFlush();
  }

  /** The whole body is in a file, which must stay until the stream ends. */
  bodyFile(stream: number, path: string): void {
    this.#socket.writer.bytes(stream, BODY_FILE, END, Buffer.from(path, "utf8"));
    this.#socket.wantFlush();
  }

  /** What still comes needs no credit. The worker's end of the stream is awaited: `onAppAbort`, or an answer's end. */
  cancel(stream: number, cause: CancelCause): void {
    this.#windows.set(stream, { left: Number.POSITIVE_INFINITY, taken: 0, size: 0 });
    this.#socket.writer.byte(stream, CANCEL, 0, CANCEL_CAUSES[cause]);
    this.#socket.wantFlush();
  }

  /** The stream will soon be cancelled: its app may still say a last word. */
  notify(stream: number): void {
    this.#socket.writer.empty(stream, NOTICE, 0);
    this.#socket.wantFlush();
  }

  /** The front could open the file: then the stream is over. */
  replyFile(stream: number, isOpen: boolean): void {
    if (isOpen) this.forget(stream);
    this.#socket.writer.byte(stream, FILE_REPLY, 0, isOpen ? 1 : 0);
    this.#socket.wantFlush();
  }

  /** A whole message of a WebSocket's client; `bytes` must not change until it was written. */
  webSocketMessage(stream: number, bytes: Uint8Array, isText: boolean): void {
    const type = isText ? WS_TEXT : WS_BINARY;
    let from = 0;
    for (; bytes.length - from > FRAME_BYTES_MAX; from += FRAME_BYTES_MAX) {
      this.#socket.writer.bytes(stream, type, MORE, bytes.subarray(from, from + FRAME_BYTES_MAX));
    }
    this.#socket.writer.bytes(stream, type, 0, from === 0 ? bytes : bytes.subarray(from));
    this.#socket.wantFlush();
  }

  /** The WebSocket is over, and so is its stream. `reason`: UTF-8, at most 123 bytes. */
  webSocketClose(stream: number, code: number, reason: Uint8Array): void {
    this.forget(stream);
    const payload = Buffer.allocUnsafe(2 + reason.length);
    payload.writeUInt16LE(code);
    payload.set(reason, 2);
    this.#socket.writer.bytes(stream, WS_CLOSE, 0, payload);
    this.#socket.wantFlush();
  }

  /** The worker may send so many bytes more; of a WebSocket, messages that cost so much more. */
  grant(stream: number, cost: number): void {
    this.#socket.writer.uint32(stream, CREDIT, 0, cost);
    this.#socket.wantFlush();
  }

  /** The client took so many body bytes. */
  release(stream: number, bytes: number): void {
    const window = this.#windows.get(stream);
    if (window === undefined) return;
    window.taken += bytes;
    if (window.taken < GRANT_BYTES_MIN) return;
    this.#socket.writer.uint32(stream, CREDIT, 0, window.taken);
    this.#socket.wantFlush();
    window.left += window.taken;
    window.taken = 0;
  }

  /** Body bytes of a response that the worker sent and the client has not taken, if that is more than half of its window, else 0. */
  lateBytes(stream: number): number {
    const window = this.#windows.get(stream);
    if (window === undefined || window.size === 0) return 0;
    const bytes = window.size - window.left - window.taken;
    return bytes * 2 > window.size ? bytes : 0;
  }

  /** The worker must wait until the client took more. */
  isOutOfCredit(stream: number): boolean {
    const window = this.#windows.get(stream);
    return window !== undefined && window.left <= 0;
  }

  /** Ends the stream without a word, and says who it belonged to. */
  forget(stream: number): StreamSink | undefined {
    const sink = this.#streams.get(stream);
    this.#streams.delete(stream);
    if (this.#windows.size > 0) this.#windows.delete(stream);
    return sink;
  }

  /** No request follows; the worker closes the link when it has answered all. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#socket.writer.empty(0, DRAIN, 0);
    this.#socket.wantFlush();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onClosed(): void {
    this.#streams.clear();
    this.#windows.clear();
    this.#onClosed?.();
  }

  onFrame(frame: Frame): string | undefined {
    const sink = this.#streams.get(frame.stream);
    if (sink === undefined) return frame.stream === 0 ? "a frame for no stream" : undefined; // it crossed the stream's end
    switch (frame.type) {
      case RESPONSE:
        return this.#onResponse(sink, frame);
      case BODY:
        return this.#onBody(sink, frame);
      case TRAILERS:
        return this.#onTrailers(sink, frame);
      case INFORM:
        return this.#hasResponse(frame.stream) ? "an INFORM behind the response head" : onInform(sink, frame);
      case FILE:
        return this.#hasResponse(frame.stream) ? "a FILE behind the response head" : onFile(sink, frame);
      case CREDIT:
        return onCredit(sink, frame);
      case DEADLINE:
        sink.onDeadline(readUint32(frame.bytes, frame.from));
        return undefined;
      case ABORT:
        this.forget(frame.stream);
        sink.onAppAbort(frame.bytes.toString("utf8", frame.from, frame.to));
        return undefined;
      default:
        if (isWebSocketFrame(frame.type)) return giveWebSocketFrame(sink.webSocket, frame);
        return `a frame of type ${frame.type} from a worker`;
    }
  }

  #onResponse(sink: StreamSink, frame: Frame): string | undefined {
    const head = readResponse(frame);
    if (head === undefined) return "a response head that is broken";
    const isEnd = (frame.flags & END) !== 0;
    const problem = this.#openWindow(frame.stream, isEnd, frame.to - head.blockEnd);
    if (problem !== undefined) return problem;
    if (isEnd) this.forget(frame.stream);
    sink.onResponse(head, frame, isEnd);
    return undefined;
  }

  /** Most responses come in one frame, whose limit is bound enough: they get no window. */
  #openWindow(stream: number, isEnd: boolean, bodyBytes: number): string | undefined {
    const window = this.#windows.size === 0 ? undefined : this.#windows.get(stream);
    if (window !== undefined)
      return window.left === Number.POSITIVE_INFINITY ? undefined : "a second response head";
    if (isEnd) return undefined;
    const opened = { left: RESPONSE_CREDIT_INITIAL - bodyBytes, taken: 0, size: 0 };
    this.#windows.set(stream, opened);
    if (opened.left < 0) return "more body than its credit";
    // Of a client that takes nothing at all no further frame would tell.
    if (opened.left < WIDEN_BELOW_BYTES) this.#widen(stream, opened);
    return undefined;
  }

  #hasResponse(stream: number): boolean {
    const window = this.#windows.get(stream);
    return window !== undefined && window.left !== Number.POSITIVE_INFINITY;
  }

  #onBody(sink: StreamSink, frame: Frame): string | undefined {
    const window = this.#windows.get(frame.stream);
    if (window === undefined) return "a body without a response head";
    window.left -= frame.to - frame.from;
    if (window.left < 0) return "more body than its credit";
    const isEnd = (frame.flags & END) !== 0;
    if (isEnd) this.forget(frame.stream);
    else if (window.left < WIDEN_BELOW_BYTES && window.size === 0) this.#widen(frame.stream, window);
    sink.onBody(frame.bytes.subarray(frame.from, frame.to), isEnd);
    return undefined;
  }

  #widen(stream: number, window: ResponseWindow): void {
    const wanted = this.isMemoryTight() ? RESPONSE_CREDIT_INITIAL : this.responseWindowBytes;
    window.size = Math.max(wanted, RESPONSE_CREDIT_INITIAL);
    const more = window.size - RESPONSE_CREDIT_INITIAL;
    if (more === 0) return;
    window.left += more;
    this.grant(stream, more);
  }

  #onTrailers(sink: StreamSink, frame: Frame): string | undefined {
    const { stream, bytes, from, to } = frame;
    if (!this.#windows.has(stream)) return "trailers without a response head";
    if ((frame.flags & END) === 0 || !endsInBlankLine(bytes, from, to)) return "trailers that are broken";
    this.forget(stream);
    sink.onTrailers(bytes.subarray(from, to));
    return undefined;
  }
}

function never(): boolean {
  return false;
}

function onInform(sink: StreamSink, frame: Frame): string | undefined {
  const status = readInformStatus(frame);
  if (status === undefined) return "an informational response that is broken";
  sink.onInform(status, frame.bytes.subarray(frame.from + 2, frame.to));
  return undefined;
}

function onFile(sink: StreamSink, frame: Frame): string | undefined {
  const head = readResponse(frame);
  const file = head === undefined ? undefined : readFile(frame, head);
  if (head === undefined || file === undefined) return "a file response that is broken";
  sink.onFile(head, frame, file);
  return undefined;
}

function onCredit(sink: StreamSink, frame: Frame): string | undefined {
  const bytes = readCredit(frame);
  if (bytes === undefined) return "a credit that is broken";
  sink.onCredit(bytes);
  return undefined;
}
