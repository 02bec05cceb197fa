// What the connections of one listener share, where that is not all of what the front's share: another handler, further lines.

import type { FlushQueue } from "../base/flush-queue.ts";
import type { Clock } from "../base/ports.ts";
import type { Handler } from "../http/exchange.ts";
import type { MessageLimits } from "../http/limits.ts";
import type { CommonLines } from "../http/message-protocol.ts";
import type { AccessLog } from "../log/access-record.ts";
import type { Log } from "../log/log.ts";
import type { FrontConfig, FrontContext } from "./context.ts";
import type { FrontCounters } from "./counters.ts";
import type { Deadlines } from "./deadlines.ts";
import type { HeldMemory } from "./held-memory.ts";
import type { Slab } from "./output.ts";

export interface ListenerTerms {
  /** Answers in place of the front's handler. */
  readonly handler: Handler | undefined;
  /** Behind those of all responses: header lines, each with its end. */
  readonly lines: string;
  /** Its requests are in no access log, and not measured. */
  readonly isUnrecorded: boolean;
}

export class ListenerContext implements FrontContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly slab: Slab;
  readonly flushQueue: FlushQueue;
  readonly memory: HeldMemory;
  readonly counters: FrontCounters;
  readonly #front: FrontContext;
  readonly #lines: string;
  #common: FurtherLines;
  readonly #handler: Handler | undefined;
  readonly #isUnrecorded: boolean;

  constructor(front: FrontContext, { handler, lines, isUnrecorded }: ListenerTerms) {
    this.log = front.log;
    this.clock = front.clock;
    this.deadlines = front.deadlines;
    this.slab = front.slab;
    this.flushQueue = front.flushQueue;
    this.memory = front.memory;
    this.#lines = lines;
    this.#common = new FurtherLines(front.common, lines);
    this.counters = front.counters;
    this.#front = front;
    this.#handler = handler;
    this.#isUnrecorded = isUnrecorded;
  }

  get accessLog(): AccessLog | undefined {
    return this.#isUnrecorded ? undefined : this.#front.accessLog;
  }

  get limits(): MessageLimits {
    return this.#front.limits;
  }

  /** The front's may be others after a reload. */
  get common(): CommonLines {
    const { common } = this.#front;
    if (this.#lines === "") return common;
    if (this.#common.common !== common) this.#common = new FurtherLines(common, this.#lines);
    return this.#common;
  }

  get config(): FrontConfig {
    return this.#front.config;
  }

  get handler(): Handler {
    return this.#handler ?? this.#front.handler;
  }

  get isDraining(): boolean {
    return this.#front.isDraining;
  }

  nextExchangeId(): number {
    return this.#front.nextExchangeId();
  }
}

class FurtherLines implements CommonLines {
  readonly serverLine: string;
  readonly extraLines: string;
  readonly common: CommonLines;

  constructor(common: CommonLines, lines: string) {
    this.serverLine = common.serverLine;
    this.extraLines = common.extraLines + lines;
    this.common = common;
  }

  get dateLine(): string {
    return this.common.dateLine;
  }
}
