// How far the answer to a request is, on a connection where requests come one after another (message-protocol.ts). A call out of
// order is our own bug and throws.
//
//   idle ──request or error──► owed ──response head──► body ──its end──► done ──next cycle──► idle
//                               └── another protocol takes over ───────► done

import { assert } from "../base/assert.ts";

export class WriteSide {
  #state: "idle" | "owed" | "body" | "done" = "idle";

  get isIdle(): boolean {
    return this.#state === "idle";
  }

  get isOwed(): boolean {
    return this.#state === "owed";
  }

  get isDone(): boolean {
    return this.#state === "done";
  }

  /** Something came that is to be answered. Harmless when repeated, and while it is answered. */
  owe(): void {
    if (this.#state === "idle") this.#state = "owed";
  }

  begin(): void {
    assert(this.#state === "owed", "a response is given once");
    this.#state = "body";
  }

  end(): void {
    assert(this.#state === "body", "a response ends after its head, and once");
    this.#state = "done";
  }

  /** Another protocol answers. */
  giveUp(): void {
    assert(this.#state === "owed", "an upgrade takes the place of the response");
    this.#state = "done";
  }

  startNextCycle(): void {
    assert(this.#state === "done", "the next request may only be read after a complete exchange");
    this.#state = "idle";
  }
}
