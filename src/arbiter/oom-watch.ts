// Whether the kernel has killed somebody of this control group for memory since the last look. One for the whole server: a
// kill of one application's worker must not be taken for one of another's.

/** A count that rose is of deaths that are told about now, or of a stranger in this control group. */
const FRESH_MS = 2_000;

export class OomWatch {
  readonly #count: () => number | undefined;
  #seen: number;
  /** Kills that no death was named by yet. */
  #unnamed = 0;
  #roseAtMs = Number.NEGATIVE_INFINITY;

  /** `count`: how many processes of this control group the kernel has killed for memory; undefined where nobody can say. */
  constructor(count: () => number | undefined = () => undefined) {
    this.#count = count;
    this.#seen = count() ?? 0;
  }

  /** Whether a process that died of SIGKILL may have been killed so: each kill counts for one death. */
  takeKill(nowMs: number): boolean {
    if (nowMs - this.#roseAtMs > FRESH_MS) this.#unnamed = 0;
    const count = this.#count() ?? this.#seen;
    if (count > this.#seen) this.#roseAtMs = nowMs;
    this.#unnamed += Math.max(0, count - this.#seen);
    this.#seen = count;
    if (this.#unnamed === 0) return false;
    this.#unnamed -= 1;
    return true;
  }
}
