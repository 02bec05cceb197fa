// Temporary files for what slow clients have not read yet: where they are made, and how many bytes they may hold. A file has no
// name any more when it is handed out: whoever ends, and however, leaves nothing behind. Bytes, milliseconds.

import { mkdir, open, statfs, unlink } from "node:fs";
import { join } from "node:path";
import { closeFile } from "../base/file-pieces.ts";
import type { Log } from "../log/log.ts";

export interface SpillLimits {
  /** Of one response; 0: nothing is written. */
  readonly bytesMax: number;
  readonly totalBytesMax: number;
}

export interface SpillStoreOptions extends SpillLimits {
  /** "" when no folder is writable: then nothing is written. */
  readonly folder: string;
  readonly log: Log;
  readonly nowMs: () => number;
}

/** What a folder may hold that lies in memory itself (tmpfs, ramfs: statfs(2)). */
export const MEMORY_FOLDER_BYTES_MAX = 134_217_728;
const MEMORY_FILE_SYSTEMS: readonly number[] = [0x01021994, 0x858458f6];
/** A full disk is told of once in so long. */
const COMPLAINT_MS = 60_000;

export class SpillStore {
  readonly #options: SpillStoreOptions;
  #limits: SpillLimits;
  #isInMemory = false;
  #held = 0;
  #files = 0;
  #complainedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SpillStoreOptions) {
    this.#options = options;
    this.#limits = options;
  }

  /** From now on; what is held stays. */
  limit(limits: SpillLimits): void {
    this.#limits = limits;
  }

  get bytesMax(): number {
    return this.#options.folder === "" ? 0 : this.#limits.bytesMax;
  }

  get #totalBytesMax(): number {
    const { totalBytesMax } = this.#limits;
    return this.#isInMemory ? Math.min(totalBytesMax, MEMORY_FOLDER_BYTES_MAX) : totalBytesMax;
  }

  get heldBytes(): number {
    return this.#held;
  }

  get isUsable(): boolean {
    return this.bytesMax > 0;
  }

  /** False when all files together hold as much as they may. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#totalBytesMax) return false;
    this.#held += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#held -= bytes;
  }

  /** A new file to write and read; undefined when that cannot be, which was logged. */
  open(done: (fd: number | undefined) => void): void {
    const { folder } = this.#options;
    this.#files += 1;
    const path = join(folder, `response-${process.pid}-${this.#files}`);
    mkdir(folder, { recursive: true, mode: 0o700 }, (folderError) => {
      if (folderError === null) this.#look(() => this.#openFile(path, done));
      else this.#fail(folderError, done);
    });
  }

  /** A temporary folder is often no disk: what goes there is as dear as what stays. */
  #look(done: () => void): void {
    statfs(this.#options.folder, (error, found) => {
      this.#isInMemory = error === null && MEMORY_FILE_SYSTEMS.includes(found.type);
      done();
    });
  }

  #openFile(path: string, done: (fd: number | undefined) => void): void {
    open(path, "wx+", 0o600, (openError, fd) => {
      if (openError !== null) {
        this.#fail(openError, done);
        return;
      }
      unlink(path, (unlinkError) => {
        if (unlinkError === null) {
          done(fd);
          return;
        }
        closeFile(fd);
        this.#fail(unlinkError, done);
      });
    });
  }

  #fail(error: Error, done: (fd: undefined) => void): void {
    this.complain(error);
    done(undefined);
  }

  /** Slow clients hold workers from now on, as if nothing went to disk. */
  complain(error: Error): void {
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#complainedAtMs < COMPLAINT_MS) return;
    this.#complainedAtMs = nowMs;
    this.#options.log.error(
      "a response for a slow client cannot go to disk; its worker waits for the client",
      {
        folder: this.#options.folder,
        error: error.message,
        advice: "make room in that folder, or give it another place by TMPDIR",
      },
    );
  }
}
