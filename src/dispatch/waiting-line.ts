// The one line of requests that no worker is free for: first come, first served, bounded, with a deadline for each.
// Times are milliseconds of whatever clock the caller has.

import { type Ticket, TicketList } from "./ticket.ts";

export interface WaitingLineLimits {
  readonly queueMax: number;
  readonly queueTimeoutMs: number;
}

export class WaitingLine {
  #limits: WaitingLineLimits;
  /** Those that a worker gave back or died under: they stand before all others, in the order in which they first came. */
  readonly #returned = new TicketList();
  readonly #fresh = new TicketList();

  constructor(limits: WaitingLineLimits) {
    this.#limits = limits;
  }

  /** What waits keeps its order, and its time: later ones have later deadlines. */
  configure(limits: WaitingLineLimits): void {
    const moreMs = limits.queueTimeoutMs - this.#limits.queueTimeoutMs;
    this.#limits = limits;
    for (const ticket of [...this.#returned.toArray(), ...this.#fresh.toArray()]) ticket.deadlineMs += moreMs;
  }

  get length(): number {
    return this.#returned.length + this.#fresh.length;
  }

  get head(): Ticket | undefined {
    return this.#returned.first ?? this.#fresh.first;
  }

  /** How long the first has waited since it came, or came back; 0 when nobody waits. */
  waitedMs(nowMs: number): number {
    const first = this.head;
    return first === undefined ? 0 : nowMs - (first.deadlineMs - this.#limits.queueTimeoutMs);
  }

  /** False when the line is full. */
  join(ticket: Ticket, nowMs: number): boolean {
    if (this.length >= this.#limits.queueMax) return false;
    this.#admit(ticket, nowMs);
    this.#fresh.append(ticket);
    return true;
  }

  /** They were admitted before, so the bound is not asked again; a new deadline, since the old one may be long past. */
  rejoin(tickets: readonly Ticket[], nowMs: number): void {
    for (const ticket of tickets.toReversed()) {
      this.#admit(ticket, nowMs);
      this.#returned.prepend(ticket);
    }
  }

  #admit(ticket: Ticket, nowMs: number): void {
    ticket.state = "waiting";
    ticket.workerId = -1;
    ticket.deadlineMs = nowMs + this.#limits.queueTimeoutMs;
  }

  leave(ticket: Ticket): void {
    ticket.list?.remove(ticket);
  }

  /** Removes the tickets that have waited too long and returns them. */
  takeExpired(nowMs: number): Ticket[] {
    const expired = this.#returned.toArray().filter((ticket) => ticket.deadlineMs <= nowMs);
    for (let ticket = this.#fresh.first; ticket !== undefined; ticket = ticket.next) {
      if (ticket.deadlineMs > nowMs) break; // later ones have later deadlines
      expired.push(ticket);
    }
    for (const ticket of expired) this.leave(ticket);
    return expired;
  }

  takeAll(): Ticket[] {
    const all = [...this.#returned.toArray(), ...this.#fresh.toArray()];
    for (const ticket of all) this.leave(ticket);
    return all;
  }
}
