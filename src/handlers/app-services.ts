// What all exchanges of the app handler share.

import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { RefusalCause } from "../dispatch/ticket.ts";
import type { Exchange } from "../http/exchange.ts";
import type { Log } from "../log/log.ts";
import type { AppWorker } from "./app-worker.ts";
import type { BodyStore } from "./body-store.ts";
import type { Development } from "./development.ts";
import type { EnvironMaker } from "./environ.ts";
import type { EventStreams } from "./event-streams.ts";
import type { AppFiles } from "./files/app-files.ts";
import type { ScopeMaker } from "./scope.ts";
import type { SpillStore } from "./spill-store.ts";
import type { WebSockets } from "./web-sockets.ts";

export interface AppServices {
  readonly log: Log;
  readonly nowMs: () => number;
  readonly dispatcher: Dispatcher;
  readonly environs: EnvironMaker;
  readonly scopes: ScopeMaker;
  readonly eventStreams: EventStreams;
  readonly webSockets: WebSockets;
  readonly bodies: BodyStore;
  readonly spills: SpillStore;
  /** For the files that the application names; undefined: its fields are left as they are. */
  readonly files: AppFiles | undefined;
  /** Whether the app, as far as is known, takes bodies while they come. */
  streamsBodies(): boolean;
  /** The worker that the dispatcher chose: it exists. */
  worker(id: number): AppWorker;
  /** Something may wait now: see to it that the dispatcher's `tick` is called. */
  wantTick(): void;
  /** A request got 503, or its answer was broken off. */
  shed(cause: RefusalCause): void;
  /** No worker will take it: 503, or what a developer wants to know. */
  turnAway(exchange: Exchange, cause: RefusalCause): void;
  /** Only with --reload. */
  readonly development: Development | undefined;
}
