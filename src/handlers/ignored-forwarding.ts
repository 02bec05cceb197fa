// What a proxy says of its clients and nobody believes: the commonest fault of a new installation, so it is said, with the
// option that would change it; once for each proxy, and for few of them, since whoever likes may send such fields.

import type { Log } from "../log/log.ts";

const PEERS_MAX = 4;

export class IgnoredForwarding {
  readonly #log: Log;
  readonly #told = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** `field`: as it was sent. */
  tell(field: string, address: string): void {
    if (this.#told.size >= PEERS_MAX || this.#told.has(address)) return;
    this.#told.add(address);
    this.#log.warning(
      `${field} from ${address} was ignored; to believe it: --forwarded-allow-ips=${address}`,
    );
  }
}
