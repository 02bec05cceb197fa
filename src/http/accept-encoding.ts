// Which content coding a client gets (RFC 9110 §12.5.3).

/** Clients send few different values; beyond so many, they are judged anew each time. */
const MEMORY_MAX = 256;
const WEIGHT = /^[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)[ \t]*$/i;
/** RFC 9110 §8.4.1.3: recipients treat the old name alike. */
const ALIASES: Readonly<Record<string, string>> = { "x-gzip": "gzip" };

/**
 * Chooses among `codings`, which stand in the server's order. The client's weights come first, then that order. A client that
 * says nothing gets no coding: it may take any, but those that say nothing are mostly programs that can take none.
 */
export class CodingChoice<Coding extends string> {
  readonly #codings: readonly Coding[];
  readonly #known = new Map<string, Coding | undefined>();

  constructor(codings: readonly Coding[]) {
    this.#codings = codings;
  }

  /** undefined: as it is. */
  of(acceptEncoding: string): Coding | undefined {
    if (acceptEncoding === "") return undefined;
    if (this.#known.has(acceptEncoding)) return this.#known.get(acceptEncoding);
    const coding = this.#choose(readWeights(acceptEncoding));
    if (this.#known.size < MEMORY_MAX) this.#known.set(acceptEncoding, coding);
    return coding;
  }

  #choose(weights: ReadonlyMap<string, number>): Coding | undefined {
    let best: Coding | undefined;
    // Without a word about it, identity is acceptable, and worse than whatever was named.
    let bestWeight = weights.get("identity") ?? 0;
    for (const coding of this.#codings) {
      const weight = weights.get(coding) ?? weights.get("*") ?? 0;
      const isBetter = best === undefined ? weight >= bestWeight : weight > bestWeight;
      if (weight === 0 || !isBetter) continue;
      best = coding;
      bestWeight = weight;
    }
    return best;
  }
}

/** A member with a weight that is none counts as not said. */
function readWeights(acceptEncoding: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const member of acceptEncoding.split(",")) {
    const semicolon = member.indexOf(";");
    const name = (semicolon < 0 ? member : member.slice(0, semicolon)).trim().toLowerCase();
    const weight = semicolon < 0 ? 1 : Number(WEIGHT.exec(member.slice(semicolon + 1))?.[1] ?? Number.NaN);
    if (name !== "" && !Number.isNaN(weight)) weights.set(ALIASES[name] ?? name, weight);
  }
  return weights;
}
