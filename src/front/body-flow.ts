// The body of the request that a connection serves, on its way to the handler's sink: who reads it, whether it is paused, and
// how long the client may take for it. Milliseconds, bytes.

import { assert } from "../base/assert.ts";
import type { BodySink } from "../http/exchange.ts";
import type { Fields } from "../http/fields.ts";
import type { FrontContext } from "./context.ts";
import type { Deadline } from "./deadlines.ts";

export class BodyFlow {
  readonly #context: FrontContext;
  /** The connection's, lent while a body is read. */
  readonly #deadline: Deadline;
  #sink: BodySink | undefined = undefined;
  #isPaused = false;
  #pausedLeftMs = 0;
  /** Of a chunked body: its deadline moves with what came. */
  #isLengthUnknown = false;

  constructor(context: FrontContext, deadline: Deadline) {
    this.#context = context;
    this.#deadline = deadline;
  }

  get hasReader(): boolean {
    return this.#sink !== undefined;
  }

  get canFlow(): boolean {
    return this.#sink !== undefined && !this.#isPaused;
  }

  /** `length`: as RequestHead.bodyLength. */
  read(sink: BodySink, length: number): void {
    assert(this.#sink === undefined, "a body is read once");
    this.#sink = sink;
    this.#isLengthUnknown = length < 0;
    const { clock, config } = this.#context;
    this.#deadline.armAt(clock.nowMs() + config.bodyTimeoutMs + this.#earnedMs(Math.max(0, length)));
  }

  chunk(bytes: Buffer): void {
    if (this.#isLengthUnknown && this.#deadline.isArmed) {
      this.#deadline.armAt(this.#deadline.atMs + this.#earnedMs(bytes.length));
    }
    this.#sink?.chunk(bytes);
  }

  end(trailers: Fields): void {
    this.#takeSink()?.end(trailers);
  }

  /** Harmless when the body has ended. */
  abort(): void {
    this.#takeSink()?.abort();
  }

  /** The time that the handler takes is not the client's. */
  pause(): void {
    if (!this.canFlow) return;
    this.#isPaused = true;
    this.#pausedLeftMs = this.#deadline.atMs - this.#context.clock.nowMs();
    this.#deadline.disarm();
  }

  /** False when it was not paused. */
  resume(): boolean {
    if (!this.#isPaused) return false;
    this.#isPaused = false;
    this.#deadline.armAt(this.#context.clock.nowMs() + Math.max(1, this.#pausedLeftMs));
    return true;
  }

  #takeSink(): BodySink | undefined {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#isPaused = false;
    return sink;
  }

  #earnedMs(bytes: number): number {
    const { bodyRateMin } = this.#context.config;
    return bodyRateMin > 0 ? (bytes / bodyRateMin) * 1_000 : 0;
  }
}
