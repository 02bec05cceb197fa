// Peers that may not speak on a listener, told of once in a while each: a scan must not fill the log. Milliseconds.

import type { Clock } from "../base/ports.ts";
import type { Log } from "../log/log.ts";

const PERIOD_MS = 600_000;
/** Beyond it nobody new is told of until the period is over. */
const PEERS_MAX = 100;

export class StrangerLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #told = new Set<string>();
  #since = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** `option` would let `address` in. */
  refused(address: string, what: { readonly protocol: string; readonly option: string }): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#since >= PERIOD_MS) {
      this.#told.clear();
      this.#since = nowMs;
    }
    if (this.#told.has(address) || this.#told.size >= PEERS_MAX) return;
    this.#told.add(address);
    this.#log.warning(`closed a connection of a peer that may not speak ${what.protocol} here`, {
      peer: address,
      toAllow: `${what.option}=${address}`,
    });
  }
}
