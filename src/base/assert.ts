// What must hold. A failed assertion is our own bug: the process ends and the arbiter replaces it.

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws AssertionError unless `fact` holds. `claim` says what was believed. */
export function assert(fact: unknown, claim: string): asserts fact {
  if (!fact) throw new AssertionError(claim);
}

/** The end of a switch over a union: the compiler proves that no case is left. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
