// Where a server listens, and what is spoken there. Resolved, validated and frozen as config.ts is, and sent to every process as JSON.

export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  /** An absolute path, or `@name` for an abstract socket (Linux). */
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "fd"; readonly fd: number };

/** One listening address and what is spoken on it. */
export interface ListenerConfig {
  readonly address: Address;
  /** What routes call it; "" where nobody gave it a name. */
  readonly name: string;
  readonly protocol: "http" | "uwsgi" | "fastcgi" | "scgi";
  /** null: plain text. */
  readonly tls: TlsConfig | null;
  /** Whether a PROXY protocol header comes before everything else (and before TLS): `auto` takes version 1 and 2. */
  readonly proxyProtocol: "off" | "v1" | "v2" | "auto";
  /** Every request is answered with a redirection to https on this port; 0: they are served. */
  readonly redirectToTlsPort: number;
  /** The server's metrics are shown here, and nothing else. */
  readonly servesMetrics: boolean;
  /** HTTP versions by ALPN with TLS; without TLS, h2 is taken by prior knowledge only where `cleartextH2` says so. */
  readonly versions: readonly ("h2" | "h1")[];
  readonly cleartextH2: boolean;
}

/** HTTP/1.1 in plain text. */
export function plainListener(address: Address): ListenerConfig {
  return {
    address,
    name: "",
    protocol: "http",
    tls: null,
    proxyProtocol: "off",
    redirectToTlsPort: 0,
    servesMetrics: false,
    versions: ["h1"],
    cleartextH2: false,
  };
}

export interface CertificateFiles {
  /** Absolute; PEM, the server's certificate first, then the intermediates'. */
  readonly certificate: string;
  /** Absolute; PEM. The same file as `certificate` when that holds both. */
  readonly key: string;
  readonly password: string;
}

export interface TlsConfig {
  /** Never empty; the first serves clients that name no server, or one that no certificate is for. */
  readonly certificates: readonly CertificateFiles[];
  /** Absolute; PEM of those who may sign clients' certificates; "" for none. */
  readonly clientCa: string;
  readonly clientCertificate: "none" | "optional" | "required";
  /** As OpenSSL writes them; "" for Node's. */
  readonly ciphers: string;
  readonly versionMin: "TLSv1.2" | "TLSv1.3";
  readonly handshakeTimeoutMs: number;
}
