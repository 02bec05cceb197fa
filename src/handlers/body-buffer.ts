// The request body of a WSGI request: collected whole before a worker is bothered, so that a slow client never holds one.
// In memory first; a long one goes to a file, which the worker opens itself.

import type { BodySink, RequestBody } from "../http/exchange.ts";
import { BodyFile, type BodyFileEvents } from "./body-file.ts";
import { BodyReplay } from "./body-replay.ts";
import type { BodyStore } from "./body-store.ts";

export interface BodyOwner {
  /** The body is complete and may be sent, again and again. */
  onBodyReady(): void;
  /** The body will not come: the client left or broke the protocol; the front deals with it. */
  onBodyAborted(): void;
  /** It cannot be kept. */
  onBodyFailed(reason: string): void;
}

/** What a link offers to a body. */
export interface BodyTarget {
  body(stream: number, bytes: Uint8Array, isEnd: boolean): void;
  bodyFile(stream: number, path: string): void;
}

/**
 *   memory ──► file ──► ready ──► released
 *      └─────────┴────────┴──────────▲   released at any time: aborted, failed, exchange over
 */
type BodyState = "memory" | "file" | "ready" | "released";

/** Chunks below it are copied together: a client that sends single bytes must not cost an object for each. */
const CHUNK_BYTES_MIN = 2_048;
const TAIL_BYTES = 8_192;
/** What may wait for the disk before the client is asked to wait too. */
const PENDING_BYTES_MAX = 262_144;

export class BodyBuffer implements BodySink, BodyFileEvents {
  readonly #store: BodyStore;
  readonly #source: RequestBody;
  readonly #expected: number;
  readonly #owner: BodyOwner;
  #state: BodyState = "memory";
  #chunks: Uint8Array[] = [];
  /** The last of `#chunks` when it has room: `#tail[0, #tailUsed)` is filled. */
  #tail: Buffer | undefined;
  #tailUsed = 0;
  #length = 0;
  /** Taken from the store's memory. */
  #held = 0;
  #file: BodyFile | undefined;
  #isPaused = false;

  /** `expected` is the announced length, -1 when there is none. */
  constructor(store: BodyStore, source: RequestBody, options: { expected: number; owner: BodyOwner }) {
    this.#store = store;
    this.#source = source;
    this.#expected = options.expected;
    this.#owner = options.owner;
  }

  get length(): number {
    return this.#length;
  }

  /** Sends the body of a request whose head announced one. */
  sendTo(target: BodyTarget, stream: number): void {
    if (this.#file !== undefined) {
      target.bodyFile(stream, this.#file.path);
      return;
    }
    const last = this.#chunks.length - 1;
    for (let i = 0; i <= last; i += 1) target.body(stream, this.#chunks[i] as Uint8Array, i === last); // i is in range
  }

  /** The collected body as if the client sent it again. */
  replay(): RequestBody {
    return new BodyReplay(this.#chunks, this.#file?.path ?? "");
  }

  /** Lets go of memory and file. Harmless when done before. */
  release(): void {
    this.#state = "released";
    this.#forgetMemory();
    this.#file?.discard();
  }

  #forgetMemory(): void {
    this.#chunks = [];
    this.#tail = undefined;
    this.#store.giveBack(this.#held);
    this.#held = 0;
  }

  chunk(bytes: Uint8Array): void {
    if (this.#state === "released" || bytes.length === 0) return;
    this.#length += bytes.length;
    if (this.#state === "memory" && this.#takeMemory(bytes.length)) this.#append(bytes);
    else if (this.#store.hasFolder) this.#writeToFile(bytes);
    else this.#fail("no memory is left for request bodies: make a temporary folder writable for them");
  }

  #takeMemory(bytes: number): boolean {
    const isShort = this.#length <= this.#store.memoryBytesMax;
    if (this.#store.hasFolder && !isShort) return false;
    if (!this.#store.take(bytes)) return false;
    this.#held += bytes;
    return true;
  }

  #append(bytes: Uint8Array): void {
    if (bytes.length >= CHUNK_BYTES_MIN || bytes.length === this.#expected) {
      this.#closeTail();
      this.#chunks.push(bytes);
      return;
    }
    if (this.#tail === undefined || this.#tailUsed + bytes.length > this.#tail.length) {
      this.#closeTail();
      this.#tail = Buffer.allocUnsafeSlow(TAIL_BYTES);
      this.#chunks.push(this.#tail);
    }
    this.#tail.set(bytes, this.#tailUsed);
    this.#tailUsed += bytes.length;
  }

  #closeTail(): void {
    if (this.#tail === undefined) return;
    this.#chunks[this.#chunks.length - 1] = this.#tail.subarray(0, this.#tailUsed);
    this.#tail = undefined;
    this.#tailUsed = 0;
  }

  #writeToFile(bytes: Uint8Array): void {
    if (this.#file === undefined) {
      this.#state = "file";
      this.#closeTail();
      this.#file = new BodyFile(this.#store, this);
      this.#file.write(this.#chunks);
      this.#forgetMemory();
    }
    this.#file.write([bytes]);
    if (this.#isPaused || this.#file.pendingBytes <= PENDING_BYTES_MAX) return;
    this.#isPaused = true;
    this.#source.pause();
  }

  end(): void {
    if (this.#state === "released") return;
    this.#closeTail();
    if (this.#file !== undefined) this.#file.finish();
    else this.#becomeReady();
  }

  abort(): void {
    if (this.#state === "released") return;
    this.release();
    this.#owner.onBodyAborted();
  }

  onFileProgress(): void {
    if (!this.#isPaused || (this.#file?.pendingBytes ?? 0) > 0) return;
    this.#isPaused = false;
    this.#source.resume();
  }

  onFileComplete(): void {
    if (this.#state === "file") this.#becomeReady();
  }

  onFileFailed(reason: string): void {
    if (this.#state !== "released")
      this.#fail(`a request body could not be written to ${this.#store.folder}: ${reason}`);
  }

  #becomeReady(): void {
    this.#state = "ready";
    this.#owner.onBodyReady();
  }

  #fail(reason: string): void {
    this.release();
    this.#owner.onBodyFailed(reason);
  }
}
