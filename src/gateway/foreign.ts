// Whether what came is another protocol than the listener's: somebody connected the wrong things, and wants to know it.
// The first byte decides, so that the answer does not depend on how the bytes were split.

import type { InputBuffer } from "../base/input-buffer.ts";

const CAPITAL_A = 0x41;
const CAPITAL_Z = 0x5a;
/** First byte of a TLS record that carries a handshake. */
const TLS_HANDSHAKE = 0x16;

/** True when an HTTP request, or TLS, begins where a packet should. */
export function isForeign({ bytes, start }: InputBuffer): boolean {
  const first = bytes[start] ?? 0;
  return first === TLS_HANDSHAKE || (first >= CAPITAL_A && first <= CAPITAL_Z);
}
