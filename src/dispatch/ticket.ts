// A request on its way through dispatch: something to give to a worker or to refuse, once.

export type RefusalCause = "queue-full" | "queue-timeout" | "worker-died" | "stopping";

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
}

/**
 *   new ──► waiting ──► running ──► over
 *    │         ▲           │ ▲        ▲
 *    │         └─ returned ┘ │        │
 *    └─────────────────────► ┘        │   refused, cancelled while waiting
 *              └──────────────────────┘
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
  deadlineMs = 0;
  next: Ticket | undefined = undefined;
  previous: Ticket | undefined = undefined;
  /** It waits among those that came back from a worker. */
  isReturned = false;

  constructor(job: Job) {
    this.job = job;
  }
}
