// Splits a variable's text into words as a POSIX shell would, without any expansion (GUNICORN_CMD_ARGS).

const WORD = /\s*((?:[^\s'"\\]+|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)/suy;
const PIECE = /[^'"\\]+|\\.|'[^']*'|"(?:[^"\\]|\\.)*"/gsu;

/** The words of `text`, or undefined when a quote is left open. */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  const end = text.trimEnd().length;
  WORD.lastIndex = 0;
  while (WORD.lastIndex < end) {
    const match = WORD.exec(text);
    if (match === null) return undefined;
    words.push((match[1] ?? "").replace(PIECE, unquote));
  }
  return words;
}

function unquote(piece: string): string {
  if (piece.startsWith("'")) return piece.slice(1, -1);
  if (piece.startsWith('"')) return piece.slice(1, -1).replace(/\\([\\"$`])/g, "$1");
  return piece.startsWith("\\") ? piece.slice(1) : piece;
}
