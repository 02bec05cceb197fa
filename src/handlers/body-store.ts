// Where request bodies wait for a worker: how much memory they may take in all, and the folder for the long ones.

import { type FileHandle, mkdir, open, rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../log/log.ts";

export interface BodyStoreOptions {
  /** "" when no folder is writable: then memory has to do. */
  readonly folder: string;
  /** A body up to this length stays in memory. */
  readonly memoryBytesMax: number;
  readonly log: Log;
}

/** All bodies in memory together. */
export const BODY_MEMORY_TOTAL_MAX = 134_217_728;

export class BodyStore {
  readonly folder: string;
  memoryBytesMax: number;
  readonly #log: Log;
  #held = 0;
  #files = 0;
  #isFolderMade = false;

  constructor(options: BodyStoreOptions) {
    this.folder = options.folder;
    this.memoryBytesMax = options.memoryBytesMax;
    this.#log = options.log;
  }

  get heldBytes(): number {
    return this.#held;
  }

  get hasFolder(): boolean {
    return this.folder !== "";
  }

  /** False when the memory for bodies is used up. */
  take(bytes: number): boolean {
    if (this.#held + bytes > BODY_MEMORY_TOTAL_MAX) return false;
    this.#held += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#held -= bytes;
  }

  /** A new file that only this user can read. */
  async createFile(): Promise<{ readonly path: string; readonly handle: FileHandle }> {
    if (!this.#isFolderMade) await mkdir(this.folder, { recursive: true, mode: 0o700 });
    this.#isFolderMade = true;
    this.#files += 1;
    const path = join(this.folder, `body-${process.pid}-${this.#files}`);
    return { path, handle: await open(path, "wx", 0o600) };
  }

  async removeFile(path: string): Promise<void> {
    try {
      await unlink(path);
    } catch (error) {
      this.#log.warning("request body file could not be removed", { path, error: String(error) });
    }
  }

  /** What is still in the folder belonged to exchanges that are over. */
  async close(): Promise<void> {
    if (this.#isFolderMade) await rm(this.folder, { recursive: true, force: true });
  }
}
