// A part of an open file, read piece by piece as its owner asks. Owns the descriptor: closes it whatever happens, and never
// while a read is under way.

import { read } from "node:fs";
import { closeFile } from "../file-opener.ts";

const PIECE_BYTES = 65_536;

export interface FileRange {
  readonly fd: number;
  readonly offset: number;
  readonly length: number;
}

export interface FileSourceOwner {
  onFilePiece(bytes: Buffer): void;
  onFileEnd(): void;
  /** The file is shorter than promised, or cannot be read. */
  onFileError(reason: string): void;
}

export class FileSource {
  readonly #fd: number;
  readonly #owner: FileSourceOwner;
  #offset: number;
  #left: number;
  #state: "ready" | "reading" | "stopped" = "ready";

  constructor({ fd, offset, length }: FileRange, owner: FileSourceOwner) {
    this.#fd = fd;
    this.#offset = offset;
    this.#left = length;
    this.#owner = owner;
  }

  /** One piece, or the end. Harmless while one is on its way. */
  pull(): void {
    if (this.#state !== "ready") return;
    if (this.#left === 0) {
      this.stop();
      this.#owner.onFileEnd();
      return;
    }
    this.#state = "reading";
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, this.#left));
    read(this.#fd, piece, 0, piece.length, this.#offset, (error, count) => this.#onRead(error, piece, count));
  }

  /** Harmless when repeated. */
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
    this.#owner.onFilePiece(piece.subarray(0, count));
  }
}
