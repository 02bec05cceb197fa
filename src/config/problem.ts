// What an operator got wrong, in one line: where it was said, what was said, what was expected.
// All problems of a configuration are reported at once, so that it is corrected in one go.

export interface Problem {
  /** The flag, variable or path that carries the value; "" when the problem has no single place. */
  readonly where: string;
  /** The value as it was given; undefined when there was none. */
  readonly given: string | undefined;
  /** A sentence part: what is wrong, or the form that was expected. */
  readonly reason: string;
  /** A problem only where TLS is spoken. */
  readonly isOfTls?: boolean;
}

/** `--workers "four": expected a whole number, 1 or more, or auto`. */
export function describeProblem(problem: Problem): string {
  const given = problem.given === undefined ? "" : ` ${JSON.stringify(problem.given)}`;
  return problem.where === "" ? problem.reason : `${problem.where}${given}: ${problem.reason}`;
}
