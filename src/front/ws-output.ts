// What goes to the client of a WebSocket, into the connection's output: frames of one turn of the event loop leave in one write.
// Most are a head before bytes that are there; ws's sender compresses, and keeps the order while it does. Bytes.

import type { ClientWriter } from "./client-writer.ts";
import { DEFLATE } from "./ws-deflate.ts";
import { type PerMessageDeflate, type Sender, type SenderSocket, wsPackage } from "./ws-package.ts";

/** Shorter messages gain nothing that their time and memory are worth. */
const COMPRESSED_BYTES_MIN = 1_024;
const CLOSE_REASON_BYTES_MAX = 123;
/** Opcodes, and the bit that marks a message's last frame (RFC 6455 §5.2). */
const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const FINAL = 0x80;
const NO_BYTES: Buffer = Buffer.alloc(0);

/** One frame's head, as long as it is being written. */
const head: Buffer = Buffer.allocUnsafeSlow(10);

export class WsOutput implements SenderSocket {
  readonly #writer: ClientWriter;
  readonly #deflate: PerMessageDeflate | undefined;
  /** Made for the first message that is worth compressing. */
  #sender: Sender | undefined = undefined;
  /** Frames and their bytes that wait for zlib, or behind one that does. */
  #waiting = 0;
  #waitingBytes = 0;
  /** The message that is under way in pieces: who sends the rest of it. */
  #pieces: "none" | "here" | "sender" = "none";
  /** The client's last ping, if there was no room to answer it. */
  #pong: Buffer | undefined = undefined;
  #isOver = false;

  constructor(writer: ClientWriter, deflate: PerMessageDeflate | undefined) {
    this.#writer = writer;
    this.#deflate = deflate;
  }

  get unsentBytes(): number {
    return this.#waitingBytes + this.#writer.output.pendingBytes;
  }

  message(bytes: Buffer, isText: boolean, hasMore: boolean): void {
    const isFirst = this.#pieces === "none";
    if (isFirst) this.#pieces = this.#isWorthSender(bytes) ? "sender" : "here";
    if (this.#pieces === "here") this.#frame(isFirst ? dataOpcode(isText) : CONTINUATION, bytes, !hasMore);
    else this.#sendBySender(bytes, isText, hasMore);
    if (!hasMore) this.#pieces = "none";
  }

  /** Behind a message that is being compressed all others wait. */
  #isWorthSender(bytes: Buffer): boolean {
    if (this.#deflate === undefined) return false;
    return this.#waiting > 0 || bytes.length >= COMPRESSED_BYTES_MIN;
  }

  #sendBySender(bytes: Buffer, isText: boolean, hasMore: boolean): void {
    const compress = bytes.length >= COMPRESSED_BYTES_MIN;
    this.#sender ??= new (wsPackage().Sender)(
      this,
      this.#deflate === undefined ? {} : { [DEFLATE]: this.#deflate },
    );
    this.#waiting++;
    this.#waitingBytes += bytes.length;
    this.#sender.send(bytes, { binary: !isText, compress, fin: !hasMore, mask: false }, () => {
      this.#waiting--;
      this.#waitingBytes -= bytes.length;
    });
  }

  ping(): void {
    if (!this.#writer.isFull) this.#frame(PING, NO_BYTES, true);
  }

  /** RFC 6455 §5.5.3: only the most recent ping needs an answer, so a client that does not read cannot pile them up. */
  pong(bytes: Buffer): void {
    if (this.#writer.isFull) this.#pong = Buffer.from(bytes);
    else this.#frame(PONG, bytes, true);
  }

  /** There is room again. */
  sendDelayedPong(): void {
    const pong = this.#pong;
    if (pong === undefined || this.#writer.isFull) return;
    this.#pong = undefined;
    this.#frame(PONG, pong, true);
  }

  /** `written`: the frame stands behind all messages in the output. 1005 sends no code. */
  close(code: number, reason: Buffer, written: () => void): void {
    this.#pong = undefined;
    const sent = isSendable(code) ? code : 1011;
    const text = cutText(reason);
    if (this.#waiting > 0) {
      if (code === 1005) this.#sender?.close(undefined, NO_BYTES, false, written);
      else this.#sender?.close(sent, text, false, written);
      return;
    }
    this.#frame(CLOSE, code === 1005 ? NO_BYTES : Buffer.from([sent >> 8, sent & 255, ...text]), true);
    written();
  }

  /** What is still being compressed is dropped. */
  end(): void {
    this.#isOver = true;
  }

  /** RFC 6455 §5.2: a server's frames are not masked. */
  #frame(opcode: number, bytes: Buffer, isLast: boolean): void {
    if (this.#isOver) return;
    const { output } = this.#writer;
    output.bytes(head, 0, writeHead(isLast ? opcode | FINAL : opcode, bytes.length));
    output.bytes(bytes, 0, bytes.length);
    this.#writer.flushLater();
  }

  // As the sender sees it.

  get destroyed(): boolean {
    return this.#isOver;
  }

  cork(): void {}

  uncork(): void {}

  write(bytes: Buffer, written?: () => void): void {
    if (this.#isOver) return;
    this.#writer.output.bytes(bytes, 0, bytes.length);
    this.#writer.flushLater();
    written?.();
  }
}

function dataOpcode(isText: boolean): number {
  return isText ? TEXT : BINARY;
}

/** The length of what it wrote into `head`. */
function writeHead(first: number, length: number): number {
  head[0] = first;
  if (length < 126) {
    head[1] = length;
    return 2;
  }
  if (length < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
    return 4;
  }
  head[1] = 127;
  head.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
  head.writeUInt32BE(length >>> 0, 6);
  return 10;
}

/** RFC 6455 §7.4: codes that may stand in a close frame. */
function isSendable(code: number): boolean {
  const isDefined = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
  return isDefined || (code >= 3000 && code <= 4999);
}

/** Never in the middle of a character: its continuation bytes begin with the bits 10. */
function cutText(text: Buffer): Buffer {
  if (text.length <= CLOSE_REASON_BYTES_MAX) return text;
  let end = CLOSE_REASON_BYTES_MAX;
  while (end > 0 && ((text[end] ?? 0) & 0xc0) === 0x80) end--;
  return text.subarray(0, end);
}
