// The writing side of a connection: its output, when that is flushed, and how long a client may leave it unread. Milliseconds.

import type { Duplex } from "node:stream";
import type { Flushable } from "../base/flush-queue.ts";
import type { FrontContext } from "./context.ts";
import { Deadline, type DeadlineOwner } from "./deadlines.ts";
import { type MemoryHolder, UNCOUNTED_BYTES } from "./held-memory.ts";
import { Output, type OutputOwner } from "./output.ts";

/** No further request is begun, and no response is called sent, while more than this waits for the client. */
const AHEAD_BYTES_MAX = 65_536;

export interface ClientWriterOwner {
  /** Output was given to the socket, or left it. */
  onSent(): void;
  /** As onSent, after a wait: what was held back for want of room may go on. */
  onRoom(): void;
  /** The client took no byte for `responseStallMs`. */
  onStalled(pendingBytes: number): void;
  /** Clients hold too much memory, and this one has moved nothing for longest (front/held-memory.ts). */
  onMemoryShort(): void;
}

const COUNTED = { isCounted: true };

export class ClientWriter implements OutputOwner, DeadlineOwner, Flushable, MemoryHolder {
  readonly output: Output;
  readonly #context: FrontContext;
  #owner: ClientWriterOwner;
  readonly #stall: Deadline;
  #state: "quiet" | "flush-queued" | "stopped" = "quiet";
  #countedBytes = 0;
  /** As the front's memory knows it; 0: not at all. */
  #heldBytes = 0;
  /** Beside the output. */
  #otherBytes = 0;
  /** Bytes on a stream of another connection are counted there. */
  readonly isCounted: boolean;

  constructor(
    context: FrontContext,
    socket: Duplex,
    owner: ClientWriterOwner,
    options: { readonly isCounted: boolean } = COUNTED,
  ) {
    this.isCounted = options.isCounted;
    this.#context = context;
    this.#owner = owner;
    this.output = new Output(socket, context.slab, this);
    this.#stall = new Deadline(context.deadlines, this);
  }

  /** The connection changes to another protocol: what is still to be sent is sent first. */
  handTo(owner: ClientWriterOwner): void {
    this.#owner = owner;
  }

  get isFull(): boolean {
    return this.output.pendingBytes > AHEAD_BYTES_MAX;
  }

  /** Flushes when the running code has returned. */
  flushLater(): void {
    if (this.#state !== "quiet") return;
    this.#state = "flush-queued";
    this.#context.flushQueue.add(this);
  }

  /** The connection holds so much beside its output: what it received and cannot use yet, what waits for a stream's window. */
  holdOther(bytes: number): void {
    if (bytes === this.#otherBytes || this.#state === "stopped") return;
    this.#otherBytes = bytes;
    this.#hold(this.output.pendingBytes);
  }

  /** Writes what was gathered. */
  flush(): void {
    if (this.#state === "stopped") return;
    this.#state = "quiet";
    this.output.flush();
    const { pendingBytes } = this.output;
    if (pendingBytes === 0) this.#stall.disarm();
    else if (!this.#stall.isArmed) this.#armStall();
    if (pendingBytes > UNCOUNTED_BYTES || this.#heldBytes > 0) this.#hold(pendingBytes);
    this.#count();
    this.#owner.onSent();
  }

  /** Nothing more is written; what was not given to the socket is forgotten. Harmless when repeated. */
  stop(): void {
    this.#state = "stopped";
    this.#count();
    if (this.#heldBytes > 0) this.#context.memory.hold(this, 0);
    this.output.discard();
    this.#stall.release();
  }

  onOutputProgress(): void {
    if (this.#state === "stopped") return;
    if (this.output.pendingBytes === 0) this.#stall.disarm();
    else this.#armStall();
    if (this.#heldBytes > 0) this.#holdAnew();
    this.#count();
    this.#owner.onSent();
    this.#owner.onRoom();
  }

  onDeadline(): void {
    const pendingBytes = this.output.pendingBytes;
    if (pendingBytes > 0) this.#owner.onStalled(pendingBytes);
  }

  onMemoryShort(): void {
    this.#heldBytes = 0;
    this.#owner.onMemoryShort();
  }

  #hold(pendingBytes: number): void {
    const bytes = Math.max(0, pendingBytes - this.output.sharedBytes) + this.#otherBytes;
    const counted = bytes > UNCOUNTED_BYTES ? bytes : 0;
    if (counted === this.#heldBytes) return;
    this.#heldBytes = counted;
    this.#context.memory.hold(this, counted);
  }

  /** The client took something. */
  #holdAnew(): void {
    this.#hold(this.output.pendingBytes);
    if (this.#heldBytes > 0) this.#context.memory.moved(this, this.#heldBytes);
  }

  #armStall(): void {
    this.#stall.armAt(this.#context.clock.nowMs() + this.#context.config.responseStallMs);
  }

  #count(): void {
    if (!this.isCounted) return;
    const { sentBytes } = this.output;
    this.#context.counters.bytesSent += sentBytes - this.#countedBytes;
    this.#countedBytes = sentBytes;
  }
}
