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
  /** 0: there is no limit. */
  readonly everyMs: number;
  readonly #limitMs: number;
  /** Time in which this process ran: while the whole tree was stopped, or the machine asleep, nobody got late. */
  #awakeMs = 0;
  #lookedAtMs = 0;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    const everyMs = Math.min(EVERY_MS_MAX, Math.max(EVERY_MS_MIN, limitMs / LOOKS_PER_LIMIT));
    this.everyMs = limitMs === 0 ? 0 : everyMs;
  }

  /** To be called every `everyMs` while something runs. Seats with something new to tell. */
  look(seats: Iterable<Seat>, nowMs: number): OverdueSeat[] {
    this.#awakeMs += Math.min(nowMs - this.#lookedAtMs, 2 * this.everyMs);
    this.#lookedAtMs = nowMs;
    const found: OverdueSeat[] = [];
    for (const seat of seats) {
      if (!seat.isTimed || seat.load === 0) continue;
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
    let ticket = seat.tickets.first;
    for (let slot = 0; slot < seat.slots && ticket !== undefined; slot += 1) {
      if (this.#isOverdue(ticket)) {
        if (!ticket.isOverdue) fresh.push(ticket);
        ticket.isOverdue = true;
        tickets.push(ticket);
      } else others += 1;
      ticket = ticket.next;
    }
    const isAlone = others === 0 && seat.othersTold > 0 && tickets.length > 0;
    if (fresh.length === 0 && !isAlone) return undefined;
    seat.othersTold = others;
    return { seat, tickets, fresh, others };
  }

  #isOverdue(ticket: Ticket): boolean {
    if (ticket.isOverdue) return true;
    if (ticket.hasMoved || ticket.job.isHeldByClient) {
      ticket.hasMoved = false;
      ticket.movedAtMs = this.#awakeMs;
    }
    return this.#awakeMs - ticket.movedAtMs >= this.#limitMs;
  }
}
