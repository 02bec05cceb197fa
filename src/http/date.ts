// HTTP dates (RFC 9110 §5.6.7), out of milliseconds since 1970. No clock here: the time is an argument.

/** `Sun, 06 Nov 1994 08:49:37 GMT`, the preferred form. ECMAScript prescribes exactly this text for the years 0 to 9999. */
export function imfFixdate(ms: number): string {
  return new Date(ms).toUTCString();
}

const HTTP_DATES: readonly RegExp[] = [
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
];

/** Any of the three forms (RFC 9110 §5.6.7), in milliseconds; undefined for everything else. */
export function parseHttpDate(text: string): number | undefined {
  const form = HTTP_DATES.findIndex((pattern) => pattern.test(text));
  if (form < 0) return undefined;
  const ms = Date.parse(form === 2 ? `${text} GMT` : text); // asctime's form names no zone
  return Number.isNaN(ms) ? undefined : ms;
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
