// One request body on its way into a temporary file: writes what has gathered, one write at a time.

import type { FileHandle } from "node:fs/promises";
import type { BodyStore } from "./body-store.ts";

export interface BodyFileEvents {
  /** Some of the pending bytes are in the file. */
  onFileProgress(): void;
  /** `finish` was called and everything is in the file. */
  onFileComplete(): void;
  onFileFailed(reason: string): void;
}

export class BodyFile {
  readonly #store: BodyStore;
  readonly #events: BodyFileEvents;
  #handle: FileHandle | undefined;
  #path = "";
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #isRunning = false;
  #isFinished = false;
  #isDiscarded = false;

  constructor(store: BodyStore, events: BodyFileEvents) {
    this.#store = store;
    this.#events = events;
  }

  get path(): string {
    return this.#path;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  write(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      this.#pending.push(chunk);
      this.#pendingBytes += chunk.length;
    }
    this.#start();
  }

  finish(): void {
    this.#isFinished = true;
    this.#start();
  }

  /** The file goes, at once or when the write under way is back. Harmless when it is gone. */
  discard(): void {
    if (this.#isDiscarded) return;
    this.#isDiscarded = true;
    this.#pending = [];
    this.#start();
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Never rejects: what fails is told. */
  async #run(): Promise<void> {
    try {
      while (this.#pending.length > 0) await this.#writePending();
      if (this.#isFinished || this.#isDiscarded) await this.#close();
    } catch (error) {
      await this.#giveUp(error);
    }
    this.#isRunning = false;
    if (this.#isDiscarded) await this.#remove();
    else if (this.#pending.length > 0) this.#start();
    else if (this.#isFinished) this.#events.onFileComplete();
  }

  async #writePending(): Promise<void> {
    this.#handle ??= await this.#create();
    const chunks = this.#pending;
    this.#pending = [];
    await writeWhole(this.#handle, chunks);
    this.#pendingBytes = this.#pending.reduce((bytes, chunk) => bytes + chunk.length, 0);
    if (!this.#isDiscarded) this.#events.onFileProgress();
  }

  async #create(): Promise<FileHandle> {
    const file = await this.#store.createFile();
    this.#path = file.path;
    return file.handle;
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #giveUp(error: unknown): Promise<void> {
    await this.#close().catch(() => undefined); // the first error is the one that tells
    if (this.#isDiscarded) return;
    this.#isDiscarded = true;
    this.#pending = [];
    this.#events.onFileFailed(String(error));
  }

  async #remove(): Promise<void> {
    const path = this.#path;
    this.#path = "";
    if (path !== "") await this.#store.removeFile(path);
  }
}

/** `writev` may write less than it was given. */
async function writeWhole(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  const total = chunks.reduce((bytes, chunk) => bytes + chunk.length, 0);
  const { bytesWritten } = await handle.writev(chunks);
  if (bytesWritten === total) return;
  let rest = Buffer.concat(chunks).subarray(bytesWritten);
  while (rest.length > 0) rest = rest.subarray((await handle.write(rest)).bytesWritten);
}
