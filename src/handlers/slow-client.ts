// Between an answer and its client: passes the body on, and sees when the client reads so slowly that the worker would wait for
// it. Then a file takes the worker's part (response-spill.ts). Made for answers of several frames that may go to disk.

import type { Link } from "../link/link.ts";
import { ResponseSpill, type SpillOwner } from "./response-spill.ts";
import type { SpillStore } from "./spill-store.ts";

/** A client that has not taken half of what memory may hold in so long is slow. */
const SLOW_AFTER_MS = 50;
/** What the worker may send then, beside what the client has not taken. */
const SPILL_WINDOW_BYTES = 262_144;

export class SlowClient {
  readonly #store: SpillStore;
  readonly #owner: SpillOwner;
  readonly #link: Link;
  readonly #stream: number;
  #timer: NodeJS.Timeout | undefined;
  #spill: ResponseSpill | undefined;

  constructor(store: SpillStore, owner: SpillOwner, { link, stream }: { link: Link; stream: number }) {
    this.#store = store;
    this.#owner = owner;
    this.#link = link;
    this.#stream = stream;
  }

  write(bytes: Uint8Array): void {
    if (this.#spill !== undefined) {
      this.#spill.write(bytes);
      return;
    }
    if (bytes.length > 0) this.#owner.onSpillPiece(bytes);
    if (this.#timer === undefined && this.#slowBytes() > 0) {
      this.#timer = setTimeout(() => this.#judge(), SLOW_AFTER_MS);
    }
  }

  end(trailers: Uint8Array | undefined): void {
    clearTimeout(this.#timer);
    if (this.#spill === undefined) this.#owner.onSpillEnd(trailers);
    else this.#spill.end(trailers);
  }

  /** The client took so much. */
  drained(bytes: number): void {
    if (this.#spill === undefined) this.#owner.onSpillTaken(bytes);
    else this.#spill.drained(bytes);
  }

  /** Nothing more is for the client. Harmless when repeated. */
  discard(): void {
    clearTimeout(this.#timer);
    this.#spill?.discard();
  }

  #judge(): void {
    this.#timer = undefined;
    const bytes = this.#slowBytes();
    if (bytes === 0) return;
    this.#spill = new ResponseSpill(this.#store, this.#owner, bytes);
    this.#owner.onSpillTaken(SPILL_WINDOW_BYTES);
  }

  /** What the client has not taken, if that is much. */
  #slowBytes(): number {
    return this.#link.lateBytes(this.#stream);
  }
}
