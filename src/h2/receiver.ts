// DATA on its way to the streams' sinks, within the windows that the client was given (RFC 9113 §5.2 and §6.9). Bytes.

import { type Fields, NO_FIELDS } from "../http/fields.ts";
import type { H2Fault } from "./fault.ts";
import type { FrameHead } from "./frame-reader.ts";
import { END_STREAM, WINDOW_BYTES, windowUpdate } from "./frames.ts";
import { ReceiveWindow } from "./receive-window.ts";
import type { FrameOutput } from "./sender.ts";
import type { H2Stream } from "./stream.ts";
import type { Streams } from "./streams.ts";

export interface ReceiverOwner {
  /** A frame came that only keeps us busy. False: there were too many. */
  bearsIdleFrame(): boolean;
  onStreamFault(stream: H2Stream, fault: H2Fault): void;
  /** DATA for a stream that is closed, and not because we reset it. */
  onLateData(streamId: number): void;
  /** The client has ended its side of the stream; the sink was told. */
  onRemoteEnded(stream: H2Stream): void;
}

/** What the client may send on all streams together, in windows of one. */
const WINDOWS_OF_CONNECTION = 4;

export class Receiver {
  /** What a client may send on a new stream. Before it has read our settings it goes by the default (RFC 9113 §6.9.3). */
  streamWindow: number;
  readonly #windowBytes: number;
  readonly #window: ReceiveWindow;
  readonly #streams: Streams;
  readonly #output: FrameOutput;
  readonly #owner: ReceiverOwner;
  /** The stream that the frame being read is for; undefined: its bytes are thrown away. */
  #stream: H2Stream | undefined = undefined;
  #isStopped = false;

  constructor(windowBytes: number, streams: Streams, output: FrameOutput, owner: ReceiverOwner) {
    this.#windowBytes = windowBytes;
    this.streamWindow = Math.max(windowBytes, WINDOW_BYTES);
    this.#window = new ReceiveWindow(this.streamWindow * WINDOWS_OF_CONNECTION);
    this.#streams = streams;
    this.#output = output;
    this.#owner = owner;
  }

  /** Beyond what every client may send from the beginning: the first window of the whole connection. */
  get openingUpdate(): string {
    return windowUpdate(0, this.#window.bytesMax - WINDOW_BYTES);
  }

  /** The client has read our settings. */
  onSettingsRead(): void {
    this.streamWindow = this.#windowBytes;
  }

  /** The connection failed: the client is told of nothing any more. */
  stop(): void {
    this.#isStopped = true;
  }

  // A frame of DATA.

  /** An answer ends the connection. */
  begin({ streamId, length, flags }: FrameHead): H2Fault | undefined {
    if (streamId === 0 || this.#streams.isIdle(streamId)) return "ERR_H2_FRAME";
    if (!this.#window.take(length)) return "ERR_H2_FLOW_CONTROL";
    const isEmpty = length === 0 && (flags & END_STREAM) === 0;
    if (isEmpty && !this.#owner.bearsIdleFrame()) return "ERR_H2_FLOOD";
    this.#stream = undefined;
    const stream = this.#streams.open.get(streamId);
    if (stream === undefined) return this.#beginLate(streamId);
    if (this.#admits(stream, length)) this.#stream = stream;
    return undefined;
  }

  /** What was under way when we reset the stream is borne for a while. */
  #beginLate(streamId: number): H2Fault | undefined {
    if (this.#streams.endingOf(streamId) !== "ours") {
      this.#owner.onLateData(streamId);
      return undefined;
    }
    return this.#owner.bearsIdleFrame() ? undefined : "ERR_H2_FLOOD";
  }

  #admits(stream: H2Stream, length: number): boolean {
    if (stream.isRemoteEnded) {
      this.#owner.onStreamFault(stream, "ERR_H2_STREAM_CLOSED");
      return false;
    }
    if (length > stream.receiveWindow) {
      this.#owner.onStreamFault(stream, "ERR_H2_FLOW_CONTROL");
      return false;
    }
    stream.receiveWindow -= length;
    return true;
  }

  bytes(lent: Buffer): void {
    const stream = this.#stream;
    if (stream === undefined || stream.isClosed) {
      this.#returnToConnection(lent.length);
      return;
    }
    stream.heldBytes += lent.length;
    if (stream.bodyBytesLeft >= 0) {
      stream.bodyBytesLeft -= lent.length;
      if (stream.bodyBytesLeft < 0) {
        this.#owner.onStreamFault(stream, "ERR_H2_CONTENT_LENGTH");
        return;
      }
    }
    stream.sink?.onBody(lent);
  }

  /** False: there were too many frames that said nothing. */
  end({ flags, length }: FrameHead, paddingBytes: number): boolean {
    const stream = this.#stream;
    this.#stream = undefined;
    if (paddingBytes > 0) this.#returnToConnection(paddingBytes);
    if (stream === undefined || stream.isClosed) return true;
    if ((flags & END_STREAM) !== 0) {
      this.endBody(stream, NO_FIELDS);
      return true;
    }
    if (paddingBytes === 0) return true;
    this.#returnToStream(stream, paddingBytes);
    return length !== paddingBytes || this.#owner.bearsIdleFrame();
  }

  /** By the last frame of DATA, or by trailers. */
  endBody(stream: H2Stream, trailers: Fields): void {
    if (stream.bodyBytesLeft > 0) {
      this.#owner.onStreamFault(stream, "ERR_H2_CONTENT_LENGTH");
      return;
    }
    stream.isRemoteEnded = true;
    stream.sink?.onBodyEnd(trailers);
    this.#owner.onRemoteEnded(stream);
  }

  // Giving room back.

  /** The reader has used up so many bytes of the body: the client may send more. */
  consumed(stream: H2Stream, bytes: number): void {
    if (stream.isClosed) return; // it was given back then
    stream.heldBytes -= bytes;
    this.#returnToConnection(bytes);
    if (!stream.isRemoteEnded) this.#returnToStream(stream, bytes);
  }

  /** The stream is closed: nobody will use up what was handed out. */
  forget(stream: H2Stream): void {
    if (stream.heldBytes > 0) this.#returnToConnection(stream.heldBytes);
    stream.heldBytes = 0;
  }

  #returnToStream(stream: H2Stream, bytes: number): void {
    stream.unreturnedBytes += bytes;
    if (stream.unreturnedBytes < this.#windowBytes / 2) return;
    this.#output.text(windowUpdate(stream.id, stream.unreturnedBytes));
    stream.receiveWindow += stream.unreturnedBytes;
    stream.unreturnedBytes = 0;
  }

  #returnToConnection(bytes: number): void {
    const update = this.#window.giveBack(bytes);
    if (update > 0 && !this.#isStopped) this.#output.text(windowUpdate(0, update));
  }
}
