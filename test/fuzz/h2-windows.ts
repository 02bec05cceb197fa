// Windows and back-pressure on one HTTP/2 connection under chance: an honest client in no hurry, slow handlers, an output with little
// room. What must hold: no byte is lost or comes twice, no window is overrun, what waits is bounded, and in the end all is answered.

import assert from "node:assert/strict";
import * as F from "../../src/h2/frames.ts";
import { encodeField } from "../../src/h2/hpack-encoder.ts";
import { H2Protocol, type H2Sink } from "../../src/h2/protocol.ts";
import type { FrameOutput } from "../../src/h2/sender.ts";
import type { H2Stream, StreamSink } from "../../src/h2/stream.ts";
import { LIMITS } from "./h1-driver.ts";
import { readFrames, SETTINGS, type SentFrame } from "./h2-driver.ts";
import { makeRandom, pick, type Random, split } from "./random.ts";

const STEPS = 1_500;
const CALM_STEPS_MAX = 20_000;
const STREAMS_MAX = 8;
const STEP_MS = 20;
/** What a handler may have waiting in a stream, as dispatch's credit has it. */
const CREDIT_BYTES = 5_000;
const ROOM_BYTES = 3_000;
const BODY_BYTES_MAX = 40_000;
/** Frames that need no window: ends, resets, updates, acknowledgements. */
const SMALL_FRAMES_BYTES = 20_000;

export function fuzzH2Windows(seed: number, rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    try {
      new World(makeRandom(seed + round * 7_919)).play();
    } catch (error) {
      throw new Error(`windows, seed ${seed}, round ${round}`, { cause: error });
    }
  }
}

/** The byte at a place of a stream's body: what is lost, doubled or misplaced shows. */
function patternAt(streamId: number, at: number): number {
  return (at * 31 + streamId * 7) & 0xff;
}

function pattern(streamId: number, from: number, to: number): Buffer {
  return Buffer.from(Array.from({ length: to - from }, (_, i) => patternAt(streamId, from + i)));
}

function checkPattern(streamId: number, from: number, bytes: Uint8Array): void {
  bytes.forEach((byte, i) => {
    if (byte !== patternAt(streamId, from + i)) assert.fail(`stream ${streamId}, byte ${from + i}`);
  });
}

class World implements H2Sink, FrameOutput {
  readonly random: Random;
  readonly protocol: H2Protocol;
  readonly client: Client;
  readonly handlers: Handler[] = [];
  readonly #windowBytes: number;
  #output: Buffer[] = [];
  #nowMs = 0;
  pendingBytes = 0;
  isCalm = false;

  constructor(random: Random) {
    this.random = random;
    this.#windowBytes = pick([500, 2_000, 20_000, 65_535, 200_000], random);
    const settings = { ...SETTINGS, windowBytes: this.#windowBytes, streamsMax: STREAMS_MAX * 2 };
    this.protocol = new H2Protocol({ limits: LIMITS, settings, output: this, sink: this });
    this.client = new Client(this);
    this.protocol.start();
  }

  play(): void {
    for (let step = 0; step < STEPS; step++) this.#step();
    this.isCalm = true;
    this.client.calm();
    for (let step = 0; !this.#isOver; step++) {
      assert.ok(step < CALM_STEPS_MAX, `all is answered: ${this.client.describe()}`);
      this.#step();
    }
    this.client.checkEnd();
  }

  get #isOver(): boolean {
    return this.client.isDone && this.pendingBytes === 0 && this.protocol.openStreams === 0;
  }

  #step(): void {
    this.#nowMs += STEP_MS;
    switch (this.random(4)) {
      case 0:
        this.client.act();
        break;
      case 1:
        this.#drain();
        break;
      case 2:
        for (const handler of this.handlers) if (this.random(3) === 0) handler.act();
        break;
      default:
        this.#pump();
    }
    this.#checkBounds();
  }

  toServer(text: string): void {
    for (const piece of split(Buffer.from(text, "latin1"), this.random)) {
      const lent = Buffer.from(piece);
      this.protocol.receive(lent, this.#nowMs);
      lent.fill(0xff);
    }
  }

  #pump(): void {
    this.protocol.pump(ROOM_BYTES, this.#nowMs);
    for (const { sink } of this.protocol.takeFramed()) sink?.onFramed();
  }

  #drain(): void {
    const all = Buffer.concat(this.#output);
    const some = this.isCalm ? all.length : this.random(Math.min(all.length, 4_000) + 1);
    this.#output = [all.subarray(some)];
    this.pendingBytes -= some;
    this.client.receive(all.subarray(0, some));
  }

  #checkBounds(): void {
    assert.ok(this.pendingBytes < ROOM_BYTES + F.FRAME_BYTES + SMALL_FRAMES_BYTES, "the output is bounded");
    const heldMax = Math.max(this.#windowBytes, F.WINDOW_BYTES);
    for (const { stream, unreadBytes } of this.handlers) {
      assert.ok(stream.pendingBytes <= CREDIT_BYTES, "what waits in a stream is what its handler may write");
      assert.ok(unreadBytes <= heldMax, "what waits for a handler is bounded by the stream's window");
    }
  }

  text(text: string): void {
    this.bytes(Buffer.from(text, "latin1"), 0, text.length);
  }

  bytes(bytes: Buffer, from: number, to: number): void {
    this.#output.push(Buffer.from(bytes.subarray(from, to)));
    this.pendingBytes += to - from;
  }

  onRequest(stream: H2Stream): void {
    const handler = new Handler(this, stream);
    stream.sink = handler;
    this.handlers.push(handler);
  }

  onRefusal(_stream: H2Stream, fault: string): void {
    assert.fail(fault);
  }

  onMalformed(fault: string): void {
    assert.fail(fault);
  }

  onFailure(fault: string): void {
    assert.fail(fault);
  }

  onPong(): void {}
}

/** Reads its request by and by, answers by and by, each as far as it may. */
class Handler implements StreamSink {
  readonly stream: H2Stream;
  readonly #world: World;
  readonly #length: number;
  #state: "waiting" | "answering" | "ended" = "waiting";
  #received = 0;
  #written = 0;
  #credit = CREDIT_BYTES;
  unreadBytes = 0;

  constructor(world: World, stream: H2Stream) {
    this.#world = world;
    this.stream = stream;
    this.#length = world.random(3) === 0 ? 0 : world.random(BODY_BYTES_MAX);
  }

  act(): void {
    const { protocol, random, isCalm } = this.#world;
    const read = isCalm ? this.unreadBytes : random(this.unreadBytes + 1);
    this.unreadBytes -= read;
    if (read > 0) protocol.consumed(this.stream, read);
    // A response that ends early ends the request, which this client does not expect.
    if (!this.stream.isRemoteEnded || this.stream.isClosed || this.#state === "ended") return;
    if (this.#state === "waiting") protocol.respond(this.stream, "\x88");
    this.#state = "answering";
    this.#write();
    if (this.#written < this.#length) return;
    this.#state = "ended";
    protocol.end(this.stream, random(2) === 0 ? "" : encodeField("x-trailer", "t"));
  }

  #write(): void {
    const { protocol, random } = this.#world;
    const most = Math.min(this.#credit, this.#length - this.#written);
    const count = Math.min(most, 1 + random(3_000));
    if (count <= 0) return;
    const bytes = pattern(this.stream.id, this.#written, this.#written + count);
    protocol.write(this.stream, bytes, 0, count);
    this.#written += count;
    this.#credit -= count;
  }

  onBody(bytes: Buffer): void {
    checkPattern(this.stream.id, this.#received, bytes);
    this.#received += bytes.length;
    this.unreadBytes += bytes.length;
  }

  onBodyEnd(): void {
    assert.equal(this.#received, this.#world.client.bodyBytes(this.stream.id), "the whole body has come");
  }

  onFramed(): void {
    this.#credit += this.stream.framedBytes;
    this.stream.framedBytes = 0;
  }

  onEnded(): void {
    this.#world.client.expect(this.stream.id, this.#written);
    this.#leave();
  }

  onReset(): void {
    this.#leave();
  }

  #leave(): void {
    const { handlers } = this.#world;
    handlers.splice(handlers.indexOf(this), 1);
  }
}

interface ClientStream {
  readonly id: number;
  readonly bodyBytes: number;
  sent: number;
  hasSentEnd: boolean;
  sendWindow: number;
  receiveWindow: number;
  /** Its window was never made smaller, so that nothing under way may go beyond it. */
  isTight: boolean;
  received: number;
  expected: number;
  isOver: boolean;
}

class Client {
  readonly #world: World;
  readonly #streams = new Map<number, ClientStream>();
  #nextId = 1;
  #sendWindow: number = F.WINDOW_BYTES;
  #receiveWindow: number = F.WINDOW_BYTES;
  #initialSend: number = F.WINDOW_BYTES;
  #initialReceive: number = F.WINDOW_BYTES;
  #largestSendWindow: number = F.WINDOW_BYTES;
  #hasBegun = false;
  #unread: Buffer = Buffer.alloc(0);

  constructor(world: World) {
    this.#world = world;
  }

  get isDone(): boolean {
    return [...this.#streams.values()].every(({ isOver }) => isOver);
  }

  bodyBytes(id: number): number {
    return this.#streams.get(id)?.bodyBytes ?? -1;
  }

  expect(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    if (stream !== undefined) stream.expected = bytes;
  }

  describe(): string {
    const open = [...this.#streams.values()].filter(({ isOver }) => !isOver);
    return JSON.stringify({ send: this.#sendWindow, receive: this.#receiveWindow, open });
  }

  act(): void {
    const { random, isCalm } = this.#world;
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#say(F.PREFACE + F.settingsFrame([]));
    }
    const open = [...this.#streams.values()].filter(({ isOver }) => !isOver);
    const stream = open.length === 0 ? undefined : pick(open, random);
    const what = random(10);
    if (stream === undefined || (what < 2 && open.length < STREAMS_MAX)) {
      if (!isCalm) this.#open();
    } else if (what < 6) this.#sendBody(stream);
    else if (what < 8) this.#openWindow(stream);
    else if (what === 8 && random(12) === 0 && !isCalm) this.#reset(stream);
    else if (what === 9 && random(5) === 0 && !isCalm) this.#changeSettings();
  }

  /** From now on all windows are wide. */
  calm(): void {
    this.#openConnection(F.WINDOW_BYTES_MAX - this.#receiveWindow);
    for (const stream of this.#streams.values()) if (!stream.isOver) this.#openStream(stream, 1_000_000);
  }

  /** What was used up was given back: but for half of it, which may wait to be told of. */
  checkEnd(): void {
    assert.ok(this.#sendWindow >= this.#largestSendWindow / 2 - 1, `window left: ${this.#sendWindow}`);
  }

  receive(bytes: Buffer): void {
    let rest = Buffer.concat([this.#unread, bytes]);
    for (;;) {
      const length = rest.length < F.FRAME_HEAD_BYTES ? -1 : F.FRAME_HEAD_BYTES + rest.readUIntBE(0, 3);
      if (length < 0 || rest.length < length) break;
      const [frame] = readFrames(rest.toString("latin1", 0, length));
      if (frame !== undefined) this.#take(frame);
      rest = rest.subarray(length);
    }
    this.#unread = rest;
  }

  #say(text: string): void {
    this.#world.toServer(text);
  }

  #open(): void {
    const { random } = this.#world;
    const id = this.#nextId;
    this.#nextId += 2;
    const bodyBytes = random(2) === 0 ? 0 : random(BODY_BYTES_MAX);
    this.#streams.set(id, {
      id,
      bodyBytes,
      sent: 0,
      hasSentEnd: bodyBytes === 0,
      sendWindow: this.#initialSend,
      receiveWindow: this.#initialReceive,
      isTight: true,
      received: 0,
      expected: -1,
      isOver: false,
    });
    const length = bodyBytes > 0 && random(2) === 0 ? encodeField("content-length", `${bodyBytes}`) : "";
    const block = `\x83\x86\x84${encodeField(":authority", "test")}${length}`;
    const flags = F.END_HEADERS | (bodyBytes === 0 ? F.END_STREAM : 0);
    this.#say(F.frameHead(block.length, F.HEADERS, flags, id) + block);
  }

  #sendBody(stream: ClientStream): void {
    if (stream.hasSentEnd) return;
    const { random, isCalm } = this.#world;
    const padding = random(5) === 0 ? random(256) : -1;
    const extra = padding + 1;
    const most = Math.min(F.FRAME_BYTES, this.#sendWindow, stream.sendWindow) - extra;
    if (most < 0) return;
    const left = stream.bodyBytes - stream.sent;
    const count = Math.min(left, most, isCalm ? most : random(6_000));
    const isEnd = count === left;
    const body = pattern(stream.id, stream.sent, stream.sent + count).toString("latin1");
    const payload = padding < 0 ? body : String.fromCharCode(padding) + body + "\0".repeat(padding);
    stream.sent += count;
    stream.hasSentEnd = isEnd;
    stream.sendWindow -= payload.length;
    this.#sendWindow -= payload.length;
    const flags = (padding < 0 ? 0 : F.PADDED) | (isEnd ? F.END_STREAM : 0);
    this.#say(F.frameHead(payload.length, F.DATA, flags, stream.id) + payload);
  }

  #openWindow(stream: ClientStream): void {
    const { random, isCalm } = this.#world;
    const bytes = isCalm ? 100_000 : 1 + random(pick([10, 1_000, 30_000], random));
    if (random(2) === 0) this.#openConnection(bytes);
    else this.#openStream(stream, bytes);
  }

  #openConnection(bytes: number): void {
    if (bytes <= 0 || this.#receiveWindow + bytes > F.WINDOW_BYTES_MAX) return;
    this.#receiveWindow += bytes;
    this.#say(F.windowUpdate(0, bytes));
  }

  #openStream(stream: ClientStream, bytes: number): void {
    stream.receiveWindow += bytes;
    this.#say(F.windowUpdate(stream.id, bytes));
  }

  #reset(stream: ClientStream): void {
    stream.isOver = true;
    this.#say(F.resetFrame(stream.id, F.CANCEL));
  }

  /** Smaller ones can make windows negative (RFC 9113 §6.9.2); the server knows as soon as this is said. */
  #changeSettings(): void {
    const bytes = pick([0, 1, 500, 65_535, 100_000], this.#world.random);
    const change = bytes - this.#initialReceive;
    this.#initialReceive = bytes;
    for (const stream of this.#streams.values()) {
      stream.receiveWindow += change;
      if (change < 0) stream.isTight = false;
    }
    this.#say(F.settingsFrame([[F.SETTINGS_INITIAL_WINDOW_SIZE, bytes]]));
  }

  #take({ type, flags, streamId, payload }: SentFrame): void {
    const stream = this.#streams.get(streamId);
    if (type === F.SETTINGS && (flags & F.ACK) === 0) this.#takeSettings(Buffer.from(payload, "latin1"));
    else if (type === F.WINDOW_UPDATE)
      this.#takeUpdate(stream, Buffer.from(payload, "latin1").readUInt32BE(0));
    else if (type === F.DATA && stream !== undefined) this.#takeData(stream, payload);
    else if (type === F.RST_STREAM || type === F.GOAWAY) assert.fail(`frame ${type} on stream ${streamId}`);
    if ((flags & F.END_STREAM) === 0 || stream === undefined || stream.isOver) return;
    if (type !== F.HEADERS && type !== F.DATA) return;
    stream.isOver = true;
    assert.equal(stream.received, stream.expected, `stream ${streamId} got its whole response`);
  }

  #takeSettings(payload: Buffer): void {
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== F.SETTINGS_INITIAL_WINDOW_SIZE) continue;
      const change = payload.readUInt32BE(at + 2) - this.#initialSend;
      this.#initialSend += change;
      for (const stream of this.#streams.values()) stream.sendWindow += change;
    }
    this.#say((this.#hasBegun ? "" : F.PREFACE + F.settingsFrame([])) + F.ACK_SETTINGS);
    this.#hasBegun = true;
  }

  #takeUpdate(stream: ClientStream | undefined, bytes: number): void {
    assert.ok(bytes > 0);
    if (stream !== undefined) stream.sendWindow += bytes;
    else this.#sendWindow += bytes;
    this.#largestSendWindow = Math.max(this.#largestSendWindow, this.#sendWindow);
    assert.ok(this.#sendWindow <= F.WINDOW_BYTES_MAX);
  }

  #takeData(stream: ClientStream, payload: string): void {
    this.#receiveWindow -= payload.length;
    stream.receiveWindow -= payload.length;
    assert.ok(this.#receiveWindow >= 0, "the connection's window is not overrun");
    if (stream.isOver) return;
    if (stream.isTight) assert.ok(stream.receiveWindow >= 0, `window of stream ${stream.id} is not overrun`);
    checkPattern(stream.id, stream.received, Buffer.from(payload, "latin1"));
    stream.received += payload.length;
  }
}
