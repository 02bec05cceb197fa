// HTTP/2 of one client's connection, server's side, without I/O (RFC 9113): bytes in, calls on a sink and frames for an output out.
// A client's fault is a call, and after a connection's fault nothing is read any more. Times are milliseconds, arguments.

import { assert } from "../base/assert.ts";
import type { MessageLimits } from "../http/limits.ts";
import { faultCode, faultMessage, faultStatus, type H2Fault } from "./fault.ts";
import { type FrameHead, FrameReader, type FrameSink } from "./frame-reader.ts";
import * as F from "./frames.ts";
import { HeadIntake } from "./head-intake.ts";
import { Patience } from "./patience.ts";
import { readPeerSettings } from "./peer-settings.ts";
import { Receiver, type ReceiverOwner } from "./receiver.ts";
import type { H2Request } from "./request-reader.ts";
import { type FrameOutput, Sender, type SenderOwner } from "./sender.ts";
import { H2Stream } from "./stream.ts";
import { type Ending, Streams } from "./streams.ts";

/** What we tell clients. */
export interface H2Settings {
  readonly streamsMax: number;
  readonly windowBytes: number;
  readonly frameBytesMax: number;
  readonly listBytesMax: number;
  readonly takesWebSockets: boolean;
}

export interface H2Sink {
  /** A whole head; the sink gives the stream its own sink. A body follows unless `bodyLength` is 0. */
  onRequest(stream: H2Stream, request: H2Request): void;
  /** A head that is no good, but can be answered (fault.ts). No body will be handed out. */
  onRefusal(stream: H2Stream, fault: H2Fault, requestLine: string): void;
  /** A request was reset for its fault before it became one. */
  onMalformed(fault: H2Fault, requestLine: string): void;
  /** The connection cannot go on; what is in the output (GOAWAY) should still be sent. */
  onFailure(fault: H2Fault, message: string): void;
  /** The client answered our ping. */
  onPong(): void;
}

export interface H2Options {
  readonly limits: MessageLimits;
  readonly settings: H2Settings;
  readonly output: FrameOutput;
  readonly sink: H2Sink;
}

export class H2Protocol implements FrameSink, SenderOwner, ReceiverOwner {
  readonly #settings: H2Settings;
  readonly #output: FrameOutput;
  readonly #sink: H2Sink;
  readonly #streams = new Streams();
  readonly #sender: Sender;
  readonly #reader: FrameReader;
  readonly #heads: HeadIntake;
  readonly #receiver: Receiver;
  readonly #patience = new Patience();
  /** `leaving`: the client was told that there will be an end; `gone`: no further request is taken. */
  #state: "open" | "leaving" | "gone" | "failed" = "open";
  /** RFC 9113 §3.4: the first frame is SETTINGS. */
  #hasSettings = false;
  #nowMs = 0;

  constructor({ limits, settings, output, sink }: H2Options) {
    this.#settings = settings;
    this.#output = output;
    this.#sink = sink;
    this.#sender = new Sender(output, this);
    this.#reader = new FrameReader(this);
    this.#receiver = new Receiver(settings.windowBytes, this.#streams, output, this);
    this.#heads = new HeadIntake(limits, settings.listBytesMax);
  }

  /** Our settings; to be called first. */
  start(): void {
    const { streamsMax, windowBytes, frameBytesMax, listBytesMax, takesWebSockets } = this.#settings;
    const pairs: (readonly [number, number])[] = [
      [F.SETTINGS_MAX_CONCURRENT_STREAMS, streamsMax],
      [F.SETTINGS_INITIAL_WINDOW_SIZE, windowBytes],
      [F.SETTINGS_MAX_FRAME_SIZE, frameBytesMax],
      [F.SETTINGS_MAX_HEADER_LIST_SIZE, listBytesMax],
    ];
    if (takesWebSockets) pairs.push([F.SETTINGS_ENABLE_CONNECT_PROTOCOL, 1]);
    this.#output.text(F.settingsFrame(pairs) + this.#receiver.openingUpdate);
  }

  /** `bytes` are lent. Never throws. */
  receive(bytes: Buffer, nowMs: number): void {
    if (this.#state === "failed") return;
    this.#nowMs = nowMs;
    this.#reader.receive(bytes);
  }

  /** A frame or a header block is half received. */
  get isMidway(): boolean {
    return this.#state !== "failed" && (this.#reader.isMidway || this.#heads.isOpen);
  }

  get openStreams(): number {
    return this.#streams.open.size;
  }

  /** Changes with each frame: whether what is half received is still the same. */
  get framesReceived(): number {
    return this.#reader.framesRead;
  }

  get isFailed(): boolean {
    return this.#state === "failed";
  }

  /** No further request is taken, and none is open. */
  get isDone(): boolean {
    return (this.#state === "gone" || this.#state === "failed") && this.#streams.open.size === 0;
  }

  // The response.

  /** An informational response; leaves at once. */
  inform(stream: H2Stream, block: string): void {
    if (stream.isClosed) return;
    this.#output.text(this.#sender.headers(stream.id, block, 0));
  }

  respond(stream: H2Stream, block: string): void {
    if (stream.isClosed) return;
    assert(stream.headBlock === "", "a stream has one response");
    stream.headBlock = block;
    this.#sender.ready(stream);
  }

  /** `bytes[from, to)` are given away. */
  write(stream: H2Stream, bytes: Buffer, from: number, to: number): void {
    if (stream.isClosed) return;
    stream.push(bytes, from, to);
    this.#sender.ready(stream);
  }

  /** `trailerBlock`: "" for none. */
  end(stream: H2Stream, trailerBlock: string): void {
    if (stream.isClosed) return;
    stream.isEnding = true;
    stream.trailerBlock = trailerBlock;
    this.#sender.ready(stream);
  }

  /** The stream cannot be completed; its sink is not told. */
  reset(stream: H2Stream, code: number): void {
    if (stream.isClosed) return;
    this.#output.text(F.resetFrame(stream.id, code));
    this.#close(stream, "ours");
  }

  /** Frames for what may be sent, until so many bytes wait in the output. */
  pump(bytesMax: number, nowMs: number): void {
    this.#sender.pump(bytesMax, nowMs);
  }

  get canPump(): boolean {
    return this.#sender.isReady;
  }

  takeFramed(): readonly H2Stream[] {
    const framed = this.#sender.takeFramed();
    let useful = 0;
    for (const stream of framed) if (!stream.isDribbling) useful++;
    if (useful > 0) this.#patience.onFramesSent(useful);
    return framed;
  }

  /** Streams of which nothing could be sent since `sinceMs`. */
  stalledStreams(sinceMs: number): H2Stream[] {
    return this.#streams.open
      .values()
      .filter(({ stalledSinceMs }) => stalledSinceMs !== 0 && stalledSinceMs <= sinceMs);
  }

  get hasStalled(): boolean {
    return this.#streams.open.some(({ stalledSinceMs }) => stalledSinceMs !== 0);
  }

  /** What waits in memory for the client's windows. */
  get waitingBytes(): number {
    let bytes = 0;
    for (const { pendingBytes, isShared } of this.#streams.open.values())
      if (!isShared) bytes += pendingBytes;
    return bytes;
  }

  // The request's body.

  /** The reader has used up so many bytes of the body: the client may send more. */
  consumed(stream: H2Stream, bytes: number): void {
    this.#receiver.consumed(stream, bytes);
  }

  // Endings.

  /** RFC 9113 §6.8: a first GOAWAY that promises everything, so that what is under way is not lost; the pong says it was read. */
  leave(): void {
    if (this.#state !== "open") return;
    this.#state = "leaving";
    const ping = F.frameHead(8, F.PING, 0, 0) + LEAVING;
    this.#output.text(F.goAway(F.WINDOW_BYTES_MAX, F.NO_ERROR, "") + ping);
  }

  /** Nothing new is taken from now on. */
  goAway(): void {
    if (this.#state === "gone" || this.#state === "failed") return;
    this.#state = "gone";
    this.#output.text(F.goAway(this.#streams.promise(), F.NO_ERROR, ""));
  }

  /** Everything that is open, to be told of the end by who asks. */
  closeAll(): H2Stream[] {
    const open = this.#streams.open.values();
    this.#reader.stop();
    for (const stream of open) this.#close(stream, "theirs");
    return open;
  }

  fail(fault: H2Fault, message: string = faultMessage(fault)): void {
    if (this.#state === "failed") return;
    this.#state = "failed";
    this.#reader.stop();
    this.#receiver.stop();
    this.#output.text(F.goAway(this.#streams.promise(), faultCode(fault), message));
    this.#sink.onFailure(fault, message);
  }

  // For the sender.

  onStreamSent(stream: H2Stream): void {
    if (stream.isTunnel && !stream.isRemoteEnded) {
      stream.isLocalEnded = true;
      return;
    }
    // Nobody reads the rest of a request that is answered (RFC 9113 §8.1).
    if (!stream.isRemoteEnded) this.#output.text(F.resetFrame(stream.id, F.NO_ERROR));
    this.#close(stream, stream.isRemoteEnded ? "ended" : "ours");
    stream.sink?.onEnded();
  }

  // For the reader.

  onReaderFault(fault: H2Fault): void {
    this.fail(fault);
  }

  onFrameHead(head: FrameHead): H2Fault | undefined {
    if (!this.#hasSettings && (head.type !== F.SETTINGS || (head.flags & F.ACK) !== 0)) return "ERR_H2_FRAME";
    if (head.length > this.#settings.frameBytesMax) return "ERR_H2_FRAME_SIZE";
    const isContinuing = head.type === F.CONTINUATION;
    if (isContinuing !== this.#heads.isOpen) return "ERR_H2_FRAME";
    if (isContinuing && head.streamId !== this.#heads.streamId) return "ERR_H2_FRAME";
    return head.type === F.DATA ? this.#receiver.begin(head) : undefined;
  }

  onFrame(head: FrameHead, payload: Buffer): void {
    if (head.type !== F.HEADERS && head.type !== F.CONTINUATION && !this.#patience.bears(this.#nowMs)) {
      this.fail("ERR_H2_FLOOD");
      return;
    }
    const fault = this.#take(head, payload);
    if (fault !== undefined) this.fail(fault);
  }

  #take(head: FrameHead, payload: Buffer): H2Fault | undefined {
    switch (head.type) {
      case F.HEADERS:
      case F.CONTINUATION:
        return this.#takeBlock(head, payload);
      case F.PRIORITY:
        return this.#takePriority(head, payload);
      case F.RST_STREAM:
        return this.#takeReset(head, payload);
      case F.SETTINGS:
        return this.#takeSettings(head, payload);
      case F.PUSH_PROMISE:
        return "ERR_H2_FRAME";
      case F.PING:
        return this.#takePing(head, payload);
      case F.GOAWAY:
        return head.streamId === 0 ? undefined : "ERR_H2_FRAME";
      case F.WINDOW_UPDATE:
        return this.#takeWindowUpdate(head, payload);
      default:
        return undefined; // RFC 9113 §5.5: unknown types are ignored
    }
  }

  // DATA.

  onDataBytes(bytes: Buffer): void {
    this.#receiver.bytes(bytes);
  }

  onDataEnd(head: FrameHead, paddingBytes: number): void {
    if (!this.#receiver.end(head, paddingBytes)) this.fail("ERR_H2_FLOOD");
  }

  bearsIdleFrame(): boolean {
    return this.#patience.bears(this.#nowMs);
  }

  onLateData(streamId: number): void {
    this.#resetClosed(streamId);
  }

  /** A tunnel ends when both sides have. */
  onRemoteEnded(stream: H2Stream): void {
    if (stream.isLocalEnded && !stream.isClosed) this.onStreamSent(stream);
  }

  // HEADERS and CONTINUATION.

  #takeBlock(head: FrameHead, payload: Buffer): H2Fault | undefined {
    if (head.streamId === 0) return "ERR_H2_FRAME";
    const block = this.#heads.add(head, payload);
    if (block === undefined) return undefined;
    if (typeof block === "string") return block;
    if (!this.#heads.decode(block)) return "ERR_H2_COMPRESSION";
    const stream = this.#streams.open.get(head.streamId);
    if (stream !== undefined) this.#takeTrailers(stream, block);
    else if (this.#streams.isNew(head.streamId)) this.#open(head.streamId, block);
    else return this.#takeLateBlock(head.streamId);
    return undefined;
  }

  #takeLateBlock(streamId: number): H2Fault | undefined {
    const ending = this.#streams.endingOf(streamId);
    // Under way when we reset it.
    if (ending === "ours") return this.#patience.bears(this.#nowMs) ? undefined : "ERR_H2_FLOOD";
    return ending === undefined ? "ERR_H2_FRAME" : "ERR_H2_STREAM_CLOSED";
  }

  #open(streamId: number, block: Buffer): void {
    const windows = { receive: this.#receiver.streamWindow, send: this.#sender.initialWindow };
    const stream = new H2Stream(streamId, windows);
    this.#streams.add(stream);
    stream.isRemoteEnded = this.#heads.isEndOfStream;
    if (this.#state === "gone" || this.#streams.open.size > this.#settings.streamsMax) {
      this.#turnAway(stream, F.REFUSED_STREAM);
      return;
    }
    this.#patience.onRequest();
    const request = this.#heads.request(block);
    if (request === undefined) {
      this.#refuse(stream, this.#heads.fault);
      return;
    }
    if (request.protocol === "") stream.bodyBytesLeft = request.head.bodyLength;
    this.#sink.onRequest(stream, request);
  }

  #takeTrailers(stream: H2Stream, block: Buffer): void {
    if (stream.isRemoteEnded) {
      this.onStreamFault(stream, "ERR_H2_STREAM_CLOSED");
      return;
    }
    const trailers = this.#heads.trailers(block);
    if (trailers === undefined) this.onStreamFault(stream, "ERR_H2_TRAILERS");
    else this.#receiver.endBody(stream, trailers);
  }

  /** The request never was one. */
  #turnAway(stream: H2Stream, code: number): void {
    this.reset(stream, code);
    if (!this.#patience.bearsReset(this.#nowMs)) this.fail("ERR_H2_FLOOD");
  }

  /** Answered by the sink where there is an answer, else reset. */
  #refuse(stream: H2Stream, fault: H2Fault): void {
    const { requestLine } = this.#heads;
    if (!this.#patience.bearsReset(this.#nowMs)) {
      this.fail("ERR_H2_FLOOD");
      return;
    }
    if (faultStatus(fault) > 0) {
      this.#sink.onRefusal(stream, fault, requestLine);
      return;
    }
    this.reset(stream, faultCode(fault));
    this.#sink.onMalformed(fault, requestLine);
  }

  // The other frames.

  /** Priorities are not followed (RFC 9113 §5.3.2), but must be well-formed. */
  #takePriority({ streamId, length }: FrameHead, payload: Buffer): H2Fault | undefined {
    if (streamId === 0) return "ERR_H2_FRAME";
    const isSelf = length === PRIORITY_BYTES && (payload.readUInt32BE(0) & F.WINDOW_BYTES_MAX) === streamId;
    if (length === PRIORITY_BYTES && !isSelf) return undefined;
    const fault = isSelf ? "ERR_H2_FRAME" : "ERR_H2_FRAME_SIZE";
    const stream = this.#streams.open.get(streamId);
    if (stream !== undefined) this.onStreamFault(stream, fault);
    else if (this.#streams.isIdle(streamId))
      return fault; // RST_STREAM is not for idle streams
    else this.#resetClosed(streamId, faultCode(fault));
    return undefined;
  }

  #takeReset({ streamId, length }: FrameHead, payload: Buffer): H2Fault | undefined {
    if (length !== CODE_BYTES) return "ERR_H2_FRAME_SIZE";
    if (streamId === 0 || this.#streams.isIdle(streamId)) return "ERR_H2_FRAME";
    const stream = this.#streams.open.get(streamId);
    if (stream === undefined) return undefined;
    this.#close(stream, "theirs");
    stream.sink?.onReset("client-left");
    // NO_ERROR says that the response was enough.
    if (payload.readUInt32BE(0) !== F.NO_ERROR && !this.#patience.bearsReset(this.#nowMs))
      return "ERR_H2_FLOOD";
    return undefined;
  }

  #takeSettings({ streamId, flags, length }: FrameHead, payload: Buffer): H2Fault | undefined {
    if (streamId !== 0) return "ERR_H2_FRAME";
    if ((flags & F.ACK) !== 0) return this.#takeSettingsAck(length);
    this.#hasSettings = true;
    const told = readPeerSettings(payload);
    if (typeof told === "string") return told;
    this.#output.text(F.ACK_SETTINGS);
    if (told.hasSmallTable) this.#sender.shrinkTable();
    if (told.frameBytesMax !== undefined) this.#sender.frameBytesMax = told.frameBytesMax;
    return told.windowBytes === undefined ? undefined : this.#changeWindows(told.windowBytes);
  }

  #takeSettingsAck(length: number): H2Fault | undefined {
    if (length !== 0) return "ERR_H2_FRAME_SIZE";
    this.#receiver.onSettingsRead();
    return undefined;
  }

  /** RFC 9113 §6.9.2: also of the streams that are open. */
  #changeWindows(bytes: number): H2Fault | undefined {
    const change = bytes - this.#sender.initialWindow;
    this.#sender.initialWindow = bytes;
    for (const stream of this.#streams.open.values()) {
      if (!this.#sender.openStreamWindow(stream, change)) return "ERR_H2_FLOW_CONTROL";
    }
    return undefined;
  }

  #takePing({ streamId, flags, length }: FrameHead, payload: Buffer): H2Fault | undefined {
    if (streamId !== 0) return "ERR_H2_FRAME";
    if (length !== PING_BYTES) return "ERR_H2_FRAME_SIZE";
    const text = payload.toString("latin1");
    if ((flags & F.ACK) === 0) this.#output.text(F.frameHead(PING_BYTES, F.PING, F.ACK, 0) + text);
    else if (text === LEAVING) this.#sink.onPong();
    return undefined;
  }

  #takeWindowUpdate({ streamId, length }: FrameHead, payload: Buffer): H2Fault | undefined {
    if (length !== CODE_BYTES) return "ERR_H2_FRAME_SIZE";
    const bytes = payload.readUInt32BE(0) & F.WINDOW_BYTES_MAX;
    if (streamId === 0) {
      if (bytes === 0) return "ERR_H2_FRAME";
      return this.#sender.openWindow(bytes) ? undefined : "ERR_H2_FLOW_CONTROL";
    }
    if (this.#streams.isIdle(streamId)) return "ERR_H2_FRAME";
    const stream = this.#streams.open.get(streamId);
    if (bytes === 0) {
      if (stream === undefined) this.#resetClosed(streamId, F.PROTOCOL_ERROR);
      else this.onStreamFault(stream, "ERR_H2_FRAME");
    } else if (stream !== undefined && !this.#sender.openStreamWindow(stream, bytes)) {
      this.onStreamFault(stream, "ERR_H2_FLOW_CONTROL");
    }
    return undefined;
  }

  /** A fault that concerns one stream (RFC 9113 §5.4.2). */
  onStreamFault(stream: H2Stream, fault: H2Fault): void {
    this.reset(stream, faultCode(fault));
    stream.sink?.onReset("bad-request");
    this.#sink.onMalformed(fault, "");
    if (!this.#patience.bearsReset(this.#nowMs)) this.fail("ERR_H2_FLOOD");
  }

  #resetClosed(streamId: number, code: number = F.STREAM_CLOSED): void {
    this.#output.text(F.resetFrame(streamId, code));
    this.#streams.note(streamId, "ours");
    if (!this.#patience.bearsReset(this.#nowMs)) this.fail("ERR_H2_FLOOD");
  }

  #close(stream: H2Stream, ending: Ending): void {
    this.#streams.close(stream, ending);
    this.#sender.forget(stream);
    stream.clear();
    stream.stalledSinceMs = 0;
    this.#receiver.forget(stream);
  }
}

const PRIORITY_BYTES = 5;
const CODE_BYTES = 4;
const PING_BYTES = 8;
/** What our ping says. */
const LEAVING = "leaving.";
