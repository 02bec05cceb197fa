// Whether what came is another protocol than the listener's: somebody connected the wrong things, and wants to know it.

import type { InputBuffer } from "../base/input-buffer.ts";

const LOOK_BYTES = 8;
const HTTP_START = /^[A-Z]{3,7} ?\/?/;
/** First bytes of a TLS record that carries a handshake. */
const TLS_START = "\x16\x03";

export function isForeign({ bytes, start, end }: InputBuffer): boolean {
  const text = bytes.toString("latin1", start, Math.min(end, start + LOOK_BYTES));
  return HTTP_START.test(text) || text.startsWith(TLS_START);
}
