// A WebSocket client under the test's full control: it sends any frame, also wrong ones, and shows what the server sends.

import { type Endpoint, RawClient } from "./http-client.ts";

export const TEXT = 1;
export const BINARY = 2;
export const CONTINUATION = 0;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const MASK = Buffer.from([0x12, 0x34, 0x56, 0x78]);

export interface FrameOptions {
  readonly isLast?: boolean;
  /** The three bits behind FIN: 4, 2, 1. */
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** What the frame says its length is, when it lies. */
  readonly length?: number;
}

/** One frame as a client sends it (RFC 6455 §5.2). */
export function frame(opcode: number, payload: string | Uint8Array = "", options: FrameOptions = {}): Buffer {
  const { isLast = true, reserved = 0, isMasked = true } = options;
  const bytes = Buffer.from(payload);
  const length = options.length ?? bytes.length;
  const first = (isLast ? 0x80 : 0) | (reserved << 4) | opcode;
  const head = Buffer.concat([Buffer.from([first]), lengthBytes(length, isMasked ? 0x80 : 0)]);
  if (!isMasked) return Buffer.concat([head, bytes]);
  const masked = bytes.map((byte, index) => byte ^ (MASK[index % 4] ?? 0));
  return Buffer.concat([head, MASK, masked]);
}

function lengthBytes(length: number, maskBit: number): Buffer {
  if (length < 126) return Buffer.from([maskBit | length]);
  if (length < 65_536) return Buffer.from([maskBit | 126, length >> 8, length & 255]);
  const bytes = Buffer.alloc(9);
  bytes[0] = maskBit | 127;
  bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes;
}

export function closePayload(code: number, reason = ""): Buffer {
  const bytes = Buffer.from(`xx${reason}`);
  bytes.writeUInt16BE(code);
  return bytes;
}

export interface Frame {
  readonly opcode: number;
  readonly isLast: boolean;
  readonly isCompressed: boolean;
  readonly payload: Buffer;
}

export interface HandshakeOptions {
  readonly path?: string;
  /** Further header lines, each with CRLF. */
  readonly lines?: string;
}

export function handshake({ path = "/", lines = "" }: HandshakeOptions = {}): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n${lines}\r\n`
  );
}

export class WebSocketClient {
  readonly raw: RawClient;
  #at = 0;

  constructor(endpoint: Endpoint) {
    this.raw = new RawClient(endpoint);
  }

  /** The response's head. */
  async open(options?: HandshakeOptions): Promise<string> {
    this.raw.send(handshake(options));
    const received = await this.raw.until(/\r\n\r\n/);
    this.#at = received.indexOf("\r\n\r\n") + 4;
    return received.slice(0, this.#at);
  }

  send(...frames: readonly Uint8Array[]): void {
    this.raw.send(Buffer.concat(frames));
  }

  /** The next frame that the server sends. */
  async next(deadlineMs?: number): Promise<Frame> {
    await this.raw.until({ test: () => this.#end() > 0 }, deadlineMs);
    return this.#take();
  }

  /** The next message, its fragments joined. */
  async message(): Promise<Frame> {
    const first = await this.next();
    const payloads = [first.payload];
    for (let last = first; !last.isLast; ) {
      last = await this.next();
      payloads.push(last.payload);
    }
    return { ...first, isLast: true, payload: Buffer.concat(payloads) };
  }

  /** The next message as text. */
  async text(): Promise<string> {
    return (await this.message()).payload.toString();
  }

  /** The code and the reason of the close frame that comes next, as `1000 reason`. */
  async closed(): Promise<string> {
    const { opcode, payload } = await this.next();
    if (opcode !== CLOSE) throw new Error(`expected a close frame, not opcode ${opcode}`);
    return payload.length === 0 ? "none" : `${payload.readUInt16BE()} ${payload.subarray(2)}`.trimEnd();
  }

  /** All frames until the server closed the connection. */
  async rest(deadlineMs?: number): Promise<readonly Frame[]> {
    await this.raw.untilClosed(deadlineMs);
    const frames: Frame[] = [];
    while (this.#end() > 0) frames.push(this.#take());
    return frames;
  }

  destroy(): void {
    this.raw.destroy();
  }

  /** Where the next frame ends, 0 when it is not there to its end. */
  #end(): number {
    const { received } = this.raw;
    const at = this.#at;
    if (received.length < at + 2) return 0;
    const short = received.charCodeAt(at + 1) & 127;
    const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (received.length < at + headBytes) return 0;
    const length = short < 126 ? short : Number.parseInt(hex(received.slice(at + 2, at + headBytes)), 16);
    const end = at + headBytes + length;
    return received.length < end ? 0 : end;
  }

  #take(): Frame {
    const end = this.#end();
    const bytes = Buffer.from(this.raw.received.slice(this.#at, end), "latin1");
    this.#at = end;
    const [first = 0, second = 0] = bytes;
    const headBytes = (second & 127) < 126 ? 2 : (second & 127) === 126 ? 4 : 10;
    return {
      opcode: first & 15,
      isLast: (first & 0x80) !== 0,
      isCompressed: (first & 0x40) !== 0,
      payload: bytes.subarray(headBytes),
    };
  }
}

function hex(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}
