// Which permessage-deflate offer of a client is taken (RFC 7692 §7.1), and what compression may cost. uvicorn's figures: a window
// of 12 bits and a memory level of 5, so about 32 KiB a connection that sends compressed messages and 30 KiB one that gets them;
// nothing before the first.

import { type OfferParameters, type PerMessageDeflate, wsPackage } from "./ws-package.ts";

export const DEFLATE = "permessage-deflate";

const WINDOW_BITS_MAX = 12;
/** zlib cannot deflate with less. */
const WINDOW_BITS_MIN = 9;
const MEMORY_LEVEL = 5;
/** Of each stream's output buffer. */
const CHUNK_BYTES = 8_192;
/** Jobs of zlib at once, for all connections: its threads are few, and each job holds memory. */
const JOBS_MAX = 8;

export interface Deflate {
  readonly extension: PerMessageDeflate;
  /** The value of Sec-WebSocket-Extensions in the response. */
  readonly value: string;
}

/** The first offer that can be taken; unknown extensions and offers that are unacceptable are passed over (RFC 6455 §9.1). */
export function negotiateDeflate(
  offers: readonly OfferParameters[],
  messageBytesMax: number,
): Deflate | undefined {
  for (const offer of offers) {
    const taken = take(offer, messageBytesMax);
    if (taken !== undefined) return taken;
  }
  return undefined;
}

function take(offer: OfferParameters, messageBytesMax: number): Deflate | undefined {
  const serverBits = bitsOf(offer, "server_max_window_bits");
  if (serverBits < WINDOW_BITS_MIN) return undefined;
  const extension = new (wsPackage().PerMessageDeflate)({
    isServer: true,
    maxPayload: messageBytesMax,
    concurrencyLimit: JOBS_MAX,
    threshold: 0,
    serverMaxWindowBits: serverBits,
    clientMaxWindowBits:
      offer["client_max_window_bits"] === undefined ? undefined : bitsOf(offer, "client_max_window_bits"),
    zlibDeflateOptions: { memLevel: MEMORY_LEVEL, chunkSize: CHUNK_BYTES },
    zlibInflateOptions: { chunkSize: CHUNK_BYTES },
  });
  try {
    const parameters = extension.accept([offer]);
    return { extension, value: wsPackage().extension.format({ [DEFLATE]: [parameters] }) };
  } catch {
    return undefined; // a parameter that is unknown, repeated or out of range: the offer is declined (RFC 7692 §7.1)
  }
}

/** At most our own, which also stands for a parameter without a value; what is no number is left to `accept` to refuse. */
function bitsOf(offer: OfferParameters, name: string): number {
  const value = offer[name]?.[0] ?? true;
  return value === true ? WINDOW_BITS_MAX : Math.min(Number(value), WINDOW_BITS_MAX);
}
