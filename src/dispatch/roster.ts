// The workers that this front may use now, ordered so that the least busy one, and among equals the one that rested longest,
// is found without looking at the others.

import { ServiceMeter } from "./policy.ts";
import { type Ticket, TicketList } from "./ticket.ts";

/**
 *   none ──► suspected ──► asked          asked: nothing is sent ahead until the answer
 *    ▲───────────┴───────────┘  progress; the answer
 */
export type TakeBackState = "none" | "suspected" | "asked";

/** One worker as dispatch sees it. */
export class Seat {
  readonly id: number;
  readonly slots: number;
  readonly takesAhead: boolean;
  readonly meter: ServiceMeter = new ServiceMeter();
  /** In the order in which they were sent. */
  readonly tickets: TicketList = new TicketList();
  isDraining = false;
  /** A request of it ran for too long: it is about to be ended. */
  isCondemned = false;
  /** Requests that it may still be given before it wants a successor. */
  givenLeft: number = Number.POSITIVE_INFINITY;
  isDrainReported = false;
  isTimed = true;
  /** Tickets here with a time limit of their own. */
  limited = 0;
  /** Requests that ran beside overdue ones when that was told; -1: none is overdue. */
  othersTold = -1;
  takeBack: TakeBackState = "none";
  suspectedAtMs = 0;
  /** When it last finished something, or was given something while idle. */
  progressAtMs = 0;
  /** Tickets here that another worker died under. Nothing is sent ahead behind them. */
  retried = 0;
  rows: SeatRows | undefined = undefined;
  row = 0;
  next: Seat | undefined = undefined;
  previous: Seat | undefined = undefined;

  constructor(id: number, slots: number, takesAhead: boolean) {
    this.id = id;
    this.slots = slots;
    this.takesAhead = takesAhead;
  }

  get load(): number {
    return this.tickets.length;
  }

  get hasAhead(): boolean {
    return this.tickets.length > this.slots;
  }

  /** How many tickets it may hold now. */
  capacity(aheadMax: number): number {
    if (this.isDraining || this.isCondemned) return 0;
    if (!this.takesAhead || this.takeBack === "asked" || this.retried > 0) return this.slots;
    return Math.max(this.slots, this.meter.fitting(aheadMax));
  }
}

/** Seats by load, each row in the order in which they came. */
export class SeatRows {
  readonly #firsts: (Seat | undefined)[] = [];
  readonly #lasts: (Seat | undefined)[] = [];
  /** No row below it has a seat. */
  #lowest = 0;

  add(seat: Seat): void {
    const row = seat.load;
    const last = this.#lasts[row];
    seat.rows = this;
    seat.row = row;
    seat.previous = last;
    seat.next = undefined;
    if (last === undefined) this.#firsts[row] = seat;
    else last.next = seat;
    this.#lasts[row] = seat;
    if (row < this.#lowest) this.#lowest = row;
  }

  remove(seat: Seat): void {
    const { previous, next, row } = seat;
    if (previous === undefined) this.#firsts[row] = next;
    else previous.next = next;
    if (next === undefined) this.#lasts[row] = previous;
    else next.previous = previous;
    seat.rows = undefined;
    seat.previous = undefined;
    seat.next = undefined;
  }

  /** The least busy seat. A load changes by one at a time, so the search seldom goes further than one row. */
  first(): Seat | undefined {
    const firsts = this.#firsts;
    while (this.#lowest < firsts.length) {
      const seat = firsts[this.#lowest];
      if (seat !== undefined) return seat;
      this.#lowest += 1;
    }
    return undefined;
  }
}

export class Roster {
  aheadMax: number;
  readonly #seats = new Map<number, Seat>();
  /** Seats with a free slot, and seats without one that may get more ahead. The others are in neither. */
  readonly #free = new SeatRows();
  readonly #ahead = new SeatRows();

  constructor(aheadMax: number) {
    this.aheadMax = aheadMax;
  }

  get size(): number {
    return this.#seats.size;
  }

  get seats(): Iterable<Seat> {
    return this.#seats.values();
  }

  get(id: number): Seat | undefined {
    return this.#seats.get(id);
  }

  add(id: number, slots: number, takesAhead: boolean): Seat {
    const seat = new Seat(id, slots, takesAhead);
    this.#seats.set(id, seat);
    this.place(seat);
    return seat;
  }

  remove(seat: Seat): void {
    this.#seats.delete(seat.id);
    seat.rows?.remove(seat);
  }

  /** To be called after each change of a seat: where is it to be found now? */
  place(seat: Seat): void {
    seat.rows?.remove(seat);
    const load = seat.tickets.length;
    if (seat.isDraining || seat.isCondemned) return;
    if (load < seat.slots) this.#free.add(seat);
    else if (load < seat.capacity(this.aheadMax)) this.#ahead.add(seat);
  }

  /** A free slot always wins over sending ahead. */
  pick(mayGoAhead: boolean): Seat | undefined {
    return this.#free.first() ?? (mayGoAhead ? this.#ahead.first() : undefined);
  }

  give(seat: Seat, ticket: Ticket, nowMs: number): void {
    if (seat.tickets.length === 0) seat.progressAtMs = nowMs;
    ticket.state = "running";
    ticket.workerId = seat.id;
    ticket.hasMoved = true;
    ticket.isOverdue = false;
    seat.tickets.append(ticket);
    if (ticket.deaths > 0) seat.retried += 1;
    if (ticket.limitMs > 0) seat.limited += 1;
    this.place(seat);
  }

  /** The ticket is no longer with its worker. Place the seat afterwards. */
  release(seat: Seat, ticket: Ticket): void {
    seat.tickets.remove(ticket);
    if (ticket.deaths > 0) seat.retried -= 1;
    if (ticket.limitMs > 0) seat.limited -= 1;
  }
}
