// What a listener with TLS needs beside its settings: the texts of files that only the arbiter may be able to read. Made there
// (arbiter/certificates.ts), and given to fronts over control, at the start and whenever the files change.

export interface TlsMaterial {
  /** In the order of TlsConfig.certificates. */
  readonly pairs: readonly KeyPair[];
  /** PEM; "" for none. */
  readonly clientCa: string;
  /** Base64 of the 48 bytes that seal session tickets: the same in all fronts, so that a client may resume with any of them. */
  readonly ticketKeys: string;
}

export interface KeyPair {
  /** PEM, the server's own certificate first. */
  readonly certificate: string;
  /** PEM, not encrypted. */
  readonly key: string;
}
