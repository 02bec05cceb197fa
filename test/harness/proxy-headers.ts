// Headers of the PROXY protocol, as load balancers write them.

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

export const PROXY_V1: Buffer = Buffer.from("PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n");

/** The same in version 2, with a TLV of no meaning behind it. */
export const PROXY_V2: Buffer = Buffer.concat([
  SIGNATURE,
  Buffer.from([0x21, 0x11, 0, 12 + 5]),
  Buffer.from([203, 0, 113, 9, 192, 0, 2, 1, 4711 >> 8, 4711 & 255, 443 >> 8, 443 & 255]),
  Buffer.from([0x04, 0, 2, 0, 0]),
]);
