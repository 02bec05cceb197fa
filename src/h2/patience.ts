// How much a client may cost without asking for anything: requests that it takes back (CVE-2023-44487), and frames that only keep us
// busy (CVE-2019-9512, -9515, -9518). Beyond it the connection ends with ENHANCE_YOUR_CALM.

import { Budget } from "./budget.ts";

/** A browser may take back all streams of a page at once, and again on the next one. */
const RESETS = { burst: 500, perSecond: 50 };
/** PING, SETTINGS, WINDOW_UPDATE, PRIORITY, unknown frames, empty DATA. */
const CONTROLS = { burst: 2_000, perSecond: 200 };
/** Frames that an honest client may send with a request, and for a frame of ours: windows of stream and connection, a ping. */
const CONTROLS_PER_REQUEST = 10;
const CONTROLS_PER_FRAME = 4;
/** One of so many requests may be taken back whatever the time. */
const RESETS_PER_REQUEST = 0.1;

export class Patience {
  readonly #resets = new Budget(RESETS);
  readonly #controls = new Budget(CONTROLS);

  onRequest(): void {
    this.#controls.earn(CONTROLS_PER_REQUEST);
    this.#resets.earn(RESETS_PER_REQUEST);
  }

  /** Frames of ours that carry bodies were sent. */
  onFramesSent(count: number): void {
    this.#controls.earn(count * CONTROLS_PER_FRAME);
  }

  /** A control frame came. */
  bears(nowMs: number): boolean {
    return this.#controls.spend(nowMs);
  }

  /** A stream was opened in vain. */
  bearsReset(nowMs: number): boolean {
    return this.#resets.spend(nowMs);
  }
}
