// What a client sends on a WebSocket, on its way through ws's receiver: slice by slice, so that who gets the messages can stop
// the flow between two slices, and so that little of what is already received and compressed can be too much. Bytes.

import { DEFLATE } from "./ws-deflate.ts";
import { type PerMessageDeflate, type Receiver, wsPackage } from "./ws-package.ts";

/** At most so much is parsed between two looks at whether more is wanted. */
const SLICE_BYTES = 4_096;
/** 4 MiB in fragments of 64 bytes, and an empty one to end them, is what a conformance suite sends; nobody needs more. */
const FRAGMENTS_MAX = 65_600;
/** Pieces of one frame, as they came from the socket. */
const PIECES_MAX = 20_000;
const NO_EXTENSIONS = {};

export interface WsInputSink {
  onMessage(bytes: Buffer, isText: boolean): void;
  onPing(bytes: Buffer): void;
  /** The client's close frame: nothing follows. 1005 when it names no code. */
  onCloseFrame(code: number, reason: Buffer): void;
  /** The client broke the protocol: nothing follows. */
  onFault(code: number, message: string): void;
  /** What `receive` could not take at once was taken. */
  onTaken(): void;
}

export class WsInput {
  readonly #sink: WsInputSink;
  readonly #receiver: Receiver;
  readonly #deflate: PerMessageDeflate | undefined;
  #rest: Buffer | undefined = undefined;
  #state: "reading" | "over" | "ended" = "reading";
  #isHeld = false;
  /** The receiver has a slice and has not called back. */
  #isTaking = false;
  #isFeeding = false;

  constructor(sink: WsInputSink, messageBytesMax: number, deflate: PerMessageDeflate | undefined) {
    this.#sink = sink;
    this.#deflate = deflate;
    const receiver = new (wsPackage().Receiver)({
      extensions: deflate === undefined ? NO_EXTENSIONS : { [DEFLATE]: deflate },
      isServer: true,
      maxBufferedChunks: PIECES_MAX,
      maxFragments: FRAGMENTS_MAX,
      maxPayload: messageBytesMax,
    });
    receiver.on("message", (bytes: Buffer, isBinary: boolean) => this.#onMessage(bytes, isBinary));
    receiver.on("ping", (bytes: Buffer) => this.#onPing(bytes));
    receiver.on("conclude", (code: number, reason: Buffer) => this.#onConclude(code, reason));
    this.#receiver = receiver;
  }

  /** Bytes wait that were received: the socket should be paused. */
  get isFull(): boolean {
    return this.#rest !== undefined;
  }

  /** What is kept of what the client has begun and not ended. */
  get heldBytes(): number {
    if (this.#state !== "reading") return 0;
    return this.#receiver._messageLength + this.#receiver._bufferedBytes + (this.#rest?.length ?? 0);
  }

  receive(bytes: Buffer): void {
    if (this.#state !== "reading" || bytes.length === 0) return;
    this.#rest = this.#rest === undefined ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#feed();
  }

  /** No more messages, if possible, until `release`. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#feed();
  }

  /** Nothing is told any more. zlib is freed as soon as it has finished what it has begun. */
  end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#rest = undefined;
    if (!this.#isTaking) this.#deflate?.cleanup();
  }

  #feed(): void {
    if (this.#isFeeding) return;
    this.#isFeeding = true;
    while (this.#rest !== undefined && !this.#isTaking && !this.#isHeld) {
      const rest = this.#rest;
      const isLast = rest.length <= SLICE_BYTES;
      this.#rest = isLast ? undefined : rest.subarray(SLICE_BYTES);
      this.#isTaking = true;
      this.#receiver._write(isLast ? rest : rest.subarray(0, SLICE_BYTES), "", this.#onTaken);
    }
    this.#isFeeding = false;
  }

  /** Called while `_write` runs, unless something is to be inflated. */
  readonly #onTaken = (error?: Error | null): void => {
    this.#isTaking = false;
    if (this.#state === "ended") this.#deflate?.cleanup();
    else if (error) this.#fail(error);
    if (this.#isFeeding) return;
    this.#feed();
    if (this.#state === "reading" && !this.isFull) this.#sink.onTaken();
  };

  #onMessage(bytes: Buffer, isBinary: boolean): void {
    if (this.#state === "reading") this.#sink.onMessage(bytes, !isBinary);
  }

  #onPing(bytes: Buffer): void {
    if (this.#state === "reading") this.#sink.onPing(bytes);
  }

  #onConclude(code: number, reason: Buffer): void {
    if (this.#state !== "reading") return;
    this.#stop();
    this.#sink.onCloseFrame(code, reason);
  }

  #fail(error: Error): void {
    if (this.#state !== "reading") return;
    this.#stop();
    this.#sink.onFault(closeCodeOf((error as NodeJS.ErrnoException).code ?? ""), error.message); // ws's errors have a code
  }

  #stop(): void {
    this.#state = "over";
    this.#rest = undefined;
  }
}

/** RFC 6455 §7.4.1. */
function closeCodeOf(fault: string): number {
  switch (fault) {
    case "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH":
    case "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH":
    case "WS_ERR_TOO_MANY_BUFFERED_PARTS":
      return 1009;
    case "WS_ERR_INVALID_UTF8":
      return 1007;
    default:
      return fault.startsWith("WS_ERR_") ? 1002 : 1007; // else zlib's: the message is not what it says it is
  }
}
