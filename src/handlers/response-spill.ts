// The part of a response that its client has not read yet, beyond what memory is for: written to a temporary file as the worker
// sends it, and read back as the client takes it. What the client can take at once never touches the file. When the file may not
// grow, or the disk is full, the bytes wait in memory, and the worker with them: that is ordinary back-pressure.
//
//   worker ──write──► waiting ──(file is empty, client has room)──► client
//                        └────────► file ──(client has room)──────────▲
//
// Positions and lengths are bytes; the file is used from its start again whenever it is empty.

import { ftruncate, read, writev } from "node:fs";
import { closeFile } from "../base/file-pieces.ts";
import type { SpillStore } from "./spill-store.ts";

/** Given to the client's side while less than this waits there. */
const AHEAD_BYTES = 262_144;
const READ_BYTES = 131_072;
/** A file that was larger gives its blocks back when it is empty. */
const KEEP_BYTES_MAX = 4_194_304;

export interface SpillOwner {
  /** For the client. */
  onSpillPiece(bytes: Uint8Array): void;
  /** The worker's bytes need no memory any more: it may send as many. */
  onSpillTaken(bytes: number): void;
  /** Everything was given. */
  onSpillEnd(trailers: Uint8Array | undefined): void;
  /** The file cannot be read back. */
  onSpillFailed(reason: string): void;
}

type FileState = "none" | "opening" | "open" | "refused" | "closed";

export class ResponseSpill {
  readonly #store: SpillStore;
  readonly #owner: SpillOwner;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #aheadBytes: number;
  #fd = -1;
  #file: FileState = "none";
  #readAt = 0;
  #writtenAt = 0;
  #isReading = false;
  #isWriting = false;
  /** What is in the file is still read back; nothing is added. */
  #isDiskFull = false;
  #isLast = false;
  #trailers: Uint8Array | undefined;
  #isGiving = false;

  /** `aheadBytes`: given to the client before, and not taken yet. */
  constructor(store: SpillStore, owner: SpillOwner, aheadBytes: number) {
    this.#store = store;
    this.#owner = owner;
    this.#aheadBytes = aheadBytes;
  }

  get #isFileEmpty(): boolean {
    return this.#readAt === this.#writtenAt && !this.#isWriting;
  }

  write(bytes: Uint8Array): void {
    if (this.#file === "closed" || bytes.length === 0) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#move();
  }

  end(trailers?: Uint8Array): void {
    this.#isLast = true;
    this.#trailers = trailers;
    this.#move();
  }

  /** The client took so much. */
  drained(bytes: number): void {
    this.#aheadBytes -= bytes;
    this.#move();
  }

  /** Nothing more is given. Harmless when repeated. */
  discard(): void {
    if (this.#file === "closed") return;
    const isOpen = this.#file === "open";
    this.#file = "closed";
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#store.giveBack(this.#writtenAt);
    this.#writtenAt = 0;
    if (isOpen) this.#closeIfQuiet();
  }

  /** A read or write that is under way closes the file when it is back. */
  #closeIfQuiet(): void {
    if (this.#isReading || this.#isWriting) return;
    closeFile(this.#fd);
  }

  /** All that can go on goes on. Being told of progress while it gives is no reason to begin anew. */
  #move(): void {
    if (this.#isGiving || this.#file === "closed") return;
    this.#isGiving = true;
    this.#giveWaiting();
    this.#isGiving = false;
    this.#readBack();
    if (this.#isFileWanted()) this.#writeOut();
    if (this.#isLast && this.#waitingBytes === 0 && this.#isFileEmpty) this.#finish();
  }

  #finish(): void {
    this.discard();
    this.#owner.onSpillEnd(this.#trailers);
  }

  #giveWaiting(): void {
    while (this.#waitingBytes > 0 && this.#aheadBytes < AHEAD_BYTES && this.#isFileEmpty) {
      if (this.#isReading) return;
      const piece = this.#waiting.shift() as Uint8Array; // there are bytes
      this.#waitingBytes -= piece.length;
      this.#give(piece);
      this.#owner.onSpillTaken(piece.length);
    }
  }

  #give(piece: Uint8Array): void {
    this.#aheadBytes += piece.length;
    this.#owner.onSpillPiece(piece);
  }

  // ── into the file ──

  /** When the worker has said all, memory holds the rest. */
  #isFileWanted(): boolean {
    if (this.#waitingBytes === 0 || this.#isWriting || this.#isLast || this.#isDiskFull) return false;
    return this.#aheadBytes >= AHEAD_BYTES || this.#readAt < this.#writtenAt;
  }

  #writeOut(): void {
    if (this.#file === "none") this.#open();
    if (this.#file !== "open") return;
    this.#reuse();
    if (this.#writtenAt + this.#waitingBytes > this.#store.bytesMax) return;
    if (!this.#store.take(this.#waitingBytes)) return;
    const pieces = this.#waiting;
    const bytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isWriting = true;
    writev(this.#fd, pieces, this.#writtenAt, (error, written) => {
      this.#onWritten(error, pieces, { bytes, written });
    });
  }

  #open(): void {
    this.#file = "opening";
    this.#store.open((fd) => {
      if (this.#file === "closed") {
        if (fd !== undefined) closeFile(fd);
        return;
      }
      this.#file = fd === undefined ? "refused" : "open";
      this.#fd = fd ?? -1;
      this.#move();
    });
  }

  #onWritten(
    error: Error | null,
    pieces: readonly Uint8Array[],
    { bytes, written }: { readonly bytes: number; readonly written: number },
  ): void {
    this.#isWriting = false;
    if (this.#file === "closed") {
      this.#store.giveBack(bytes);
      this.#closeIfQuiet();
      return;
    }
    const kept = error === null ? written : 0;
    this.#store.giveBack(bytes - kept);
    this.#writtenAt += kept;
    if (kept < bytes) this.#takeBack(pieces, kept, error);
    if (kept > 0) this.#owner.onSpillTaken(kept);
    this.#move();
  }

  /** The disk did not take all: the rest comes first again. */
  #takeBack(pieces: readonly Uint8Array[], kept: number, error: Error | null): void {
    const rest = Buffer.concat(pieces).subarray(kept);
    this.#waiting.unshift(rest);
    this.#waitingBytes += rest.length;
    if (error === null) return; // the next write says why
    this.#isDiskFull = true;
    this.#store.complain(error);
  }

  /** An empty file begins at its start again. */
  #reuse(): void {
    if (this.#writtenAt === 0 || !this.#isFileEmpty || this.#isReading) return;
    this.#store.giveBack(this.#writtenAt);
    if (this.#writtenAt > KEEP_BYTES_MAX) ftruncate(this.#fd, 0, ignore);
    this.#writtenAt = 0;
    this.#readAt = 0;
  }

  // ── and back ──

  #readBack(): void {
    if (this.#isReading || this.#readAt === this.#writtenAt || this.#aheadBytes >= AHEAD_BYTES) return;
    const length = Math.min(READ_BYTES, this.#writtenAt - this.#readAt);
    const piece = Buffer.allocUnsafeSlow(length);
    this.#isReading = true;
    read(this.#fd, piece, 0, length, this.#readAt, (error, count) => this.#onRead(error, piece, count));
  }

  #onRead(error: Error | null, piece: Buffer, count: number): void {
    this.#isReading = false;
    if (this.#file === "closed") {
      this.#closeIfQuiet();
      return;
    }
    if (error !== null || count === 0) {
      this.discard();
      this.#owner.onSpillFailed(error?.message ?? "the file is shorter than it was");
      return;
    }
    this.#readAt += count;
    this.#give(piece.subarray(0, count));
    this.#move();
  }
}

function ignore(): void {
  // what is not given back now is when the file is closed
}
