// How many requests a worker may hold. A worker whose recent requests were short gets several ahead, as many as fit in about
// a millisecond of its measured service time: so it finds work without two context switches a request, and no request waits
// long behind another. One long request ends that, until enough short ones have followed: the longer, the more.
// Times are microseconds of a request in the app.

/** What may lie before a worker, in microseconds of its measured service time. */
const AHEAD_MICROS = 1_000;
/** A worker's first requests: nothing is known of it. */
const CALM_FIRST = 16;
const CALM_MAX = 512;
/** A request of n microseconds wants n / 250 short ones after it: 16 for the hiccup of a scheduler, 512 for a slow view. */
const CALM_MICROS = 250;
/** After a take-back: its cause will show in the measure too, but perhaps late. */
const CALM_AFTER_TAKE_BACK = 32;
const MEAN_WEIGHT = 1 / 8;

export class ServiceMeter {
  /** Mean of recent short requests; grows and falls with an eighth of each difference. */
  meanMicros = 0;
  /** Short requests still wanted before anything is sent ahead. */
  #calmWanted = CALM_FIRST;

  record(micros: number): void {
    if (micros > AHEAD_MICROS) {
      this.#wantCalm(micros / CALM_MICROS);
      return;
    }
    if (this.#calmWanted > 0) this.#calmWanted -= 1;
    this.meanMicros += (micros - this.meanMicros) * MEAN_WEIGHT;
  }

  distrust(): void {
    this.#wantCalm(CALM_AFTER_TAKE_BACK);
  }

  #wantCalm(requests: number): void {
    this.#calmWanted = Math.min(CALM_MAX, this.#calmWanted + Math.ceil(requests));
  }

  /** How many requests may be with the worker, running ones included; 1 when it is not short and steady. */
  fitting(max: number): number {
    if (this.#calmWanted > 0) return 1;
    const fitting = Math.floor(AHEAD_MICROS / Math.max(1, this.meanMicros));
    return Math.max(1, Math.min(max, fitting));
  }
}
