// How long a worker may have a request: to the first byte of an answer, and then from one sign of life to the next. Looked at
// seldom, so a request costs nothing on its way; what is found is up to one look late. Pure; milliseconds.

import type { Seat } from "./roster.ts";
import type { Ticket } from "./ticket.ts";

const LOOKS_PER_LIMIT = 8;
const EVERY_MS_MIN = 20;
const EVERY_MS_MAX = 1_000;

export interface OverdueSeat {
  readonly seat: Seat;
  /** All of its overdue requests, and those among them that are told of for the first time. */
  readonly tickets: readonly Ticket[];
  readonly fresh: readonly Ticket[];
  /** How many it runs beside them. */
  readonly others: number;
}

export class TimeLimit {
  /** For requests without a limit of their own; 0: none. */
  #limitMs: number;
  #everyMs: number;
  /** The longest that `#everyMs` was since the last look. */
  #longestMs: number;
  /** Time in which this process ran: while the whole tree was stopped, or the machine asleep, nobody got late. */
  #awakeMs = 0;
  #lookedAtMs = 0;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    this.#everyMs = periodOf(limitMs);
    this.#longestMs = this.#everyMs;
  }

  /** For what runs as well, at the next look. */
  configure(limitMs: number): void {
    this.#limitMs = limitMs;
    this.include(limitMs);
  }

  /** 0: no request has a limit. */
  get everyMs(): number {
    return this.#everyMs;
  }

  /** A request with this limit of its own begins, or goes on. */
  include(limitMs: number): void {
    if (limitMs <= 0) return;
    const everyMs = periodOf(limitMs);
    if (this.#everyMs === 0 || everyMs < this.#everyMs) this.#everyMs = everyMs;
    this.#longestMs = Math.max(this.#longestMs, this.#everyMs);
  }

  /** To be called every `everyMs` while something runs. Seats with something new to tell. */
  look(seats: Iterable<Seat>, nowMs: number): OverdueSeat[] {
    this.#awakeMs += Math.min(nowMs - this.#lookedAtMs, 2 * this.#longestMs);
    this.#lookedAtMs = nowMs;
    this.#everyMs = periodOf(this.#limitMs);
    this.#longestMs = this.#everyMs;
    const found: OverdueSeat[] = [];
    for (const seat of seats) {
      if (!seat.isTimed && seat.limited === 0) continue;
      const overdue = this.#lookAt(seat);
      if (overdue !== undefined) found.push(overdue);
    }
    return found;
  }

  /** The first of its requests, as many as it has slots, are those that it runs. */
  #lookAt(seat: Seat): OverdueSeat | undefined {
    const tickets: Ticket[] = [];
    const fresh: Ticket[] = [];
    let others = 0;
    let slot = 0;
    for (let ticket = seat.tickets.first; ticket !== undefined; ticket = ticket.next) {
      slot += 1;
      if (slot > seat.slots && seat.limited === 0) break;
      if (slot > seat.slots) this.include(ticket.limitMs);
      else if (this.#isOverdue(ticket, seat)) {
        if (!ticket.isOverdue) fresh.push(ticket);
        ticket.isOverdue = true;
        tickets.push(ticket);
      } else others += 1;
    }
    const isAlone = seat.isTimed && others === 0 && seat.othersTold > 0 && tickets.length > 0;
    if (fresh.length === 0 && !isAlone) return undefined;
    seat.othersTold = others;
    return { seat, tickets, fresh, others };
  }

  #isOverdue(ticket: Ticket, seat: Seat): boolean {
    if (ticket.isOverdue) return true;
    const limitMs = this.#limitOf(ticket, seat);
    if (limitMs === 0) return false;
    if (ticket.limitMs > 0) this.include(limitMs);
    if (ticket.hasMoved || ticket.job.isHeldByClient) {
      ticket.hasMoved = false;
      ticket.movedAtMs = this.#awakeMs;
    }
    return this.#awakeMs - ticket.movedAtMs >= limitMs;
  }

  #limitOf(ticket: Ticket, seat: Seat): number {
    if (ticket.limitMs >= 0) return ticket.limitMs;
    return seat.isTimed ? this.#limitMs : 0;
  }
}

function periodOf(limitMs: number): number {
  return limitMs === 0 ? 0 : Math.min(EVERY_MS_MAX, Math.max(EVERY_MS_MIN, limitMs / LOOKS_PER_LIMIT));
}
