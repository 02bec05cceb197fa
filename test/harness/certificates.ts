// Certificates for tests, made by the openssl of this machine: an authority, and what it signs. Keys are ECDSA P-256.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { TlsConfig } from "../../src/config/listener.ts";
import type { TlsMaterial } from "../../src/config/tls-material.ts";

export interface Issued {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

export interface IssueOptions {
  /** DNS names; the first is the common name. */
  readonly names: readonly string[];
  /** How long it is valid; less than 0: it has expired. */
  readonly days?: number;
  /** The subject, as `/O=Example/CN=alice`. */
  readonly subject?: string;
}

/** Why tests that need certificates are left out, or false. */
export const NO_OPENSSL: string | false = hasOpenssl() ? false : "openssl is not installed";

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    // Not there, or not to be run: the tests say so.
    return false;
  }
}

export class Authority {
  /** Everything is made here. */
  readonly folder: string;
  readonly certificate: string;
  readonly #key: string;
  #count = 0;

  constructor(t: TestContext, name = "Test Authority") {
    this.folder = mkdtempSync(join(tmpdir(), "tunicorn-test-"));
    t.after(() => rmSync(this.folder, { recursive: true, force: true }));
    this.certificate = join(this.folder, "ca.pem");
    this.#key = join(this.folder, "ca.key");
    makeKey(this.#key);
    openssl(
      "req",
      "-x509",
      "-new",
      "-key",
      this.#key,
      "-out",
      this.certificate,
      "-days",
      "30",
      "-subj",
      `/CN=${name}`,
    );
  }

  issue({ names, days = 30, subject = `/CN=${names[0]}` }: IssueOptions): Issued {
    const place = join(this.folder, `${++this.#count}`);
    const issued = { certificate: `${place}.pem`, key: `${place}.key` };
    makeKey(issued.key);
    openssl("req", "-new", "-utf8", "-key", issued.key, "-out", `${place}.csr`, "-subj", subject);
    const addresses = names.includes("localhost") ? ",IP:127.0.0.1" : "";
    writeFileSync(
      `${place}.ext`,
      `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}${addresses}\n`,
    );
    const serial = `0x${(0xab00 + this.#count).toString(16)}`;
    const signer = ["-CA", this.certificate, "-CAkey", this.#key, "-set_serial", serial, "-days", `${days}`];
    openssl(
      ...["x509", "-req", "-in", `${place}.csr`, "-out", issued.certificate, "-extfile", `${place}.ext`],
      ...signer,
    );
    return issued;
  }

  /** The same key, encrypted. */
  encrypt({ key }: Issued, password: string): string {
    const path = `${key}.encrypted`;
    openssl("pkcs8", "-topk8", "-in", key, "-out", path, "-passout", `pass:${password}`);
    return path;
  }
}

function makeKey(path: string): void {
  openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path);
}

function openssl(...argv: string[]): void {
  execFileSync("openssl", argv, { stdio: "pipe" });
}

/** What a listener is told that shows these. */
export function tlsConfig(issued: readonly Issued[], changes: Partial<TlsConfig> = {}): TlsConfig {
  return {
    certificates: issued.map(({ certificate, key }) => ({ certificate, key, password: "" })),
    clientCa: "",
    clientCertificate: "none",
    ciphers: "",
    versionMin: "TLSv1.2",
    handshakeTimeoutMs: 10_000,
    ...changes,
  };
}

/** What a front gets of them. */
export function materialOf(issued: readonly Issued[], authority?: Authority): TlsMaterial {
  const text = (path: string): string => readFileSync(path, "latin1");
  return {
    pairs: issued.map(({ certificate, key }) => ({ certificate: text(certificate), key: text(key) })),
    clientCa: authority === undefined ? "" : text(authority.certificate),
    ticketKeys: Buffer.alloc(48, 1).toString("base64"),
  };
}
