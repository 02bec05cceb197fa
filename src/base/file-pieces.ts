// A part of an open file, read piece by piece as its owner asks. Owns the descriptor: closes it whatever happens, and never
// while a read is under way. Bytes.

import { close, read } from "node:fs";
import { pieces } from "./piece-pool.ts";

export interface FileRange {
  readonly fd: number;
  readonly offset: number;
  readonly length: number;
}

export interface FilePiecesOwner {
  /** The next bytes; the owner's to keep. */
  onFilePiece(bytes: Buffer): void;
  /** All bytes were given. */
  onFileEnd(): void;
  /** The file is shorter than promised, or cannot be read. */
  onFileError(message: string): void;
}

export class FilePieces {
  readonly #fd: number;
  readonly #pieceBytesMax: number;
  readonly #owner: FilePiecesOwner;
  #offset: number;
  #left: number;
  #state: "ready" | "reading" | "stopped" = "ready";

  constructor({ fd, offset, length }: FileRange, pieceBytesMax: number, owner: FilePiecesOwner) {
    this.#fd = fd;
    this.#offset = offset;
    this.#left = length;
    this.#pieceBytesMax = pieceBytesMax;
    this.#owner = owner;
  }

  /** One piece, or the end. To be called whenever there is room for a piece; harmless while one is on its way. */
  pull(): void {
    if (this.#state !== "ready") return;
    if (this.#left === 0) {
      this.stop();
      this.#owner.onFileEnd();
      return;
    }
    this.#state = "reading";
    const piece = pieces.take(Math.min(this.#pieceBytesMax, this.#left));
    read(this.#fd, piece, 0, piece.length, this.#offset, (error, count) => this.#onRead(error, piece, count));
  }

  /** Nothing more is given. Harmless when repeated. */
  stop(): void {
    if (this.#state === "ready") closeFile(this.#fd);
    this.#state = "stopped"; // a read under way closes the file when it is back
  }

  #onRead(error: Error | null, piece: Buffer, count: number): void {
    if (this.#state === "stopped") {
      closeFile(this.#fd);
      return;
    }
    this.#state = "ready";
    if (error !== null || count === 0) {
      this.stop();
      this.#owner.onFileError(error?.message ?? `the file ends ${this.#left} bytes early`);
      return;
    }
    this.#offset += count;
    this.#left -= count;
    this.#owner.onFilePiece(count === piece.length ? piece : piece.subarray(0, count));
    if (this.#left === 0) this.pull();
  }
}

/** Of a file that was only read, or has no name any more: there is nothing to lose. */
export function closeFile(fd: number): void {
  close(fd, () => {}); // a descriptor that cannot be closed leaves nothing to do
}
