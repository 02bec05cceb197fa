// What clients make a front hold in memory, of all connections together: responses that they have not taken, heads and messages
// that they have begun and not ended. Each of these has a limit of its own; this is the one for their sum. When it is passed, the
// client that has moved nothing for longest is given up. Bytes, milliseconds.

import type { Clock } from "../base/ports.ts";
import type { Log } from "../log/log.ts";
import type { FrontCounters } from "./counters.ts";

export interface MemoryHolder {
  /** Memory is short, and no other client has moved nothing for longer. It held so much. */
  onMemoryShort(bytes: number): void;
}

export interface HeldMemoryOptions {
  readonly bytesMax: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: FrontCounters;
}

/** What a connection may hold without being counted: most never hold more. */
export const UNCOUNTED_BYTES = 16_384;
/** It is told of once in this time. */
const LINE_MS = 60_000;

export class HeldMemory {
  bytesMax: number;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #counters: FrontCounters;
  /** Who moved last comes last. */
  readonly #holders = new Map<MemoryHolder, number>();
  #bytes = 0;
  #isReclaiming = false;
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor({ bytesMax, clock, log, counters }: HeldMemoryOptions) {
    this.bytesMax = bytesMax;
    this.#clock = clock;
    this.#log = log;
    this.#counters = counters;
  }

  /** More than half is used: who can wait should not ask for more. */
  get isTight(): boolean {
    return this.#bytes * 2 > this.bytesMax;
  }

  /** `holder` holds so much now; 0: it is forgotten. */
  hold(holder: MemoryHolder, bytes: number): void {
    this.#bytes += bytes - (this.#holders.get(holder) ?? 0);
    this.#counters.clientMemoryBytes = this.#bytes;
    if (bytes > 0) this.#holders.set(holder, bytes);
    else this.#holders.delete(holder);
    if (this.#bytes > this.bytesMax && !this.#isReclaiming) this.#reclaimSoon();
  }

  /** It holds so much now, and its client is alive: others are given up before it. */
  moved(holder: MemoryHolder, bytes: number): void {
    this.hold(holder, 0);
    this.hold(holder, bytes);
  }

  /** Not while a connection is at work: it may be the one to go. */
  #reclaimSoon(): void {
    this.#isReclaiming = true;
    this.#clock.after(0, () => {
      this.#reclaim();
      this.#isReclaiming = false;
    });
  }

  #reclaim(): void {
    if (this.#bytes > this.bytesMax) this.#say();
    for (const [holder, bytes] of this.#holders) {
      if (this.#bytes <= this.bytesMax) return;
      this.hold(holder, 0);
      this.#counters.memoryCuts++;
      holder.onMemoryShort(bytes);
    }
  }

  #say(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#saidAtMs + LINE_MS) return;
    this.#saidAtMs = nowMs;
    this.#log.warning(
      "clients leave too much in memory: those that have moved nothing for longest are cut off",
      {
        bytes: this.#bytes,
        clientMemory: this.bytesMax,
        clients: this.#holders.size,
        advice: "see --client-memory",
      },
    );
  }
}
