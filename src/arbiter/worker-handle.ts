// A worker as the arbiter sees it: the control connection that the worker made. It can be told things, not signalled;
// only its forkserver, the parent, signals safely.

import type { Hello, WorkerCommand, WorkerReport } from "../control/messages.ts";

export interface WorkerHandle {
  readonly hello: Hello;
  send(command: WorkerCommand): void;
  /** The worker ends by itself when its control connection does. */
  destroy(): void;
}

export interface WorkerSink {
  onHello(worker: WorkerHandle): void;
  onReport(worker: WorkerHandle, report: WorkerReport): void;
  onGone(worker: WorkerHandle, reason: string): void;
}
