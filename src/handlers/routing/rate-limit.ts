// How often one client may come: a number for each, the moment at which its bucket is full again (the generic cell rate
// algorithm). Who has too many requests hears when the next one is welcome. Pure; milliseconds.

import type { Rate } from "../../config/rate.ts";
import { clientOf } from "../../http/client-of.ts";

/** Clients that are remembered; who came longest ago is forgotten, and has a full bucket again. */
const CLIENTS_MAX = 65_536;

export class RateLimit {
  readonly #stepMs: number;
  readonly #toleranceMs: number;
  /** Who came last comes last. */
  readonly #fullAtMs = new Map<string, number>();

  constructor({ burst, stepMs }: Rate) {
    this.#stepMs = stepMs;
    this.#toleranceMs = (burst - 1) * stepMs;
  }

  /** 0: come in; else how long to wait. A request that is turned away costs nothing. */
  waitMs(address: string, nowMs: number): number {
    const client = clientOf(address);
    const fullAtMs = Math.max(nowMs, this.#fullAtMs.get(client) ?? 0);
    const waitMs = fullAtMs - nowMs - this.#toleranceMs;
    if (waitMs > 0.001) return waitMs; // sums of fractions are not exact
    this.#fullAtMs.delete(client);
    this.#fullAtMs.set(client, fullAtMs + this.#stepMs);
    if (this.#fullAtMs.size > CLIENTS_MAX) this.#forgetOldest();
    return 0;
  }

  #forgetOldest(): void {
    const [oldest] = this.#fullAtMs.keys();
    if (oldest !== undefined) this.#fullAtMs.delete(oldest);
  }
}
