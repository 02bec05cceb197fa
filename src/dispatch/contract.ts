// CONTRACT of dispatch/ and link/ as handlers/app.ts uses them.

/** What the dispatcher needs to know of a request. handlers/ implements it. */
export interface Dispatchable {
  /** May be run again on another worker after the first died while it ran it (idempotent method, body replayable). */
  readonly isReplayable: boolean;
  /** Given to `workerId`: encode and send it. */
  sendTo(workerId: number): void;
  /** No worker will run it: queue full, waited too long, or its worker died. */
  refuse(cause: "queue-full" | "queue-timeout" | "worker-died" | "stopping"): void;
}
