// What the app handler needs from whoever composes the front, and what it tells in return.

import type { Config } from "../config/config.ts";
import type { Handler } from "../http/exchange.ts";
import type { AttachedWorker } from "../link/attached-worker.ts";
import type { Log } from "../log/log.ts";
import type { Breakage, Development } from "./development.ts";
import type { AppFiles } from "./files/app-files.ts";

/** The settings that the app handler reads. */
export type AppConfig = Pick<
  Config,
  | "bodyMemoryBytes"
  | "queueMax"
  | "queueTimeoutMs"
  | "requestsAheadMax"
  | "limitConcurrency"
  | "timeoutMs"
  | "maxRequests"
  | "maxRequestsJitter"
  | "interface"
  | "workerClass"
  | "rootPath"
  | "streamGraceMs"
  | "gracefulTimeoutMs"
  | "responseBufferBytes"
  | "responseSpillBytes"
  | "responseSpillTotalBytes"
  | "wsMaxQueue"
  | "proxyHeaders"
  | "forwardedAllowIps"
  | "forwardedUntrusted"
  | "secureSchemeHeaders"
  | "forwarderHeaders"
  | "headerMap"
  | "scriptName"
>;

export interface AppHandlerOptions {
  readonly config: AppConfig;
  readonly log: Log;
  /** Monotonic milliseconds with a fraction (`performance.now`). */
  readonly nowMs: () => number;
  /** A folder for what is too much for memory, of requests and responses; "" when no folder is writable. */
  readonly bodyFolder: string;
  /** Clients hold so much of the front's memory that responses should come in smaller steps. */
  readonly isMemoryTight: () => boolean;
  readonly events: AppHandlerEvents;
  /** Sends the files that the application names; undefined: its X-Sendfile and X-Accel-Redirect are left to the client. */
  readonly files?: AppFiles | undefined;
  /** Only with --reload. */
  readonly development?: Development | undefined;
}

/** The handler that gives exchanges to workers: `class AppHandler` in app.ts, made by `new AppHandler(options)`. */
export interface AppPort extends Handler {
  /** `link/worker-gate.ts` hands it over when both sockets of a worker are there. */
  addWorker(worker: AttachedWorker): void;
  /** Gives the worker nothing more; `workerDrained` follows when it has answered all. Unknown pids are ignored. */
  drainWorker(pid: number): void;
  /** The worker is stuck: what it runs is answered 504. Unknown pids are ignored. */
  expireWorker(pid: number): void;
  /** Tells event streams, which end only when somebody ends them, after `streamGraceMs` that it is time. */
  endStreams(): void;
  /** With --reload: the new code does not start, and every request is answered with the reason until `mended`. */
  broke(breakage: Breakage): void;
  /** With --reload: other code is about to start, and requests wait for it. */
  mended(): void;
  /** Refuses what waits and what still comes with 503; what runs goes on. */
  stop(): void;
  /** Cancels what runs too, and ends every link. */
  destroy(): void;
  status(): AppStatus;
}

export interface AppHandlerEvents {
  /** A worker told to drain has answered everything; its link is closing. Once per worker. */
  workerDrained(pid: number): void;
  /** A worker's link ended. `count` requests were on it then, none after a drain; the first are `inFlight`. Once per worker. */
  workerLost(pid: number, inFlight: readonly InFlightRequest[], count: number): void;
  /** It was given `maxRequests` requests, and goes on. Once per worker. */
  workerWorn(pid: number): void;
  /** These, at least the first of them, ran for too long, and were answered; it gets nothing more. Told again when the `others` that it ran are over. */
  workerOverdue(pid: number, requests: readonly InFlightRequest[], others: number): void;
}

/** One request that was with a worker, for the line that names the worker's death. */
export interface InFlightRequest {
  readonly id: number;
  readonly method: string;
  readonly path: string;
  readonly elapsedMs: number;
  /** Perhaps begun by the worker. */
  readonly started: boolean;
  /** Another worker gets it. */
  readonly retried: boolean;
}

export interface AppStatus {
  readonly workers: number;
  readonly waiting: number;
  /** How long the first of those has waited. */
  readonly waitedMs: number;
  readonly running: number;
  /** Bytes of request bodies held in memory. */
  readonly bodyMemoryBytes: number;
}
