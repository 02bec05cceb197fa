// What goes to the client of a WebSocket, through ws's sender into the connection's output: frames of one turn of the event loop
// leave in one write. Bytes.

import type { ClientWriter } from "./client-writer.ts";
import { DEFLATE } from "./ws-deflate.ts";
import { type PerMessageDeflate, type Sender, type SenderSocket, wsPackage } from "./ws-package.ts";

/** Shorter messages gain nothing that their time and memory are worth. */
const COMPRESSED_BYTES_MIN = 1_024;
const CLOSE_REASON_BYTES_MAX = 123;
const NO_EXTENSIONS = {};
const NO_BYTES: Buffer = Buffer.alloc(0);

export class WsOutput implements SenderSocket {
  readonly #writer: ClientWriter;
  readonly #sender: Sender;
  readonly #isDeflating: boolean;
  /** Bytes of messages that wait for zlib, or behind one that does. */
  #waitingBytes = 0;
  /** The client's last ping, if there was no room to answer it. */
  #pong: Buffer | undefined = undefined;
  #isOver = false;

  constructor(writer: ClientWriter, deflate: PerMessageDeflate | undefined) {
    this.#writer = writer;
    this.#isDeflating = deflate !== undefined;
    this.#sender = new wsPackage.Sender(this, deflate === undefined ? NO_EXTENSIONS : { [DEFLATE]: deflate });
  }

  get unsentBytes(): number {
    return this.#waitingBytes + this.#writer.output.pendingBytes;
  }

  message(bytes: Buffer, isText: boolean, hasMore: boolean): void {
    const compress = this.#isDeflating && bytes.length >= COMPRESSED_BYTES_MIN;
    const options = { binary: !isText, compress, fin: !hasMore, mask: false };
    if (!this.#isDeflating) {
      this.#sender.send(bytes, options);
      return;
    }
    this.#waitingBytes += bytes.length;
    this.#sender.send(bytes, options, () => {
      this.#waitingBytes -= bytes.length;
    });
  }

  ping(): void {
    if (!this.#writer.isFull) this.#sender.ping(NO_BYTES, false);
  }

  /** RFC 6455 §5.5.3: only the most recent ping needs an answer, so a client that does not read cannot pile them up. */
  pong(bytes: Buffer): void {
    if (this.#writer.isFull) this.#pong = Buffer.from(bytes);
    else this.#sender.pong(bytes, false);
  }

  /** There is room again. */
  sendDelayedPong(): void {
    const pong = this.#pong;
    if (pong === undefined || this.#writer.isFull) return;
    this.#pong = undefined;
    this.#sender.pong(pong, false);
  }

  /** `written`: the frame stands behind all messages in the output. 1005 sends no code. */
  close(code: number, reason: Buffer, written: () => void): void {
    this.#pong = undefined;
    if (code === 1005) this.#sender.close(undefined, NO_BYTES, false, written);
    else this.#sender.close(isSendable(code) ? code : 1011, cutText(reason), false, written);
  }

  /** What is still being compressed is dropped. */
  end(): void {
    this.#isOver = true;
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
