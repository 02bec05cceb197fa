// Texts that are kept for longer than what they were cut from.

/** The same latin-1 text, alone: V8 makes a slice hold the whole text that it was cut from, such as a request's head. */
export function ownText(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
