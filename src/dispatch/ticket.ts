// A request on its way through dispatch: something to give to a worker or to refuse, once.

export type RefusalCause =
  | "queue-full"
  | "queue-timeout"
  | "concurrency-limit"
  | "worker-died"
  | "app-broken"
  | "stopping";

/** What the dispatcher asks of a request. handlers/ implements it. */
export interface Job {
  /** May be run again after a worker died that perhaps ran it: idempotent method, replayable body (RFC 9110 §9.2.2). */
  readonly isReplayable: boolean;
  /**
   * `workerId` runs it: encode and send it now. Called again, with another worker, when it was taken back or its worker
   * died. Must not call the dispatcher.
   */
  sendTo(workerId: number): void;
  /** No worker will run it. Called at most once, and nothing after it. Must not call the dispatcher. */
  refuse(cause: RefusalCause): void;
  /** Its worker does not have to be busy with it: the client does not take what was answered, or its body is not here yet. */
  readonly isHeldByClient: boolean;
  /** Its time limit in place of the dispatcher's, until `Dispatcher.limit` says another: 0 for none, -1 for no own one. */
  readonly limitMs: number;
  /** It ran for too long: whoever waits is answered now. Its worker ends it, or is ended. Must not call the dispatcher. */
  expire(): void;
}

/**
 *      ┌──────────── free slot ───────────┐
 *      │                                  ▼
 *     new ──► waiting ──────────────► running ──► over
 *      │         │  ▲                     │  │      ▲
 *      │         │  └ taken back, retried ┘  └──────┤ finished, died
 *      └─────────┴────────────────────────── refused, cancelled
 */
export type TicketState = "new" | "waiting" | "running" | "over";

/** Made by the job's owner, one per request; its fields belong to the dispatcher, which links tickets without allocating. */
export class Ticket {
  readonly job: Job;
  state: TicketState = "new";
  /** The worker that runs it, or -1. */
  workerId = -1;
  /** How many workers died under it. */
  deaths = 0;
  /** A byte of an answer was seen: never retried. */
  isAnswered = false;
  /** Nobody waits for it any more, but a worker still runs it. */
  isAbandoned = false;
  /** Its worker or its client moved since the time limit looked last (time-limit.ts). */
  hasMoved = true;
  movedAtMs = 0;
  isOverdue = false;
  /** As `Job.limitMs`. */
  limitMs = -1;
  /** Until when it may wait. */
  deadlineMs = 0;
  /** The list it is in: part of the waiting line, or a worker's requests. */
  list: TicketList | undefined = undefined;
  next: Ticket | undefined = undefined;
  previous: Ticket | undefined = undefined;

  constructor(job: Job) {
    this.job = job;
  }
}

/** A list that its tickets carry themselves: no node to allocate, and leaving from the middle costs nothing. */
export class TicketList {
  #first: Ticket | undefined;
  #last: Ticket | undefined;
  #length = 0;

  get first(): Ticket | undefined {
    return this.#first;
  }

  get length(): number {
    return this.#length;
  }

  append(ticket: Ticket): void {
    const last = this.#last;
    ticket.list = this;
    ticket.previous = last;
    ticket.next = undefined;
    if (last === undefined) this.#first = ticket;
    else last.next = ticket;
    this.#last = ticket;
    this.#length += 1;
  }

  prepend(ticket: Ticket): void {
    const first = this.#first;
    ticket.list = this;
    ticket.previous = undefined;
    ticket.next = first;
    if (first === undefined) this.#last = ticket;
    else first.previous = ticket;
    this.#first = ticket;
    this.#length += 1;
  }

  remove(ticket: Ticket): void {
    const { previous, next } = ticket;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    ticket.list = undefined;
    ticket.previous = undefined;
    ticket.next = undefined;
    this.#length -= 1;
  }

  toArray(): Ticket[] {
    const tickets: Ticket[] = [];
    for (let ticket = this.#first; ticket !== undefined; ticket = ticket.next) tickets.push(ticket);
    return tickets;
  }
}
