// The Range field (RFC 9110 §14.2) and multipart/byteranges (§14.6). Pure. A hostile list of ranges costs no more than the file.

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Beyond, the field is ignored, as §14.2 allows. */
const RANGES_MAX = 16;
const FIELD_CHARACTERS_MAX = 1_024;
const SPEC = /^(?:(\d{1,20})-(\d{0,20})|-(\d{1,20}))$/;

/** `whole`: the field is none of ours, or faulty, and is ignored. `none`: no range lies within the representation (416). */
export function rangesOf(field: string, size: number): readonly ByteRange[] | "whole" | "none" {
  if (field.length > FIELD_CHARACTERS_MAX || size === 0 || !/^bytes=/i.test(field)) return "whole";
  const specs = field
    .slice(6)
    .split(",")
    .map((spec) => spec.trim())
    .filter((spec) => spec !== "");
  if (specs.length === 0 || specs.length > RANGES_MAX) return "whole";
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const range = rangeOf(spec, size);
    if (range === "faulty") return "whole";
    if (range !== undefined) ranges.push(range);
  }
  return ranges.length === 0 ? "none" : joined(ranges);
}

/** Undefined when it lies beyond the end. */
function rangeOf(spec: string, size: number): ByteRange | undefined | "faulty" {
  const match = SPEC.exec(spec);
  if (match === null) return "faulty";
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? undefined : { offset: size - length, length };
  }
  const from = Number(first);
  const to = last === "" ? Number.POSITIVE_INFINITY : Number(last);
  if (to < from) return "faulty";
  return from >= size ? undefined : { offset: from, length: Math.min(to, size - 1) - from + 1 };
}

/** In the order asked for; where some overlap, in that of the file, each byte once (§15.3.7.2 lets a server do so). */
function joined(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const sorted = ranges.toSorted((one, other) => one.offset - other.offset);
  const result: ByteRange[] = [];
  for (const range of sorted) {
    const last = result.at(-1);
    if (last === undefined || range.offset > last.offset + last.length) {
      result.push(range);
      continue;
    }
    const end = Math.max(last.offset + last.length, range.offset + range.length);
    result[result.length - 1] = { offset: last.offset, length: end - last.offset };
  }
  return result.length === ranges.length ? ranges : result;
}

export function contentRange({ offset, length }: ByteRange, size: number): string {
  return `bytes ${offset}-${offset + length - 1}/${size}`;
}

/** A body's pieces: bytes that are there, and parts of the representation. */
export type BodyPart = Buffer | ByteRange;

/** `typeLine`: the representation's Content-Type line, or "". */
export function multipart(
  ranges: readonly ByteRange[],
  options: { readonly size: number; readonly typeLine: string; readonly boundary: string },
): { readonly parts: readonly BodyPart[]; readonly length: number } {
  const { size, typeLine, boundary } = options;
  const parts = ranges.flatMap((range, index): BodyPart[] => {
    const head = `${index === 0 ? "" : "\r\n"}--${boundary}\r\n${typeLine}Content-Range: ${contentRange(range, size)}\r\n\r\n`;
    return [Buffer.from(head, "latin1"), range];
  });
  parts.push(Buffer.from(`\r\n--${boundary}--\r\n`, "latin1"));
  return { parts, length: parts.reduce((sum, part) => sum + part.length, 0) };
}
