// A client of HTTP/2 under the test's full control: it sends exactly the frames that it is told to, and keeps those that come.

import { connect, type Socket } from "node:net";
import * as F from "../../src/h2/frames.ts";
import { HpackDecoder } from "../../src/h2/hpack-decoder.ts";
import { encodeField } from "../../src/h2/hpack-encoder.ts";
import { eventually } from "./wait.ts";

const DEADLINE_MS = 10_000;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  /** Of HEADERS. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface H2Reply {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
  readonly trailers: Readonly<Record<string, string>>;
}

export const GET: readonly (readonly [string, string])[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "test"],
];

/** A field list of a request: GET / with `changes`; a value of "" takes a pseudo-field away. */
export function request(
  changes: Readonly<Record<string, string>> = {},
  more: readonly (readonly [string, string])[] = [],
): (readonly [string, string])[] {
  const pseudo = GET.map(([name, value]) => [name, changes[name] ?? value] as const);
  const extra = Object.entries(changes).filter(([name]) => !GET.some(([known]) => known === name));
  return [...pseudo.filter(([, value]) => value !== ""), ...extra, ...more];
}

export function headerBlock(fields: readonly (readonly [string, string])[]): string {
  return fields.map(([name, value]) => encodeField(name, value)).join("");
}

/** Latin-1 text of a whole frame. */
export function frame(type: number, flags: number, streamId: number, payload = ""): string {
  return F.frameHead(payload.length, type, flags, streamId) + payload;
}

export class H2Client {
  readonly frames: Frame[] = [];
  isClosed = false;
  readonly #socket: Socket;
  readonly #decoder = new HpackDecoder(1_000_000);
  #rest: Buffer = Buffer.alloc(0);

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (bytes: Buffer) => this.#read(bytes));
    this.#socket.on("error", () => {}); // a reset is a way to close
    this.#socket.on("close", () => {
      this.isClosed = true;
    });
  }

  /** The preface and SETTINGS. */
  start(pairs: readonly (readonly [number, number])[] = []): this {
    return this.send(F.PREFACE + F.settingsFrame(pairs));
  }

  send(text: string): this {
    this.#socket.write(Buffer.from(text, "latin1"));
    return this;
  }

  headers(
    streamId: number,
    fields: readonly (readonly [string, string])[] = GET,
    flags: number = F.END_STREAM,
  ): this {
    return this.send(frame(F.HEADERS, flags | F.END_HEADERS, streamId, headerBlock(fields)));
  }

  data(streamId: number, text: string, flags = 0): this {
    return this.send(frame(F.DATA, flags, streamId, text));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The first such frame. */
  frame(what: string, isIt: (frame: Frame) => boolean): Promise<Frame> {
    return eventually(DEADLINE_MS, what, () => this.frames.find(isIt));
  }

  closed(): Promise<unknown> {
    return eventually(DEADLINE_MS, "the end of the connection", () => this.isClosed);
  }

  /** GOAWAY's error code. */
  async goAway(isIt: (code: number) => boolean = () => true): Promise<number> {
    const { payload } = await this.frame(
      "GOAWAY",
      ({ type, payload: told }) => type === F.GOAWAY && isIt(told.readUInt32BE(4)),
    );
    return payload.readUInt32BE(4);
  }

  /** RST_STREAM's error code. */
  async reset(streamId: number): Promise<number> {
    const { payload } = await this.frame(
      `RST_STREAM ${streamId}`,
      (one) => one.type === F.RST_STREAM && one.streamId === streamId,
    );
    return payload.readUInt32BE(0);
  }

  /** The whole response on a stream. */
  async reply(streamId: number): Promise<H2Reply> {
    await this.frame(
      `the end of stream ${streamId}`,
      ({ type, flags, streamId: id }) =>
        id === streamId && (type === F.DATA || type === F.HEADERS) && (flags & F.END_STREAM) !== 0,
    );
    const own = this.frames.filter((one) => one.streamId === streamId);
    const heads = own.filter(({ type, fields }) => type === F.HEADERS && Number(fields[":status"]) >= 200);
    const last = own.filter(({ type }) => type === F.HEADERS).at(-1);
    const fields = heads[0]?.fields ?? {};
    return {
      status: Number(fields[":status"]),
      fields,
      body: this.body(streamId),
      trailers: last?.fields ?? {},
    };
  }

  body(streamId: number): string {
    return this.frames
      .filter(({ type, streamId: id }) => type === F.DATA && id === streamId)
      .map(({ payload }) => payload.toString("latin1"))
      .join("");
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= F.FRAME_HEAD_BYTES) {
      const end = F.FRAME_HEAD_BYTES + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < end) return;
      this.#take(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end);
    }
  }

  #take(bytes: Buffer): void {
    const type = bytes.readUInt8(3);
    const payload = bytes.subarray(F.FRAME_HEAD_BYTES);
    this.frames.push({
      type,
      flags: bytes.readUInt8(4),
      streamId: bytes.readUInt32BE(5),
      payload,
      fields: type === F.HEADERS ? this.#decode(payload) : {},
    });
  }

  #decode(payload: Buffer): Record<string, string> {
    this.#decoder.decode(payload);
    const { flat } = this.#decoder;
    return Object.fromEntries(
      flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] as string]] : [])),
    );
  }
}
