// Which Python runs the application: --python, else the first of the usual places that is there. Pure: the caller looks.

export interface InterpreterCandidate {
  /** A path, or a name to look up in PATH. */
  readonly program: string;
  /** Why it is tried. */
  readonly because: string;
}

/** What to try, in order. A named interpreter stands alone: a wrong one must not be replaced in silence. */
export function interpreterCandidates(asked: {
  /** Config.python. */
  readonly python: string;
  readonly virtualEnv: string | undefined;
  /** Where `.venv` is looked for: the current directory, then --chdir. */
  readonly folders: readonly string[];
  /** An application's own folder beside others': its `.venv` is meant for it alone. "" for none. */
  readonly ownFolder?: string;
}): readonly InterpreterCandidate[] {
  if (asked.python !== "") return [{ program: asked.python, because: "--python" }];
  const candidates: InterpreterCandidate[] = [];
  const { ownFolder = "" } = asked;
  if (ownFolder !== "")
    candidates.push({ program: `${ownFolder}/.venv/bin/python`, because: "its own .venv" });
  if (asked.virtualEnv !== undefined && asked.virtualEnv !== "") {
    candidates.push({ program: `${asked.virtualEnv}/bin/python`, because: "$VIRTUAL_ENV" });
  }
  for (const folder of new Set(asked.folders)) {
    if (folder !== ownFolder) candidates.push({ program: `${folder}/.venv/bin/python`, because: ".venv" });
  }
  candidates.push({ program: "python3", because: "PATH" });
  return candidates;
}

/** `find` answers the executable's full path, or undefined. */
export function chooseInterpreter(
  candidates: readonly InterpreterCandidate[],
  find: (program: string) => string | undefined,
): { readonly path: string; readonly because: string } | undefined {
  for (const candidate of candidates) {
    const path = find(candidate.program);
    if (path !== undefined) return { path, because: candidate.because };
  }
  return undefined;
}

/** One line for when nothing was found. */
export function describeMissingInterpreter(candidates: readonly InterpreterCandidate[]): string {
  const tried = candidates.map(({ program, because }) => `${program} (${because})`).join(", ");
  return `no Python interpreter found; tried ${tried}. Install Python 3.8 or newer, or name one with --python`;
}
