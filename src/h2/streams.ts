// The streams of a connection: open ones, and what became of the last that were closed, since frames for them may still be under way.

import { IdMap } from "../base/id-map.ts";
import type { H2Stream } from "./stream.ts";

/** `ours`: we reset it, so its frames are ignored; `theirs`: the client did; `ended`: both sides were complete. */
export type Ending = "ours" | "theirs" | "ended";

/** How many closed streams are remembered. */
const ENDINGS_MAX = 256;

export class Streams {
  /** RFC 9113 §6.8: what GOAWAY promised; it may promise less later, never more. */
  #promisedId = Number.POSITIVE_INFINITY;

  readonly open: IdMap<H2Stream> = new IdMap();
  /** The highest number that the client has used. */
  lastId = 0;
  readonly #ids: number[] = new Array<number>(ENDINGS_MAX).fill(0);
  readonly #endings: Ending[] = new Array<Ending>(ENDINGS_MAX).fill("ended");
  #next = 0;

  add(stream: H2Stream): void {
    this.open.set(stream.id, stream);
    this.lastId = stream.id;
  }

  close(stream: H2Stream, ending: Ending): void {
    stream.isClosed = true;
    this.open.delete(stream.id);
    this.note(stream.id, ending);
  }

  note(id: number, ending: Ending): void {
    this.#ids[this.#next] = id;
    this.#endings[this.#next] = ending;
    this.#next = (this.#next + 1) % ENDINGS_MAX;
  }

  /** The newest that is known; undefined: it was never opened, or long ago. */
  endingOf(id: number): Ending | undefined {
    const at = this.#ids.lastIndexOf(id);
    return at < 0 ? undefined : this.#endings[at];
  }

  /** For GOAWAY: the last number that may have been acted upon. */
  promise(): number {
    this.#promisedId = Math.min(this.#promisedId, this.lastId);
    return this.#promisedId;
  }

  /** RFC 9113 §5.1.1: clients use odd numbers, in order. */
  isNew(id: number): boolean {
    return id > this.lastId && id % 2 === 1;
  }

  /** Nobody has opened it: no frame but HEADERS may come for it. */
  isIdle(id: number): boolean {
    return id > this.lastId || id % 2 === 0;
  }
}
