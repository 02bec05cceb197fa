// Cipher suites by the name that IANA gives them: their numbers (the registry "TLS Cipher Suites"), and what OpenSSL calls them.
// Those that Node may agree upon with a client: no PSK, no SRP, nothing without a certificate.

interface CipherSuite {
  readonly number: number;
  readonly openssl: string;
}

const SUITES: readonly (readonly [name: string, number: number, openssl: string])[] = [
  ["TLS_RSA_WITH_AES_128_CBC_SHA", 0x002f, "AES128-SHA"],
  ["TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 0x0033, "DHE-RSA-AES128-SHA"],
  ["TLS_RSA_WITH_AES_256_CBC_SHA", 0x0035, "AES256-SHA"],
  ["TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 0x0039, "DHE-RSA-AES256-SHA"],
  ["TLS_RSA_WITH_AES_128_CBC_SHA256", 0x003c, "AES128-SHA256"],
  ["TLS_RSA_WITH_AES_256_CBC_SHA256", 0x003d, "AES256-SHA256"],
  ["TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", 0x0067, "DHE-RSA-AES128-SHA256"],
  ["TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", 0x006b, "DHE-RSA-AES256-SHA256"],
  ["TLS_RSA_WITH_AES_128_GCM_SHA256", 0x009c, "AES128-GCM-SHA256"],
  ["TLS_RSA_WITH_AES_256_GCM_SHA384", 0x009d, "AES256-GCM-SHA384"],
  ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 0x009e, "DHE-RSA-AES128-GCM-SHA256"],
  ["TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", 0x009f, "DHE-RSA-AES256-GCM-SHA384"],
  ["TLS_AES_128_GCM_SHA256", 0x1301, "TLS_AES_128_GCM_SHA256"],
  ["TLS_AES_256_GCM_SHA384", 0x1302, "TLS_AES_256_GCM_SHA384"],
  ["TLS_CHACHA20_POLY1305_SHA256", 0x1303, "TLS_CHACHA20_POLY1305_SHA256"],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 0xc009, "ECDHE-ECDSA-AES128-SHA"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", 0xc00a, "ECDHE-ECDSA-AES256-SHA"],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 0xc013, "ECDHE-RSA-AES128-SHA"],
  ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", 0xc014, "ECDHE-RSA-AES256-SHA"],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", 0xc023, "ECDHE-ECDSA-AES128-SHA256"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", 0xc024, "ECDHE-ECDSA-AES256-SHA384"],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", 0xc027, "ECDHE-RSA-AES128-SHA256"],
  ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", 0xc028, "ECDHE-RSA-AES256-SHA384"],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc02f, "ECDHE-RSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xc030, "ECDHE-RSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca8, "ECDHE-RSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305"],
  ["TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xccaa, "DHE-RSA-CHACHA20-POLY1305"],
];

const BY_NAME: ReadonlyMap<string, CipherSuite> = new Map(
  SUITES.map(([name, number, openssl]) => [name, { number, openssl }]),
);

/** undefined for a name that is not in the table. */
export function cipherSuite(name: string): CipherSuite | undefined {
  return BY_NAME.get(name);
}

/** The number on the wire (RFC 8446 §4.1.2), of the version as OpenSSL names it; undefined for one that is not spoken here. */
export function versionNumber(version: string): number | undefined {
  return VERSIONS[version];
}

const VERSIONS: Readonly<Record<string, number>> = { "TLSv1.2": 0x0303, "TLSv1.3": 0x0304 };
