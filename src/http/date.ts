// HTTP dates (RFC 9110 §5.6.7), out of milliseconds since 1970. No clock here: the time is an argument.

/** `Sun, 06 Nov 1994 08:49:37 GMT`, the preferred form. ECMAScript prescribes exactly this text for the years 0 to 9999. */
export function imfFixdate(ms: number): string {
  return new Date(ms).toUTCString();
}

/** The Date field line, made once a second. */
export class DateLine {
  #second = Number.NaN;
  #line = "";

  /** `Date: …` with CRLF. */
  at(ms: number): string {
    const second = Math.floor(ms / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#line = `Date: ${imfFixdate(second * 1000)}\r\n`;
    }
    return this.#line;
  }
}
