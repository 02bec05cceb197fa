// The outgoing bytes of one connection. Small pieces are gathered in a slab that all connections share, so that whatever a
// connection has to say in one tick, head and body and pipelined responses, leaves in one write. Large pieces are not copied.
// Sizes in bytes.
//
// A socket is given a bounded number of bytes at a time, and the next only when the kernel took these: so the progress of a
// slow reader shows in steps of that size, and what waits here can be counted. Steps are larger while the kernel takes all.

import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { Fifo } from "../base/fifo.ts";
import { pieces } from "../base/piece-pool.ts";

const SLAB_BYTES = 65_536;
/** Up to here copying beats a second buffer in the write; at 16 kB the second buffer wins (bench/micro/front.ts). */
const COPY_BYTES_MAX = 4_096;
/** What is written without asking to be told when it left. */
const UNTOLD_BYTES_MAX = 16_384;
const NOTHING = Buffer.alloc(0);
const PIECE_BYTES_MAX = 65_536;
const WRITE_BYTES_FAST = 131_072;
const WRITE_BYTES_SLOW = 65_536;

/** A block of memory that is handed out front to back and never twice. */
export class Slab {
  #buffer: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #used = 0;

  get buffer(): Buffer {
    return this.#buffer;
  }

  get used(): number {
    return this.#used;
  }

  /** Room for `length` bytes, at most COPY_BYTES_MAX: returns where in `buffer` they may be written. */
  take(length: number): number {
    if (this.#used + length > SLAB_BYTES) {
      this.#buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += length;
    return at;
  }
}

export interface OutputOwner {
  /** Some bytes left for the client after a wait. */
  onOutputProgress(): void;
}

export class Output {
  readonly #socket: Duplex;
  readonly #isTls: boolean;
  readonly #slab: Slab;
  readonly #owner: OutputOwner;
  /** The open region: bytes [from, to) of `region`, still growing. */
  #region: Buffer | undefined = undefined;
  #from = 0;
  #to = 0;
  #queue: Fifo<Buffer> | undefined = undefined;
  #queuedBytes = 0;
  /** Given to the socket, and perhaps not taken by the kernel yet. */
  readonly #given: Buffer[] = [];
  #isWaiting = false;
  /** The last write was not taken at once. */
  #isSlow = false;
  #sentBytes = 0;
  #sharedBytes = 0;

  constructor(socket: Duplex, slab: Slab, owner: OutputOwner) {
    this.#socket = socket;
    this.#isTls = (socket as Partial<TLSSocket>).encrypted === true; // true for each of them, absent from all other sockets
    this.#slab = slab;
    this.#owner = owner;
  }

  /** Bytes that the kernel has not taken yet, gathered ones included. */
  get pendingBytes(): number {
    return this.#queuedBytes + this.#to - this.#from + this.#socket.writableLength;
  }

  /** Bytes that wait here, not yet given to the socket. */
  get queuedBytes(): number {
    return this.#queuedBytes + this.#to - this.#from;
  }

  /** The last so many bytes are a cache's: that they wait here costs no memory. */
  share(bytes: number): void {
    this.#sharedBytes = Math.min(this.#sharedBytes, this.pendingBytes - bytes) + bytes;
  }

  /** Of the pending bytes, at most. */
  get sharedBytes(): number {
    return this.#sharedBytes;
  }

  /** Bytes given to the socket so far. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Latin-1 text of any length. */
  text(text: string): void {
    if (text === "") return;
    if (text.length > COPY_BYTES_MAX) {
      this.#append(Buffer.from(text, "latin1"));
      return;
    }
    const at = this.#reserve(text.length);
    this.#slab.buffer.write(text, at, "latin1");
  }

  /** `bytes[from, to)`; large ones must not change later. */
  bytes(bytes: Buffer, from: number, to: number): void {
    const length = to - from;
    if (length === 0) return;
    if (length > COPY_BYTES_MAX) {
      this.#append(bytes.subarray(from, to));
      return;
    }
    const at = this.#reserve(length);
    bytes.copy(this.#slab.buffer, at, from, to);
  }

  /** Gives the socket what it can take now. */
  flush(): void {
    const region = this.#region;
    if (region !== undefined && this.#queuedBytes === 0 && this.#socket.writableLength === 0) {
      const length = this.#to - this.#from;
      if (length <= UNTOLD_BYTES_MAX) {
        this.#region = undefined;
        this.#sentBytes += length;
        const bytes = region.subarray(this.#from, this.#to);
        this.#from = this.#to;
        this.#giveUntold(bytes);
        return;
      }
    }
    this.#closeRegion();
    this.#pump();
  }

  /** TLS takes nothing at once: it tells in the next turn of the loop what the kernel took in this one. */
  #giveUntold(bytes: Buffer): void {
    if (this.#isTls) {
      this.#isWaiting = true;
      this.#socket.write(bytes, this.#onWritten);
      return;
    }
    this.#socket.write(bytes);
    if (this.#socket.writableLength > 0) this.#askToBeTold();
  }

  /** Forgets what was not given to the socket. */
  discard(): void {
    this.#region = undefined;
    this.#from = this.#to;
    this.#queue?.clear();
    this.#queuedBytes = 0;
  }

  #reserve(length: number): number {
    const at = this.#slab.take(length);
    const buffer = this.#slab.buffer;
    if (this.#region === buffer && this.#to === at) {
      this.#to += length;
      return at;
    }
    this.#closeRegion();
    this.#region = buffer;
    this.#from = at;
    this.#to = at + length;
    return at;
  }

  #closeRegion(): void {
    const region = this.#region;
    if (region === undefined) return;
    this.#region = undefined;
    this.#enqueue(region.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }

  #append(piece: Buffer): void {
    this.#closeRegion();
    if (this.#sharedBytes > 0) this.#sharedBytes = Math.min(this.#sharedBytes, this.pendingBytes);
    for (let at = 0; at < piece.length; at += PIECE_BYTES_MAX) {
      this.#enqueue(piece.length <= PIECE_BYTES_MAX ? piece : piece.subarray(at, at + PIECE_BYTES_MAX));
    }
  }

  #enqueue(piece: Buffer): void {
    this.#queue ??= new Fifo();
    this.#queue.push(piece);
    this.#queuedBytes += piece.length;
  }

  /** Writes while the kernel takes everything at once; else waits for the call-back of the last write. */
  #pump(): void {
    const socket = this.#socket;
    while (this.#queuedBytes > 0 && !this.#isWaiting && !socket.destroyed) {
      this.#writeSome();
      this.#isSlow = socket.writableLength > 0;
      this.#isWaiting = this.#isSlow;
      if (!this.#isSlow) this.#giveBack();
    }
  }

  #writeSome(): void {
    const queue = this.#queue as Fifo<Buffer>; // there are queued bytes
    let room = this.#isSlow ? WRITE_BYTES_SLOW : WRITE_BYTES_FAST;
    let piece = queue.shift() as Buffer; // same
    room -= piece.length;
    const isGathered = fits(queue.peek(), room);
    if (isGathered) this.#socket.cork();
    while (fits(queue.peek(), room)) {
      this.#give(piece, undefined);
      piece = queue.shift() as Buffer; // peek saw it
      room -= piece.length;
    }
    this.#isWaiting = true;
    this.#give(piece, this.#onWritten);
    if (isGathered) this.#socket.uncork();
  }

  #give(piece: Buffer, callBack: (() => void) | undefined): void {
    this.#queuedBytes -= piece.length;
    this.#sentBytes += piece.length;
    this.#given.push(piece);
    this.#socket.write(piece, callBack);
  }

  /** The kernel has all that the socket was given: its memory may serve again. */
  #giveBack(): void {
    for (const piece of this.#given) pieces.giveBack(piece);
    this.#given.length = 0;
  }

  /** The kernel did not take a write at once, and nobody would say when: a write of nothing stands in line behind it. */
  #askToBeTold(): void {
    this.#isSlow = true;
    this.#isWaiting = true;
    this.#socket.write(NOTHING, this.#onWritten);
  }

  readonly #onWritten = (): void => {
    if (this.#socket.writableLength > 0) return; // a later write's call-back comes
    this.#isWaiting = false;
    this.#giveBack();
    this.#pump();
    this.#owner.onOutputProgress();
  };
}

function fits(piece: Buffer | undefined, room: number): boolean {
  return piece !== undefined && piece.length <= room;
}
