// Gives each request to a worker, lets it wait, or refuses it. Pure: no sockets, no clock; times come as arguments, in
// milliseconds of one monotonic clock. All of the hot path is O(1) in workers and requests.

import { assert } from "../base/assert.ts";
import { type AfterDeath, afterDeath, mayGoAhead } from "./retry.ts";
import { Roster, type Seat } from "./roster.ts";
import type { RefusalCause, Ticket } from "./ticket.ts";
import { type OverdueSeat, TimeLimit } from "./time-limit.ts";
import { WaitingLine, type WaitingLineLimits } from "./waiting-line.ts";

export interface DispatcherOptions extends WaitingLineLimits {
  /** Requests that may be with one worker beyond its slots' number: 1 sends none ahead. */
  readonly requestsAheadMax: number;
  /** Requests that may run and wait, for each worker; 0 or absent: no such limit. */
  readonly limitConcurrency?: number;
  /** How long a worker may have a request to the first byte of an answer, and then from one to the next; 0 or absent: no limit. */
  readonly timeoutMs?: number;
}

/** What the dispatcher wants done besides `Job`'s verbs. Must not call the dispatcher. */
export interface DispatchEffects {
  /** Ask the worker for what it has not started; answer by `takenBack`. */
  takeBack(workerId: number): void;
  /** The worker was given as many requests as it shall have; it takes more until it drains. Once. */
  worn(workerId: number): void;
  /** Requests of the worker ran for too long, and it gets nothing more. Again when all `others` that it ran are over. */
  overdue(workerId: number, tickets: readonly Ticket[], others: number): void;
  /** These ran longer than limits of their own, and were ended; their worker goes on. */
  expired(workerId: number, tickets: readonly Ticket[]): void;
  /** The worker was told to drain and holds nothing more. Once. */
  drained(workerId: number): void;
}

export interface AddOptions {
  /** False: it never holds more than its slots' number. */
  readonly takesAhead?: boolean;
  /** False: `timeoutMs` is not for its requests, and one whose own limit is over ends alone: the worker goes on. */
  readonly isTimed?: boolean;
  /** It is worn when it was given so many. */
  readonly requestsMax?: number;
}

/** A ticket that was with a worker that died. */
export interface Bereaved {
  readonly ticket: Ticket;
  /** It had a slot; else it was sent ahead and has begun only if those before it were done. */
  readonly hadSlot: boolean;
  readonly outcome: AfterDeath;
}

/** The greatest in-flight number that sending ahead may lead to. */
export const REQUESTS_AHEAD_MAX = 64;
/** A worker with requests ahead that shows no progress for so long, and its mean service time more, has turned slow. */
const TAKE_BACK_AFTER_MS = 2;
/** Two ticks closer than this belong to one turn of the event loop. */
const SUSPICION_MS = 1;

export class Dispatcher {
  readonly #line: WaitingLine;
  readonly #roster: Roster;
  readonly #effects: DispatchEffects;
  #limitConcurrency: number;
  readonly #timeLimit: TimeLimit;
  #running = 0;
  #seatsWithAhead = 0;
  /** Why everything that waits or comes is refused; undefined mostly. */
  #closedFor: "app-broken" | "stopping" | undefined;

  constructor(options: DispatcherOptions, effects: DispatchEffects) {
    this.#line = new WaitingLine(options);
    this.#roster = new Roster(Math.min(options.requestsAheadMax, REQUESTS_AHEAD_MAX));
    this.#effects = effects;
    this.#limitConcurrency = options.limitConcurrency ?? 0;
    this.#timeLimit = new TimeLimit(options.timeoutMs ?? 0);
  }

  /** From now on; what waits is given as much more time, or less, as the limits differ. */
  configure(options: DispatcherOptions): void {
    this.#line.configure(options);
    this.#roster.aheadMax = Math.min(options.requestsAheadMax, REQUESTS_AHEAD_MAX);
    this.#limitConcurrency = options.limitConcurrency ?? 0;
    this.#timeLimit.configure(options.timeoutMs ?? 0);
  }

  get workers(): number {
    return this.#roster.size;
  }

  get waiting(): number {
    return this.#line.length;
  }

  waitedMs(nowMs: number): number {
    return this.#line.waitedMs(nowMs);
  }

  get running(): number {
    return this.#running;
  }

  /** Some worker has requests ahead: `tick` is wanted every two milliseconds or so. */
  get hasAhead(): boolean {
    return this.#seatsWithAhead > 0;
  }

  addWorker(id: number, slots: number, nowMs: number, options: AddOptions = {}): void {
    const { takesAhead = true, isTimed = true, requestsMax = Number.POSITIVE_INFINITY } = options;
    assert(this.#roster.get(id) === undefined, "a worker joins once");
    const seat = this.#roster.add(id, slots, takesAhead);
    seat.isTimed = isTimed;
    seat.givenLeft = requestsMax;
    this.#pump(nowMs);
  }

  /** Gives it nothing more. `drained` follows, perhaps at once. */
  drainWorker(id: number): void {
    const seat = this.#roster.get(id);
    if (seat === undefined || seat.isDraining) return;
    seat.isDraining = true;
    this.#roster.place(seat);
    this.#reportDrained(seat);
  }

  /** The worker is gone. Its tickets go to others or are refused; all of them are told. */
  removeWorker(id: number, nowMs: number): Bereaved[] {
    const seat = this.#roster.get(id);
    if (seat === undefined) return [];
    const bereaved = seat.tickets.toArray().map((ticket, index) => {
      const outcome = this.#bereave(seat, ticket);
      return { ticket, hadSlot: index < seat.slots, outcome };
    });
    this.#roster.remove(seat);
    const retried = bereaved.filter(({ outcome }) => outcome === "retry").map(({ ticket }) => ticket);
    this.#takeIn(retried, nowMs);
    return bereaved;
  }

  #bereave(seat: Seat, ticket: Ticket): AfterDeath {
    this.#release(seat, ticket);
    ticket.limitMs = ticket.job.limitMs;
    ticket.deaths += 1;
    const outcome = afterDeath(ticket);
    if (outcome !== "retry") ticket.state = "over";
    if (outcome === "refuse") ticket.job.refuse("worker-died");
    return outcome;
  }

  submit(ticket: Ticket, nowMs: number): void {
    assert(ticket.state === "new", "a ticket is submitted once");
    ticket.limitMs = ticket.job.limitMs;
    const seat = this.#line.length === 0 ? this.#roster.pick(mayGoAhead(ticket)) : undefined;
    if (this.#closedFor !== undefined) this.#refuse(ticket, this.#closedFor);
    else if (this.#isAtLimit()) this.#refuse(ticket, "concurrency-limit");
    else if (seat !== undefined) this.#give(seat, ticket, nowMs);
    else if (!this.#line.join(ticket, nowMs)) this.#refuse(ticket, "queue-full");
  }

  /** Counted as for one worker while none is there. */
  #isAtLimit(): boolean {
    const limit = this.#limitConcurrency * Math.max(1, this.#roster.size);
    return limit > 0 && this.#running + this.#line.length >= limit;
  }

  /** A byte of its answer arrived: it will not be given to another worker. */
  answered(ticket: Ticket): void {
    ticket.isAnswered = true;
  }

  /** Its worker is done with it. `elapsedMicros` were spent in the app, as far as known. */
  finished(ticket: Ticket, elapsedMicros: number, nowMs: number): void {
    const seat = this.#seatOf(ticket);
    this.#release(seat, ticket);
    ticket.state = "over";
    seat.progressAtMs = nowMs;
    if (seat.takeBack === "suspected") seat.takeBack = "none";
    seat.meter.record(elapsedMicros);
    this.#roster.place(seat);
    this.#pump(nowMs);
    if (seat.isDraining) this.#reportDrained(seat);
  }

  /** Nobody waits for it any more. A waiting one is over now; of a running one the slot is free only when its worker ends it. */
  cancel(ticket: Ticket): void {
    ticket.isAbandoned = true;
    if (ticket.state === "running") return;
    this.#line.leave(ticket);
    ticket.state = "over";
  }

  /** The worker's answer to `takeBack`: it has not started these and will not. */
  takenBack(workerId: number, tickets: readonly Ticket[], nowMs: number): void {
    const seat = this.#roster.get(workerId);
    if (seat === undefined) return;
    seat.takeBack = "none";
    seat.meter.distrust();
    for (const ticket of tickets) this.#release(seat, ticket);
    this.#roster.place(seat);
    for (const ticket of tickets) if (ticket.isAbandoned) ticket.state = "over";
    this.#takeIn(
      tickets.filter((ticket) => !ticket.isAbandoned),
      nowMs,
    );
    if (seat.isDraining) this.#reportDrained(seat);
  }

  /** Refuses what has waited too long, and asks slow workers for what they have not started. */
  tick(nowMs: number): void {
    for (const ticket of this.#line.takeExpired(nowMs)) this.#refuse(ticket, "queue-timeout");
    if (this.#seatsWithAhead === 0) return;
    for (const seat of this.#roster.seats) if (seat.hasAhead) this.#watch(seat, nowMs);
  }

  /** Asks only when two ticks, with a turn between them, find no progress: after a stall of our own, answers may lie unread. */
  #watch(seat: Seat, nowMs: number): void {
    const dueMs = seat.progressAtMs + TAKE_BACK_AFTER_MS + seat.meter.meanMicros / 1000;
    if (seat.takeBack === "asked" || nowMs <= dueMs) return;
    if (seat.takeBack === "none") {
      seat.takeBack = "suspected";
      seat.suspectedAtMs = nowMs;
    } else if (nowMs >= seat.suspectedAtMs + SUSPICION_MS) {
      seat.takeBack = "asked";
      this.#roster.place(seat);
      this.#effects.takeBack(seat.id);
    }
  }

  /** How often `look` is wanted while something runs; 0: never. More often while some request has a shorter limit of its own. */
  get lookEveryMs(): number {
    return this.#timeLimit.everyMs;
  }

  /** Finds what ran for too long. */
  look(nowMs: number): void {
    for (const found of this.#timeLimit.look(this.#roster.seats, nowMs)) {
      for (const ticket of found.fresh) ticket.job.expire();
      if (found.seat.isTimed) this.#condemn(found);
      else this.#effects.expired(found.seat.id, found.fresh);
    }
  }

  #condemn({ seat, tickets, others }: OverdueSeat): void {
    seat.isCondemned = true;
    this.#roster.place(seat);
    if (seat.hasAhead && seat.takeBack !== "asked") {
      seat.takeBack = "asked";
      this.#effects.takeBack(seat.id);
    }
    this.#effects.overdue(seat.id, tickets, others);
  }

  /** From now on the ticket has a time limit of its own, as `Job.limitMs` says them; it counts as a sign of life. */
  limit(ticket: Ticket, limitMs: number): void {
    const seat = ticket.state === "running" ? this.#seatOf(ticket) : undefined;
    if (seat !== undefined) seat.limited += Number(limitMs > 0) - Number(ticket.limitMs > 0);
    ticket.limitMs = limitMs;
    ticket.hasMoved = true;
    if (seat !== undefined) this.#timeLimit.include(limitMs);
  }

  /** The worker is stuck, whichever of its requests is to blame: none of them is given to another one. */
  expireWorker(id: number): void {
    for (const { job } of this.#roster.get(id)?.tickets.toArray() ?? []) job.expire();
  }

  /** From now on everything that waits or comes is refused; what runs goes on. */
  stop(): void {
    this.#close("stopping");
  }

  /** As `stop`, until `mended`: no worker will come before the application was changed. */
  broken(): void {
    if (this.#closedFor === undefined) this.#close("app-broken");
  }

  mended(): void {
    if (this.#closedFor === "app-broken") this.#closedFor = undefined;
  }

  #close(cause: "app-broken" | "stopping"): void {
    this.#closedFor = cause;
    for (const ticket of this.#line.takeAll()) this.#refuse(ticket, cause);
  }

  #takeIn(tickets: readonly Ticket[], nowMs: number): void {
    const cause = this.#closedFor;
    if (cause === undefined) this.#line.rejoin(tickets, nowMs);
    else for (const ticket of tickets) this.#refuse(ticket, cause);
    this.#pump(nowMs);
  }

  #pump(nowMs: number): void {
    for (let ticket = this.#line.head; ticket !== undefined; ticket = this.#line.head) {
      const seat = this.#roster.pick(mayGoAhead(ticket));
      if (seat === undefined) return;
      this.#line.leave(ticket);
      this.#give(seat, ticket, nowMs);
    }
  }

  #give(seat: Seat, ticket: Ticket, nowMs: number): void {
    const hadAhead = seat.hasAhead;
    this.#roster.give(seat, ticket, nowMs);
    if (!hadAhead && seat.hasAhead) this.#seatsWithAhead += 1;
    this.#running += 1;
    if (ticket.limitMs > 0) this.#timeLimit.include(ticket.limitMs);
    seat.givenLeft -= 1;
    if (seat.givenLeft === 0) this.#effects.worn(seat.id);
    ticket.job.sendTo(seat.id);
  }

  #release(seat: Seat, ticket: Ticket): void {
    const hadAhead = seat.hasAhead;
    this.#roster.release(seat, ticket);
    if (hadAhead && !seat.hasAhead) this.#seatsWithAhead -= 1;
    this.#running -= 1;
  }

  #seatOf(ticket: Ticket): Seat {
    assert(ticket.state === "running", "the ticket is with a worker");
    const seat = this.#roster.get(ticket.workerId);
    assert(seat !== undefined, "a running ticket's worker is in the roster");
    return seat;
  }

  #refuse(ticket: Ticket, cause: RefusalCause): void {
    ticket.state = "over";
    ticket.job.refuse(cause);
  }

  #reportDrained(seat: Seat): void {
    if (seat.load > 0 || seat.isDrainReported) return;
    seat.isDrainReported = true;
    this.#effects.drained(seat.id);
  }
}
