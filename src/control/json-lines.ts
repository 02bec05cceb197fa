// JSON, one object per line, over any stream of bytes. No I/O: bytes go in, values come out, wherever the stream was
// split. A line that is too long, not UTF-8 or not a JSON object is an event, and it is the last one.

export const LINE_BYTES_MAX = 1_048_576;

const NEWLINE = 0x0a;

/** A message of which only the `type` is known to be there. */
export interface Line {
  readonly type: string;
  readonly [field: string]: unknown;
}

export type LineErrorCode = "line-too-long" | "line-not-json" | "line-cut";

export type LineEvent =
  | { readonly type: "line"; readonly line: Line }
  | { readonly type: "error"; readonly code: LineErrorCode };

export const NEED_DATA: unique symbol = Symbol("need data");

/** The bytes of one message. Throws only when a message of ours is beyond the limit. */
export function encodeLine(message: { readonly type: string }): Uint8Array {
  const bytes = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
  if (bytes.length > LINE_BYTES_MAX) throw new RangeError(`control message ${message.type} is too long`);
  return bytes;
}

/** Bytes to lines. `reading → failed`: after an error it takes nothing more. */
export class LineReader {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #rest: Uint8Array = new Uint8Array(0);
  #state: "reading" | "failed" = "reading";
  #isEof = false;

  receive(bytes: Uint8Array): void {
    if (this.#state === "failed") return;
    this.#rest = this.#rest.length === 0 ? bytes : concat([this.#rest, bytes]);
  }

  receiveEof(): void {
    this.#isEof = true;
  }

  next(): LineEvent | typeof NEED_DATA {
    if (this.#state === "failed") return NEED_DATA;
    const end = this.#rest.indexOf(NEWLINE);
    if (end < 0) return this.#keepRest();
    if (this.#piecesBytes + end >= LINE_BYTES_MAX) return this.#fail("line-too-long");
    const line = this.#takeLine(end);
    return line === undefined ? this.#fail("line-not-json") : { type: "line", line };
  }

  /** No end of line yet: what came is put aside, so that it is not searched again. */
  #keepRest(): LineEvent | typeof NEED_DATA {
    if (this.#rest.length > 0) this.#pieces.push(this.#rest);
    this.#piecesBytes += this.#rest.length;
    this.#rest = new Uint8Array(0);
    if (this.#piecesBytes >= LINE_BYTES_MAX) return this.#fail("line-too-long");
    if (this.#isEof && this.#piecesBytes > 0) return this.#fail("line-cut");
    return NEED_DATA;
  }

  #takeLine(end: number): Line | undefined {
    const bytes = concat([...this.#pieces, this.#rest.subarray(0, end)]);
    this.#rest = this.#rest.subarray(end + 1);
    this.#pieces = [];
    this.#piecesBytes = 0;
    return parseLine(this.#decoder, bytes);
  }

  #fail(code: LineErrorCode): LineEvent {
    this.#state = "failed";
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#rest = new Uint8Array(0);
    return { type: "error", code };
  }
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return first;
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function parseLine(decoder: TextDecoder, bytes: Uint8Array): Line | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return isLine(value) ? value : undefined;
  } catch {
    // Not UTF-8 or not JSON: the reader says so with its own event.
    return undefined;
  }
}

function isLine(value: unknown): value is Line {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
