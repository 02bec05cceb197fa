// Malformed requests as the peers were tried with (name, bytes, the status that we answer), for each kind of worker behind.

export const head = (lines: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;

export const MALFORMED: readonly (readonly [name: string, input: string, status: number])[] = [
  ["2 MB header", head(`X: ${"x".repeat(2 << 20)}\r\n`), 431],
  ["5000 headers", head("A: b\r\n".repeat(5_000)), 431],
  ["200 KB URI", `GET /${"x".repeat(200_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
  ["CL + TE", head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400],
  ["duplicate Host", head("Host: b\r\n"), 400],
  ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
  ["bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400],
  ["Content-Length: +5", head("Content-Length: +5\r\n"), 400],
  ["space before colon", head("X : y\r\n"), 400],
  ["obs-fold", head("X: y\r\n z\r\n"), 400],
  ["lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["Expect: foo", head("Expect: foo\r\n"), 417],
];
