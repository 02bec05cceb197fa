// The header fields of a message: ordered name/value pairs as they were received (RFC 9110 §5).

/** Names keep the sender's case. Values are latin-1 text, one character a byte, without surrounding whitespace. */
export class Fields {
  /** name, value, name, value, … */
  readonly flat: readonly string[];

  /**
   * Room for whoever translates these fields and wants to do it once: HTTP/1.1 hands out the same Fields object again when
   * a connection repeats a header block to the byte. Its owner is `handlers/`; nobody else reads or writes it.
   */
  memo: unknown = undefined;

  constructor(flat: readonly string[]) {
    this.flat = flat;
  }

  /** The first value of the field `lowerName` (lower-case), or undefined. */
  get(lowerName: string): string | undefined {
    const flat = this.flat;
    for (let i = 0; i < flat.length; i += 2) {
      const name = flat[i] as string; // even indices below length exist
      if (name.length === lowerName.length && name.toLowerCase() === lowerName) return flat[i + 1];
    }
    return undefined;
  }

  /** Every value of the field `lowerName`, in order. */
  all(lowerName: string): string[] {
    const values: string[] = [];
    for (let i = 0; i < this.flat.length; i += 2) {
      if (this.flat[i]?.toLowerCase() === lowerName) values.push(this.flat[i + 1] as string);
    }
    return values;
  }
}

export const NO_FIELDS: Fields = new Fields([]);
