// A certificate for servers under test, as most sites have one: ECDSA P-256.

import { execFileSync } from "node:child_process";
import { join } from "node:path";

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** The same for each server of a run: signed by nobody but itself. */
export function writeCertificate(folder: string): Certificate {
  const files = { certificate: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const out = ["-keyout", files.key, "-out", files.certificate];
  execFileSync("openssl", ["req", "-x509", ...kind, ...names, ...out], { stdio: "pipe" });
  return files;
}
