// Certificates and keys as files: read, and tried as OpenSSL will take them, in the one process that may be root. What is wrong is
// told with the file's name, all of it at once; what will soon be wrong is a warning.

import { createHash, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { systemErrorCode } from "../base/system-error.ts";
import type { CertificateFiles, TlsConfig } from "../config/listener.ts";
import type { KeyPair, TlsMaterial } from "../config/tls-material.ts";

export interface CertificateReading {
  /** undefined where there are problems. */
  readonly material: Omit<TlsMaterial, "ticketKeys"> | undefined;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const DAY_MS = 86_400_000;
const EXPIRY_WARNING_DAYS = 14;
/** Beyond it a message to a front could not hold them (control/json-lines.ts). */
const MATERIAL_CHARS_MAX = 900_000;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** One listener's. `nowMs`: since the epoch. */
export function readCertificates(tls: TlsConfig, nowMs: number): CertificateReading {
  const problems: string[] = [];
  const warnings: string[] = [];
  const judge = new Judge(nowMs, problems, warnings);
  const pairs = tls.certificates.flatMap((files) => judge.pair(files) ?? []);
  const clientCa = tls.clientCa === "" ? "" : (judge.authorities(tls.clientCa) ?? "");
  const material = { pairs, clientCa };
  if (problems.length === 0) judge.whole(tls, material);
  return { material: problems.length === 0 ? material : undefined, problems, warnings };
}

/** The files that a listener's certificates come from, each once. */
export function filesOf(tls: TlsConfig): string[] {
  const files = tls.certificates.flatMap(({ certificate, key }) => [certificate, key]);
  return [...new Set(tls.clientCa === "" ? files : [...files, tls.clientCa])];
}

/** Whether two readings are the same. */
export function fingerprint(material: Omit<TlsMaterial, "ticketKeys">): string {
  return createHash("sha256")
    .update(JSON.stringify([material.pairs, material.clientCa]))
    .digest("hex");
}

class Judge {
  readonly #nowMs: number;
  readonly #problems: string[];
  readonly #warnings: string[];

  constructor(nowMs: number, problems: string[], warnings: string[]) {
    this.#nowMs = nowMs;
    this.#problems = problems;
    this.#warnings = warnings;
  }

  pair(files: CertificateFiles): KeyPair | undefined {
    const certificate = this.#read(files.certificate, "certificate");
    const keyText = files.key === files.certificate ? certificate : this.#read(files.key, "private key");
    const own = certificate === undefined ? undefined : this.#certificate(files.certificate, certificate);
    const key = keyText === undefined ? undefined : this.#key(files, keyText);
    if (certificate === undefined || own === undefined || key === undefined) return undefined;
    this.#date(files.certificate, own);
    if (!own.checkPrivateKey(key)) return this.#complain(mismatch(files));
    const pem = key.export({ type: "pkcs8", format: "pem" }).toString();
    return { certificate: (certificate.match(PEM_CERTIFICATE) ?? []).join("\n"), key: pem };
  }

  authorities(file: string): string | undefined {
    const text = this.#read(file, "file of --ca-certs");
    if (text === undefined) return undefined;
    const found = text.match(PEM_CERTIFICATE) ?? [];
    if (found.length === 0) return this.#complain(`${file} holds no certificate in PEM form`);
    if (found.some((pem) => parse(pem) === undefined)) {
      return this.#complain(`${file} holds a certificate that cannot be read; is it whole?`);
    }
    return found.join("\n");
  }

  /** What only OpenSSL can say: ciphers, keys that are too weak for it. */
  whole(tls: TlsConfig, { pairs, clientCa }: Omit<TlsMaterial, "ticketKeys">): void {
    const chars = pairs.reduce(
      (sum, pair) => sum + pair.certificate.length + pair.key.length,
      clientCa.length,
    );
    if (chars > MATERIAL_CHARS_MAX) {
      this.#complain(
        `certificates of one listener hold ${chars} characters; ${MATERIAL_CHARS_MAX} are allowed`,
      );
    }
    pairs.forEach(({ certificate, key }, index) => {
      const files = tls.certificates[index];
      try {
        const ciphers = tls.ciphers === "" ? {} : { ciphers: tls.ciphers };
        const { createSecureContext } = process.getBuiltinModule("node:tls"); // 2 MB that most arbiters do not need
        createSecureContext({ cert: certificate, key, minVersion: tls.versionMin, ...ciphers });
      } catch (error) {
        this.#complain(refusalOf(error, tls, files?.certificate ?? ""));
      }
    });
  }

  #read(file: string, what: string): string | undefined {
    try {
      return readFileSync(file, "latin1");
    } catch (error) {
      return this.#complain(
        `the ${what} ${file} cannot be read: ${READ_FAULTS[codeOf(error)] ?? messageOf(error)}`,
      );
    }
  }

  #certificate(file: string, text: string): X509Certificate | undefined {
    const [first] = text.match(PEM_CERTIFICATE) ?? [];
    if (first === undefined) {
      return this.#complain(`${file} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)`);
    }
    const own = parse(first);
    return own ?? this.#complain(`the certificate in ${file} cannot be read; is it whole?`);
  }

  #key({ key: file, certificate, password }: CertificateFiles, text: string): KeyObject | undefined {
    if (!text.includes("PRIVATE KEY-----")) {
      const advice = file === certificate ? "; name the key's own file by --keyfile" : "";
      return this.#complain(
        `${file} holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)${advice}`,
      );
    }
    try {
      return createPrivateKey(password === "" ? { key: text } : { key: text, passphrase: password });
    } catch (error) {
      const isEncrypted = text.includes("ENCRYPTED");
      const fault = keyFault(error, { isEncrypted, password });
      return this.#complain(`the private key ${file} cannot be used: ${fault}`);
    }
  }

  /** Clients refuse such a certificate, but a server that does not start serves nobody: it is the operator's to judge. */
  #date(file: string, { validFrom, validTo }: X509Certificate): void {
    const days = Math.floor((Date.parse(validTo) - this.#nowMs) / DAY_MS);
    if (Date.parse(validTo) <= this.#nowMs) {
      this.#warnings.push(`the certificate ${file} expired on ${validTo}: clients will refuse it; renew it`);
    } else if (Date.parse(validFrom) > this.#nowMs) {
      this.#warnings.push(`the certificate ${file} is not valid before ${validFrom}: clients will refuse it`);
    } else if (days < EXPIRY_WARNING_DAYS) {
      this.#warnings.push(`the certificate ${file} expires in ${days} days, on ${validTo}: renew it`);
    }
  }

  #complain(problem: string): undefined {
    this.#problems.push(problem);
    return undefined;
  }
}

const READ_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied; the user that starts the server must be able to read it",
  EISDIR: "it is a folder",
};

function mismatch({ certificate, key }: CertificateFiles): string {
  return certificate === key
    ? `the private key in ${key} does not belong to the first certificate there: the server's own comes first`
    : `the private key ${key} does not belong to the first certificate in ${certificate}`;
}

/** One wrong password in some hundreds makes text with a good padding of the key: then only what it decrypts to is refused. */
function keyFault(error: unknown, key: { readonly isEncrypted: boolean; readonly password: string }): string {
  const code = codeOf(error);
  if (NEEDS_PASSWORD.has(code)) return "it is encrypted, give its password by --ssl-keyfile-password";
  if (key.password !== "" && code === "ERR_OSSL_BAD_DECRYPT") {
    return "the password of --ssl-keyfile-password is wrong";
  }
  if (key.isEncrypted && key.password !== "") {
    return `the password of --ssl-keyfile-password is wrong, or the file is not whole (${messageOf(error)})`;
  }
  return `${messageOf(error)}; is it whole?`;
}

/** Which of them depends on OpenSSL's version and the key's form. */
const NEEDS_PASSWORD: ReadonlySet<string> = new Set([
  "ERR_MISSING_PASSPHRASE",
  "ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED",
]);

function refusalOf(error: unknown, { ciphers }: TlsConfig, certificate: string): string {
  if (/no cipher match/i.test(messageOf(error)) || codeOf(error) === "ERR_INVALID_ARG_VALUE") {
    return `--ciphers ${ciphers}: OpenSSL knows none of them; "openssl ciphers -v" lists those it has`;
  }
  return `OpenSSL does not take the certificate ${certificate} with its key: ${messageOf(error)}`;
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // Not a certificate, whatever it says: the caller names the file.
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error ? systemErrorCode(error) : "";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
