// The certificates of one listener, ready to be shown, found by the name that a client asks for (SNI, RFC 6066 §3). Names are
// those in the certificates themselves; `*` stands for one label (RFC 9525 §6.3). No name fits: the first certificate.

import { constants, X509Certificate } from "node:crypto";
import type { SecureContext, SecureContextOptions } from "node:tls";
import type { TlsConfig } from "../config/listener.ts";
import type { KeyPair, TlsMaterial } from "../config/tls-material.ts";
import { nodeTls } from "./node-tls.ts";

/** Beyond it a name cannot be one (RFC 1035 §2.3.4). */
const NAME_CHARS_MAX = 255;

export interface ShownCertificate {
  readonly context: SecureContext;
  /** PEM of the server's own certificate. */
  readonly pem: string;
}

export class TlsContexts {
  readonly first: ShownCertificate;
  /** Lower case; a wildcard's without its `*`, as `.example.org`. */
  readonly #byName = new Map<string, ShownCertificate>();
  readonly #isNaming: boolean;

  /** Throws what OpenSSL says of certificates, keys or ciphers that it does not take. */
  constructor(settings: TlsConfig, material: TlsMaterial) {
    const shown = material.pairs.map((pair) => show(pair, settings, material));
    const [first] = shown;
    if (first === undefined) throw new Error("a listener with TLS needs a certificate");
    this.first = first;
    this.#isNaming = shown.length > 1;
    for (const one of shown) this.#learn(one);
  }

  /** Whether names make a difference at all. */
  get isNaming(): boolean {
    return this.#isNaming;
  }

  /** `name` is the client's: anything. */
  find(name: string): ShownCertificate {
    if (!this.#isNaming || name.length > NAME_CHARS_MAX) return this.first;
    const lower = name.toLowerCase().replace(/\.$/, "");
    const dot = lower.indexOf(".");
    return (
      this.#byName.get(lower) ?? (dot > 0 ? this.#byName.get(lower.slice(dot)) : undefined) ?? this.first
    );
  }

  /** The first certificate that has a name keeps it. */
  #learn(shown: ShownCertificate): void {
    for (const name of namesOf(new X509Certificate(shown.pem))) {
      const key = name.startsWith("*.") ? name.slice(1) : name;
      if (!this.#byName.has(key)) this.#byName.set(key, shown);
    }
  }
}

const DNS_ENTRY = /^DNS:(.+)$/;

/** DNS names of a certificate in lower case; the subject's CN where it has none (RFC 9525 lets clients no longer look there). */
export function namesOf(certificate: X509Certificate): string[] {
  const entries = (certificate.subjectAltName ?? "").split(", ");
  const names = entries.flatMap((entry) => DNS_ENTRY.exec(entry)?.[1] ?? []);
  const common = /^CN=(.+)$/m.exec(certificate.subject ?? "")?.[1];
  return (names.length === 0 && common !== undefined ? [common] : names).map((name) => name.toLowerCase());
}

function show(pair: KeyPair, settings: TlsConfig, material: TlsMaterial): ShownCertificate {
  const context = nodeTls().createSecureContext(contextOptions(pair, settings, material));
  return { context, pem: new X509Certificate(pair.certificate).toString() };
}

/** As a SecureContext takes them. Also what the arbiter tries a pair with. */
function contextOptions(
  pair: KeyPair,
  settings: TlsConfig,
  { clientCa, ticketKeys }: Omit<TlsMaterial, "pairs">,
): SecureContextOptions {
  return {
    cert: pair.certificate,
    key: pair.key,
    minVersion: settings.versionMin,
    honorCipherOrder: true,
    // Only TLS 1.2 has it, no client of HTTP needs it, and each one costs a handshake.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    // A session is resumed only where it began: with the same demands on clients.
    sessionIdContext: settings.clientCertificate,
    ticketKeys: Buffer.from(ticketKeys, "base64"),
    ...(settings.ciphers === "" ? {} : { ciphers: settings.ciphers }),
    // Without any, Node would take those of the world's authorities, among which OpenSSL looks for issuers at every handshake.
    ca: clientCa === "" ? pair.certificate : clientCa,
  };
}
