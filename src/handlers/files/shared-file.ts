// An open file that several responses read from at the same time, each at its own place. Closed when nobody needs it any more.

import { closeDescriptor } from "./descriptor.ts";

export class SharedFile {
  readonly fd: number;
  /** The cache counts as one. */
  #users = 1;
  #isClosed = false;

  constructor(fd: number) {
    this.fd = fd;
  }

  use(): void {
    this.#users += 1;
  }

  /** Whoever has just been given the file may still begin to use it in this turn. */
  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    setImmediate(() => {
      if (this.#users === 0) this.#close();
    });
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeDescriptor(this.fd);
  }
}
