// The grammar of --access-logformat: text with atoms written %(x)s, as Python's % operator reads it.
// log/access-format.ts gives the atoms their meaning; here they only have names, so that a wrong one is a config error.

import { accept, type Reading, reject, scalarText, type ValueType } from "./value-type.ts";

export type AccessPiece =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "atom"; readonly atom: AccessAtom }
  /** `i` a request field, `o` a response field, `e` a value of the environ. Names in lower case. */
  | { readonly type: "named"; readonly kind: "i" | "o" | "e"; readonly name: string };

export type AccessAtom =
  /** gunicorn's. */
  | (
      | "h"
      | "l"
      | "u"
      | "t"
      | "r"
      | "m"
      | "U"
      | "q"
      | "H"
      | "s"
      | "B"
      | "b"
      | "f"
      | "a"
      | "T"
      | "M"
      | "D"
      | "L"
      | "p"
    )
  /** Our own: queue and app time, request bytes, retries, number, cause of an early end, scheme, the peer's address. */
  | ("Q" | "A" | "I" | "R" | "N" | "X" | "S" | "P")
  /** uvicorn's: the client's address and port, and the status's phrase. */
  | ("C" | "O");

const ACCESS_ATOMS: readonly AccessAtom[] = [..."hlutrmUqHsBbfaTMDLpQAIRNXSPCO"] as AccessAtom[]; // letter for letter

const TOKEN = /%%|%\(([^()]*)\)([sd])|%/g;

/** The pieces in order, or why the format is wrong. */
export function parseAccessFormat(format: string): Reading<readonly AccessPiece[]> {
  const pieces: AccessPiece[] = [];
  let done = 0;
  for (const match of format.matchAll(TOKEN)) {
    pushText(pieces, format.slice(done, match.index));
    done = match.index + match[0].length;
    const piece = readToken(match[0], match[1]);
    if (piece === undefined)
      return reject(`at ${JSON.stringify(excerpt(format, match.index))}: expected ${EXPECTED}`);
    if (piece.type === "text") pushText(pieces, piece.text);
    else pieces.push(piece);
  }
  pushText(pieces, format.slice(done));
  return accept(pieces);
}

const EXPECTED = `an atom, %(h)s, %({user-agent}i)s, or %% for a percent sign; atoms are ${ACCESS_ATOMS.join(" ")} {…}i {…}o {…}e`;

function excerpt(format: string, at: number): string {
  return format.slice(at, at + 20);
}

function readToken(token: string, name: string | undefined): AccessPiece | undefined {
  if (token === "%%") return { type: "text", text: "%" };
  if (name === undefined) return undefined;
  const atom = ACCESS_ATOMS.find((known) => known === name);
  if (atom !== undefined) return { type: "atom", atom };
  const named = /^\{([^{}]+)\}([ioe])$/i.exec(name);
  if (named === null) return undefined;
  const kind = (named[2] ?? "").toLowerCase() as "i" | "o" | "e"; // the expression admits no other
  return { type: "named", kind, name: (named[1] ?? "").toLowerCase() };
}

/** Neighbouring texts become one. */
function pushText(pieces: AccessPiece[], text: string): void {
  if (text === "") return;
  const last = pieces.at(-1);
  if (last?.type === "text") pieces[pieces.length - 1] = { type: "text", text: last.text + text };
  else pieces.push({ type: "text", text });
}

export const ACCESS_FORMAT: ValueType<string> = {
  placeholder: "FORMAT",
  repeats: false,
  read: (given) => {
    const format = scalarText(given) ?? "";
    const parsed = parseAccessFormat(format);
    return parsed.ok ? accept(format) : parsed;
  },
  show: String,
};
