// Which fields may come behind a body (RFC 9110 §6.5.1).

/** Fields that frame, route, authenticate or describe the message must be known before its body (RFC 9110 §6.5.1). */
const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  "authorization",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** `flat`: name, value, … in any case. */
export function hasForbiddenTrailer(flat: readonly string[]): boolean {
  for (let i = 0; i < flat.length; i += 2) {
    if (FORBIDDEN_TRAILERS.has((flat[i] as string).toLowerCase())) return true;
  }
  return false;
}
