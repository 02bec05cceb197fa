// Who guesses: clients with many wrong passwords are refused for a while, before a hash is computed for them.

import { parseAddress } from "../../http/address-set.ts";

const FAILURES_MAX = 10;
const WINDOW_MS = 60_000;
/** Clients that are remembered; beyond, the oldest is forgotten. */
const CLIENTS_MAX = 10_000;
/** Of an IPv6 address, the part that one customer gets (RFC 6177). */
const NETWORK_BYTES = 8;

interface Record {
  failures: number;
  readonly sinceMs: number;
}

export class Failures {
  readonly #records = new Map<string, Record>();

  /** Seconds until the client may try again; 0: now. */
  waitSeconds(address: string, nowMs: number): number {
    const record = this.#records.get(clientOf(address));
    if (record === undefined || record.failures < FAILURES_MAX) return 0;
    return Math.max(0, Math.ceil((record.sinceMs + WINDOW_MS - nowMs) / 1000));
  }

  /** True when it was one too many. */
  note(address: string, nowMs: number): boolean {
    const client = clientOf(address);
    const known = this.#records.get(client);
    const isCurrent = known !== undefined && nowMs - known.sinceMs < WINDOW_MS;
    const record = isCurrent ? known : { failures: 0, sinceMs: nowMs };
    record.failures += 1;
    this.#records.delete(client);
    this.#records.set(client, record);
    const [oldest] = this.#records.keys();
    if (this.#records.size > CLIENTS_MAX && oldest !== undefined) this.#records.delete(oldest);
    return record.failures === FAILURES_MAX;
  }
}

function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const bytes = parseAddress(address);
  return bytes === undefined || bytes.length <= NETWORK_BYTES
    ? address
    : bytes.slice(0, NETWORK_BYTES).join(":");
}
