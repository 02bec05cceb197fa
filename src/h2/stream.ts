// One request and its response on an HTTP/2 connection, as the protocol keeps it (RFC 9113 §5.1). Bytes.
//
//   open ── the client's END_STREAM ──► half-closed (remote) ── our END_STREAM ──► closed
//     │ our END_STREAM: nobody reads the rest; RST_STREAM(NO_ERROR) ──────────────► closed
//     └── RST_STREAM of either side, the connection's end ────────────────────────► closed

import { Fifo } from "../base/fifo.ts";
import type { Fields } from "../http/fields.ts";

/** Who the stream's request belongs to. */
export interface StreamSink {
  /** `bytes` are lent until this returns. Their room is given back by `H2Protocol.consumed`. */
  onBody(bytes: Buffer): void;
  onBodyEnd(trailers: Fields): void;
  /** Some of `framedBytes` was framed; called when the output was flushed. */
  onFramed(): void;
  /** The last frame of the response was written; the stream is closed. */
  onEnded(): void;
  /** The stream is closed before its response was complete: the client's doing, or its fault. */
  onReset(cause: "client-left" | "bad-request"): void;
}

/** Less than this at a time, while more waits, is what the client wants. */
const DRIBBLE_BYTES = 256;

export class H2Stream {
  readonly id: number;
  sink: StreamSink | undefined = undefined;
  isClosed = false;
  /** RFC 8441: after a response of 200 both sides go on until each has ended. */
  isTunnel = false;
  isLocalEnded = false;

  // What the client sends.
  isRemoteEnded = false;
  /** Of the body as Content-Length has it, still to come; -1 when it was not said. */
  bodyBytesLeft = -1;
  /** Handed out, and not used up yet. */
  heldBytes = 0;
  /** What the client may still send. */
  receiveWindow: number;
  /** Used up by the reader, and not yet given back. */
  unreturnedBytes = 0;

  // What we send.
  sendWindow: number;
  /** A header block that waits to be sent with what follows it; "" for none. */
  headBlock = "";
  /** A trailer block; "" for none. */
  trailerBlock = "";
  isEnding = false;
  pendingBytes = 0;
  /** They are a cache's: that they wait costs no memory. */
  isShared = false;
  /** In the line of those that have something to send and may. */
  isReady = false;
  /** Body bytes that became frames since the sink asked. */
  framedBytes = 0;
  /** When a byte was framed last while others waited; 0 when nothing waits. Milliseconds. */
  stalledSinceMs = 0;
  #first: Buffer | undefined = undefined;
  #from = 0;
  #to = 0;
  #rest: Fifo<Buffer> | undefined = undefined;

  constructor(id: number, windows: { readonly receive: number; readonly send: number }) {
    this.id = id;
    this.receiveWindow = windows.receive;
    this.sendWindow = windows.send;
  }

  /** `bytes[from, to)` are given away. */
  push(bytes: Buffer, from: number, to: number): void {
    if (from === to) return;
    this.pendingBytes += to - from;
    if (this.#first === undefined) {
      this.#first = bytes;
      this.#from = from;
      this.#to = to;
      return;
    }
    this.#rest ??= new Fifo();
    this.#rest.push(bytes.subarray(from, to));
  }

  /** Moves up to `most` bytes, all of one piece, to `take`; returns how many. */
  shift(most: number, take: (bytes: Buffer, from: number, to: number) => void): number {
    const from = this.#from;
    const count = Math.min(most, this.#to - from);
    take(this.#first as Buffer, from, from + count); // there are pending bytes
    this.pendingBytes -= count;
    this.#from += count;
    if (this.#from === this.#to) this.#nextPiece();
    return count;
  }

  /** Of the piece that is sent next. */
  get pieceBytes(): number {
    return this.#to - this.#from;
  }

  /** So little was framed, though there is more, that the client must be keeping its windows almost shut. */
  get isDribbling(): boolean {
    return this.pendingBytes > 0 && this.framedBytes < DRIBBLE_BYTES;
  }

  /** Forgets what was not sent. */
  clear(): void {
    this.#first = undefined;
    this.#from = 0;
    this.#to = 0;
    this.#rest = undefined;
    this.pendingBytes = 0;
  }

  #nextPiece(): void {
    const next = this.#rest?.shift();
    this.#first = next;
    this.#from = 0;
    this.#to = next?.length ?? 0;
  }
}
