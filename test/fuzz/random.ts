// What the fuzzers have in common: chance out of a seed, and bytes cut at random. xorshift32: small, and the same everywhere.

/** A number in [0, below), out of the seed alone. */
export type Random = (below: number) => number;

export function makeRandom(seed: number): Random {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export function pick<T>(list: readonly T[], random: Random): T {
  return list[random(list.length)] as T; // lists here are never empty
}

export function split(input: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  const longest = 1 + random(random(2) === 0 ? 3 : 200);
  for (let at = 0; at < input.length; ) {
    const to = Math.min(input.length, at + 1 + random(longest));
    pieces.push(input.subarray(at, to));
    at = to;
  }
  return pieces;
}
