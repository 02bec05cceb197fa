// What one run of one server yields. Latency is microseconds, memory kilobytes.

import type { TreeMemory } from "./process-tree.ts";

export interface Throughput {
  readonly type: "throughput";
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: number;
  /** Of the whole tree: every process that takes part but the load generator. */
  readonly cpuUsPerRequest: number;
  readonly memory: TreeMemory;
}

export interface SlowClients {
  readonly type: "slow-clients";
  readonly calm: NormalRequests;
  readonly beside: NormalRequests;
  /** Slow clients that were connected when the measuring ended. */
  readonly connected: number;
  readonly memory: TreeMemory;
}

/** Normal requests, alone or with slow clients beside them. */
export interface NormalRequests {
  readonly perSecond: number;
  readonly p99Us: number;
  readonly errors: number;
}

export interface OneSlow {
  readonly type: "one-slow";
  readonly requests: number;
  readonly errors: number;
  readonly fastP50Us: number;
  readonly fastP99Us: number;
  readonly fastMaxUs: number;
  /** The longest that a fast request waited while a worker was idle. */
  readonly idleWaitMaxUs: number;
  /** Fast requests that waited so for longer than LATE_US. */
  readonly late: number;
}

export interface Transfer {
  readonly type: "transfer";
  readonly mbPerSecond: number;
  /** Of the whole tree. */
  readonly cpuMsPerMb: number;
  readonly errors: number;
  /** At the end: what the server holds after so many bytes. */
  readonly memory: TreeMemory;
}

export interface IdleSockets {
  readonly type: "idle-web-sockets";
  readonly connected: number;
  /** Refused, or not accepted in time. */
  readonly missing: number;
  /** What each one added. */
  readonly kbEach: number;
  readonly memory: TreeMemory;
}

export type Measurement = Throughput | SlowClients | OneSlow | Transfer | IdleSockets;

/** One row of the results. */
export interface Run {
  readonly scenario: string;
  readonly server: string;
  readonly round: number;
  readonly measurement?: Measurement;
  readonly failure?: string;
}
