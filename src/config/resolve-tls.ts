// Which listeners of a command line speak TLS, and with what. Whether the files are any good is arbiter/certificates.ts's to see.

import { resolve as resolvePath } from "node:path";
import type { Origins } from "./layer.ts";
import {
  type Address,
  type CertificateFiles,
  type ListenerConfig,
  plainListener,
  type TlsConfig,
} from "./listener.ts";
import type { Problem } from "./problem.ts";
import type { Values } from "./settings.ts";

/** Python's numbers: ssl.CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED. */
const CLIENT_CERTIFICATE = ["none", "optional", "required"] as const;
const TLS_PORT_DEFAULT = 443;
/** hstspreload.org: a year. */
const PRELOAD_SECONDS_MIN = 31_536_000;

interface TlsResolution {
  readonly values: Values;
  readonly origins: Origins;
  readonly chdir: string;
  readonly problems: Problem[];
  readonly warnings: string[];
}

/** Those of --metrics come last. */
export function resolveListeners(bind: readonly Address[], around: TlsResolution): readonly ListenerConfig[] {
  const metrics = around.values.metrics.map((address) => ({
    ...plainListener(address),
    servesMetrics: true,
  }));
  return [...resolveClientListeners(bind, around), ...metrics];
}

/** As gunicorn: with a certificate every address speaks TLS. Those of --https-redirect come behind, in plain text. */
function resolveClientListeners(bind: readonly Address[], around: TlsResolution): readonly ListenerConfig[] {
  const tls = resolveTls(around);
  const { https_redirect: redirects, protocol, proxy_protocol: proxyProtocol } = around.values;
  const versions = resolveVersions(around.values);
  const cleartextH2 = around.values.http2_cleartext === "prior-knowledge";
  const spoken = { tls, protocol, proxyProtocol, versions, cleartextH2 };
  const served = bind.map((address) => ({ ...plainListener(address), ...spoken }));
  if (redirects.length === 0) return served;
  if (tls === null) complain(around, "https_redirect", "needs a certificate to redirect to: --certfile");
  const port = bind.find((address) => address.kind === "tcp")?.port ?? 0;
  const redirectToTlsPort = port === 0 ? TLS_PORT_DEFAULT : port;
  return [
    ...served,
    ...redirects.map((address) => ({ ...plainListener(address), proxyProtocol, redirectToTlsPort })),
  ];
}

/** In the order of preference. */
function resolveVersions({ http2, http_protocols }: Values): ListenerConfig["versions"] {
  if (!http2) return ["h1"];
  return http_protocols.split(",").map((name) => (name === "h2" ? "h2" : "h1"));
}

function resolveTls(around: TlsResolution): TlsConfig | null {
  const { values, chdir } = around;
  const certificates = resolveCertificates(around);
  checkClients(around);
  if (certificates.length === 0) return null;
  return {
    certificates,
    clientCa: values.ca_certs === "" ? "" : resolvePath(chdir, values.ca_certs),
    clientCertificate: CLIENT_CERTIFICATE[values.cert_reqs] ?? "none",
    ciphers: values.ciphers,
    versionMin: values.tls_version_min === "tlsv1.3" ? "TLSv1.3" : "TLSv1.2",
    handshakeTimeoutMs: values.tls_handshake_timeout,
  };
}

function resolveCertificates(around: TlsResolution): CertificateFiles[] {
  const { values, chdir } = around;
  const { certfile, keyfile } = values;
  if (certfile === "" && keyfile !== "") complain(around, "keyfile", "needs --certfile beside it");
  const pairs = certfile === "" ? [] : [{ certificate: certfile, key: keyfile }];
  return [...pairs, ...values.tls_certificate].map(({ certificate, key }) => ({
    certificate: resolvePath(chdir, certificate),
    key: resolvePath(chdir, key === "" ? certificate : key),
    password: values.keyfile_password,
  }));
}

function checkClients(around: TlsResolution): void {
  const { values, warnings } = around;
  const isAsked = values.cert_reqs > 0;
  if (isAsked && values.ca_certs === "") {
    complain(around, "cert_reqs", "needs --ca-certs: who signs the clients' certificates");
  }
  if (!isAsked && values.ca_certs !== "") {
    warnings.push("--ca-certs has no effect without --cert-reqs: clients are not asked for certificates");
  }
}

/** Strict-Transport-Security's value (RFC 6797 §6.1). */
export function resolveHsts(around: Omit<TlsResolution, "chdir">): string {
  const { hsts, hsts_subdomains, hsts_preload } = around.values;
  if (hsts_preload && (hsts < PRELOAD_SECONDS_MIN || !hsts_subdomains)) {
    complain(around, "hsts_preload", `needs --hsts ${PRELOAD_SECONDS_MIN} or more, and --hsts-subdomains`);
  }
  if (hsts_subdomains && hsts === 0) complain(around, "hsts_subdomains", "needs --hsts beside it");
  if (hsts === 0) return "";
  return `max-age=${hsts}${hsts_subdomains ? "; includeSubDomains" : ""}${hsts_preload ? "; preload" : ""}`;
}

function complain(
  { origins, problems }: Pick<TlsResolution, "origins" | "problems">,
  name: keyof Values,
  reason: string,
): void {
  problems.push({ where: origins[name].text, given: undefined, reason });
}
