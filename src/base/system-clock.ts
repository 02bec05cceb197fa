// The real clock: the one implementation of Clock outside of tests. Only compose/, main and benchmarks name it.

import type { Clock, Timer } from "./ports.ts";

class NodeTimer implements Timer {
  readonly #timeout: NodeJS.Timeout;

  constructor(delayMs: number, callBack: () => void) {
    this.#timeout = setTimeout(callBack, delayMs);
    this.#timeout.unref();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixMs: () => Date.now(),
  after: (delayMs, callBack) => new NodeTimer(delayMs, callBack),
};
