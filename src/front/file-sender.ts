// A part of an open file on its way to a client, read piece by piece as the client takes it.
// Owns the descriptor: closes it whatever happens, and never while a read is under way.

import { close, read } from "node:fs";
import { pieces } from "../base/piece-pool.ts";

const PIECE_BYTES = 131_072;
/** A file is read ahead while less than this waits for the client. */
export const FILE_AHEAD_BYTES = 131_072;

export interface FileSenderOwner {
  /** The next bytes; the sink's to keep. */
  onFilePiece(bytes: Buffer): void;
  /** All bytes were given. */
  onFileEnd(): void;
  /** The file is shorter than promised, or cannot be read. */
  onFileError(message: string): void;
}

export class FileSender {
  readonly #fd: number;
  readonly #owner: FileSenderOwner;
  #offset: number;
  #left: number;
  #state: "ready" | "reading" | "stopped" = "ready";

  constructor(
    fd: number,
    range: { readonly offset: number; readonly length: number },
    owner: FileSenderOwner,
  ) {
    this.#fd = fd;
    this.#offset = range.offset;
    this.#left = range.length;
    this.#owner = owner;
  }

  /** Reads one piece ahead. To be called whenever there is room for one. */
  pump(): void {
    if (this.#state !== "ready") return;
    if (this.#left === 0) {
      this.stop();
      this.#owner.onFileEnd();
      return;
    }
    this.#state = "reading";
    const piece = pieces.take(Math.min(PIECE_BYTES, this.#left));
    read(this.#fd, piece, 0, piece.length, this.#offset, (error, count) => this.#onRead(error, piece, count));
  }

  /** Nothing more is sent. Harmless when repeated. */
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
    if (this.#left === 0) this.pump();
  }
}

export function closeFile(fd: number): void {
  close(fd, () => {}); // a descriptor that cannot be closed leaves nothing to do
}
