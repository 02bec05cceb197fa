/** RFC 9113 §8.2.2: fields that only HTTP/1.1 connections have. They must not be sent, and who sends them is at fault. */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);
