// Whether the kernel has killed somebody of this control group for memory since the last look. One for the whole server: a
// kill of one application's worker must not be taken for one of another's.

export class OomWatch {
  readonly #count: () => number | undefined;
  #seen: number;

  /** `count`: how many processes of this control group the kernel has killed for memory; undefined where nobody can say. */
  constructor(count: () => number | undefined = () => undefined) {
    this.#count = count;
    this.#seen = count() ?? 0;
  }

  /** True, once for each look, when the count has risen. */
  hasRisen(): boolean {
    const before = this.#seen;
    this.#seen = this.#count() ?? before;
    return this.#seen > before;
  }
}
