// What the client may send on all streams together (RFC 9113 §6.9), and when it is told that it may send more. Bytes.

export class ReceiveWindow {
  readonly bytesMax: number;
  #left: number;
  #unreturned = 0;

  constructor(bytesMax: number) {
    this.bytesMax = Math.min(bytesMax, 0x7fff_ffff);
    this.#left = this.bytesMax;
  }

  /** False: the client sent more than it may. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /** So many bytes were used up. How much to tell the client now; 0 for nothing. */
  giveBack(bytes: number): number {
    this.#unreturned += bytes;
    if (this.#unreturned < this.bytesMax / 2) return 0;
    const update = this.#unreturned;
    this.#left += update;
    this.#unreturned = 0;
    return update;
  }
}
