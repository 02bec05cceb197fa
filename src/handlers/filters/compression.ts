// Compresses a response on its way to the client (RFC 9110 §8.4), if it is worth it.
//
//   new ──start──► passing                        as it is: not suitable, or this client takes no coding
//         │
//         └──────► gathering ──end──► ended       small and complete at once: compressed here and now, in one piece
//                      │  └───────► passing       too small after all
//                      └──turn's end, or much──► streaming ──end──► ended
//
// What is gathered waits no longer than the turn of the event loop in which it came.

import { closeFile, FilePieces, type FilePiecesOwner } from "../../base/file-pieces.ts";
import type { AbortCause, Exchange, ResponseHead } from "../../http/exchange.ts";
import { ResponseFilter } from "../response-filter.ts";
import { CODECS, type Coding } from "./codecs.ts";
import { type Compressible, codedBlock, notModifiedBlock, withVary } from "./compressible.ts";
import { Compressor, type CompressorOwner } from "./compressor.ts";

/** Up to here the thread pool costs more than it saves, and the event loop stands for some 0.1 ms (docs/compression.md). */
export const WHOLE_BYTES_MAX = 16_384;
/** Of a front: each takes some 0.3 to 1 MB. What comes beyond them is sent as it is. */
export const STREAMS_MAX = 256;
/** Of a file, at a time. */
const FILE_PIECE_BYTES = 65_536;
/** A file is read ahead while less than this waits to be compressed and taken. */
const FILE_AHEAD_BYTES = 131_072;

/** Compressions of a front that are under way. */
export interface CompressionRoom {
  streams: number;
}

export class CompressionFilter extends ResponseFilter implements CompressorOwner, FilePiecesOwner {
  readonly #rules: Compressible;
  readonly #room: CompressionRoom;
  #state: "new" | "passing" | "gathering" | "streaming" | "ended" = "new";
  #start: ResponseHead | undefined;
  #block = "";
  #coding: Coding = "gzip";
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  /** Of the length that was announced. */
  #leftBytes = Number.POSITIVE_INFINITY;
  #compressor: Compressor | undefined;
  #file: FilePieces | undefined;
  #fileAheadBytes = 0;
  #trailers: Uint8Array | undefined;

  constructor(exchange: Exchange, rules: Compressible, room: CompressionRoom) {
    super(exchange);
    this.#rules = rules;
    this.#room = room;
  }

  override start(head: ResponseHead, bytes: Buffer, from: number, blockEnd: number, end: number): void {
    this.#state = "passing";
    const block = bytes.toString("latin1", from, blockEnd);
    const body = bytes.subarray(blockEnd, end);
    if (head.status === 304) this.#send(head, notModifiedBlock(block, this.head), body);
    else if (head.status === 206) this.#send(head, this.#partBlock(block), body);
    else if (!this.#rules.suits(head, block)) this.next.start(head, bytes, from, blockEnd, end);
    else this.#negotiate(head, block, body);
  }

  /** RFC 9110 §15.3.7: with the Vary of the whole. */
  #partBlock(block: string): string {
    return this.#rules.suitsContent(block) ? withVary(block) : block;
  }

  #negotiate(head: ResponseHead, block: string, body: Buffer): void {
    const coding = this.#rules.codingFor(this.head);
    if (coding === undefined) this.#send(head, withVary(block), body);
    else if (this.head.method === "HEAD") this.#send(ofLength(head, -1), codedBlock(block, coding, -1), body);
    else this.#gather(head, block, body, coding);
  }

  #gather(head: ResponseHead, block: string, body: Buffer, coding: Coding): void {
    this.#state = "gathering";
    this.#start = head;
    this.#block = block;
    this.#coding = coding;
    if (head.contentLength >= 0) this.#leftBytes = head.contentLength;
    this.write(body);
    setImmediate(endTurn, this);
  }

  /** What came in this turn is all there is for now. */
  onTurnEnd(): void {
    if (this.#state === "gathering") this.#stream();
  }

  override write(bytes: Uint8Array): void {
    if (this.#state === "passing") this.next.write(bytes);
    else if (this.#state === "gathering") this.#addGathered(this.#admit(bytes));
    else if (this.#state === "streaming") this.#compressor?.write(this.#admit(bytes));
  }

  #addGathered(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (this.#gatheredBytes > WHOLE_BYTES_MAX) this.#stream();
  }

  /** Bytes beyond the announced length are not the client's. */
  #admit(bytes: Uint8Array): Uint8Array {
    const admitted = bytes.length <= this.#leftBytes ? bytes : bytes.subarray(0, this.#leftBytes);
    this.#leftBytes -= admitted.length;
    return admitted;
  }

  override end(trailers?: Uint8Array): void {
    this.#trailers = trailers;
    if (this.#state === "passing") this.next.end(trailers);
    else if (this.#state === "gathering") this.#sendWhole(trailers);
    else if (this.#state === "streaming") this.#endStream();
  }

  override endWithFile(fd: number, offset: number, length: number): void {
    if (this.#state === "gathering" && this.#gatheredBytes + length < this.#rules.bytesMin) this.#passOn();
    if (this.#state === "gathering") this.#stream();
    if (this.#state === "passing") {
      this.next.endWithFile(fd, offset, length);
    } else if (this.#state === "streaming") {
      this.#file = new FilePieces({ fd, offset, length }, FILE_PIECE_BYTES, this);
      this.#file.pull();
    } else {
      closeFile(fd);
    }
  }

  override abort(cause: AbortCause, status: number, reason: string): void {
    this.#release();
    this.next.abort(cause, status, reason);
  }

  override onAbort(cause: AbortCause): void {
    this.#release();
    super.onAbort(cause);
  }

  override onDrain(bytes: number): void {
    if (this.#state === "passing") super.onDrain(bytes);
    else this.#compressor?.drained(bytes);
  }

  // ── one piece ──

  #sendWhole(trailers: Uint8Array | undefined): void {
    const head = this.#start as ResponseHead; // it is gathering
    const isShort = this.#leftBytes > 0 && this.#leftBytes !== Number.POSITIVE_INFINITY;
    if (isShort || this.#gatheredBytes < this.#rules.bytesMin) {
      this.#passOn();
      this.next.end(trailers);
      return;
    }
    this.#state = "ended";
    const body = CODECS[this.#coding].whole(Buffer.concat(this.#gathered, this.#gatheredBytes));
    // Trailers need chunks, on HTTP/1.1, and chunks have no length.
    const length = trailers === undefined ? body.length : -1;
    this.#send(ofLength(head, length), codedBlock(this.#block, this.#coding, length), body);
    this.next.end(trailers);
  }

  /** As the application gave it. */
  #passOn(): void {
    this.#state = "passing";
    this.#send(this.#start as ResponseHead, this.#block, NOTHING); // it was gathering
    this.#passGathered();
  }

  #passGathered(): void {
    for (const piece of this.#gathered) this.next.write(piece);
    this.#gathered = [];
  }

  // ── a stream ──

  #stream(): void {
    const head = this.#start as ResponseHead; // it is gathering
    if (this.#room.streams >= STREAMS_MAX) {
      this.#state = "passing";
      this.#send(head, withVary(this.#block), NOTHING);
      this.#passGathered();
      return;
    }
    this.#state = "streaming";
    this.#room.streams += 1;
    this.#compressor = new Compressor(CODECS[this.#coding], this);
    this.#send(ofLength(head, -1), codedBlock(this.#block, this.#coding, -1), NOTHING);
    for (const piece of this.#gathered) this.#compressor.write(piece);
    this.#gathered = [];
  }

  #endStream(): void {
    if (this.#leftBytes === 0 || this.#leftBytes === Number.POSITIVE_INFINITY) this.#compressor?.end();
    else this.#break(`the response is ${this.#leftBytes} bytes shorter than its Content-Length`);
  }

  onCompressed(bytes: Buffer): void {
    this.next.write(bytes);
  }

  onTaken(bytes: number): void {
    if (this.#file === undefined) {
      super.onDrain(bytes);
      return;
    }
    this.#fileAheadBytes -= bytes;
    this.#pullFile();
  }

  onCompressorEnd(): void {
    this.#release();
    this.next.end(this.#trailers);
  }

  onCompressorFailed(reason: string): void {
    this.#break(`compressing failed: ${reason}`);
  }

  /** The client must not take it for complete, and the handler need not go on. */
  #break(reason: string): void {
    this.#release();
    this.next.abort("app-aborted", 500, reason);
    super.onAbort("app-aborted");
  }

  #release(): void {
    if (this.#compressor !== undefined) this.#room.streams -= 1;
    this.#compressor?.destroy();
    this.#compressor = undefined;
    this.#file?.stop();
    this.#gathered = [];
    this.#state = "ended";
  }

  // ── a file ──

  onFilePiece(bytes: Buffer): void {
    this.#fileAheadBytes += bytes.length;
    this.write(bytes);
    this.#pullFile();
  }

  onFileEnd(): void {
    this.#file = undefined;
    this.#endStream();
  }

  onFileError(reason: string): void {
    this.#break(`a file could not be sent: ${reason}`);
  }

  #pullFile(): void {
    if (this.#fileAheadBytes < FILE_AHEAD_BYTES) this.#file?.pull();
  }

  #send(head: ResponseHead, block: string, body: Uint8Array): void {
    const bytes = Buffer.allocUnsafe(block.length + body.length);
    bytes.write(block, "latin1");
    bytes.set(body, block.length);
    this.next.start(head, bytes, 0, block.length, bytes.length);
  }
}

const NOTHING = Buffer.alloc(0);

function endTurn(filter: CompressionFilter): void {
  filter.onTurnEnd();
}

function ofLength(head: ResponseHead, contentLength: number): ResponseHead {
  const { status, reason, hasServer, hasDate, close, noBuffer } = head;
  return { status, reason, contentLength, hasServer, hasDate, close, noBuffer };
}
