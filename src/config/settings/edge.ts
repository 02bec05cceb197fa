// Settings: TLS and HTTP/2.

import { ADDRESS } from "../address.ts";
import type { Address } from "../listener.ts";
import { duration } from "../quantity.ts";
import { inert, type SettingsOf, SUPPORTED } from "../setting.ts";
import { choice, count, repeated, SWITCH, scalar, text, type ValueType } from "../value-type.ts";

/** Files as they were named; `key` is "" where the certificate's file holds it. */
export interface CertificateNames {
  readonly certificate: string;
  readonly key: string;
}

/** --print-config is pasted into bug reports. */
const PASSWORD: ValueType<string> = {
  ...text("PASSWORD"),
  show: (value) => (value === "" ? "" : "(not shown)"),
};

const CERTIFICATE: ValueType<CertificateNames> = scalar(
  "CERTFILE[,KEYFILE]",
  "expected the file of a certificate, and behind a comma that of its key",
  (value) => {
    const [certificate = "", key = "", ...rest] = value.split(",").map((part) => part.trim());
    return certificate === "" || rest.length > 0 ? undefined : { certificate, key };
  },
  ({ certificate, key }) => (key === "" ? certificate : `${certificate},${key}`),
);

export interface TlsValues {
  readonly keyfile: string;
  readonly certfile: string;
  readonly keyfile_password: string;
  readonly ssl_version: string;
  readonly cert_reqs: number;
  readonly ca_certs: string;
  readonly suppress_ragged_eofs: boolean;
  readonly do_handshake_on_connect: boolean;
  readonly ciphers: string;
  readonly tls_certificate: readonly CertificateNames[];
  readonly tls_version_min: "tlsv1.2" | "tlsv1.3";
  readonly tls_handshake_timeout: number;
  readonly tls_handshakes: number;
  readonly https_redirect: readonly Address[];
  readonly hsts: number;
  readonly hsts_subdomains: boolean;
  readonly hsts_preload: boolean;
  readonly http_protocols: string;
  readonly http2: boolean;
  readonly http2_cleartext: string;
  readonly http2_max_concurrent_streams: number;
  readonly http2_initial_window_size: number;
  readonly http2_max_frame_size: number;
  readonly http2_max_header_list_size: number;
}

/** `h2,h1`, in any order; `h2` alone, `h1` alone. */
const PROTOCOLS: ValueType<string> = scalar("LIST", "expected h1, h2, or h2,h1", (word) => {
  const names = word
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  const isGood =
    names.every((name) => name === "h1" || name === "h2") && new Set(names).size === names.length;
  return isGood ? names.join(",") : undefined;
});

/** RFC 9113 dropped the upgrade from HTTP/1.1. */
const NO_UPGRADE = "HTTP/2 has no upgrade from HTTP/1.1 any more (RFC 9113 §3.1): use prior-knowledge";

export const TLS_SETTINGS: SettingsOf<TlsValues> = {
  keyfile: {
    section: "TLS and HTTP/2",
    flags: ["--keyfile"],
    uvicorn: ["--ssl-keyfile"],
    type: text("FILE"),
    byDefault: "",
    doc: "The private key of --certfile, PEM; left out where that file holds it. Read by the server's own process, so it may be readable for root alone.",
    status: SUPPORTED,
  },
  certfile: {
    section: "TLS and HTTP/2",
    flags: ["--certfile"],
    uvicorn: ["--ssl-certfile"],
    type: text("FILE"),
    byDefault: "",
    doc: "The certificate, PEM: the server's own first, then the intermediates. With it every address of --bind speaks TLS, 1.2 and newer. Read again when the file changes and at HUP, without a dropped connection.",
    status: SUPPORTED,
  },
  keyfile_password: {
    section: "TLS and HTTP/2",
    flags: [],
    uvicorn: ["--ssl-keyfile-password"],
    type: PASSWORD,
    byDefault: "",
    doc: "What private keys are encrypted with. In UVICORN_SSL_KEYFILE_PASSWORD it does not show in the list of processes.",
    status: SUPPORTED,
  },
  ssl_version: {
    section: "TLS and HTTP/2",
    flags: ["--ssl-version"],
    uvicorn: ["--ssl-version"],
    type: text("VERSION"),
    byDefault: "",
    doc: "gunicorn ignores it, uvicorn passes it to Python.",
    status: inert("TLS 1.2 and newer are spoken, for TLS 1.3 alone there is --tls-version-min"),
  },
  cert_reqs: {
    section: "TLS and HTTP/2",
    flags: ["--cert-reqs"],
    uvicorn: ["--ssl-cert-reqs"],
    type: count(0, 2),
    byDefault: 0,
    doc: "Whether clients are asked for a certificate: 0 no, 1 who has one shows it, 2 everybody must. One that --ca-certs has not signed is refused either way.",
    status: SUPPORTED,
  },
  ca_certs: {
    section: "TLS and HTTP/2",
    flags: ["--ca-certs"],
    uvicorn: ["--ssl-ca-certs"],
    type: text("FILE"),
    byDefault: "",
    doc: "Who may sign clients' certificates, PEM; for --cert-reqs.",
    status: SUPPORTED,
  },
  suppress_ragged_eofs: {
    section: "TLS and HTTP/2",
    flags: ["--suppress-ragged-eofs"],
    type: SWITCH,
    byDefault: true,
    doc: "Take a connection's end without TLS's own for a normal one.",
    status: inert(
      "an end of the connection without TLS's own counts as an end; a body that was cut off shows by its framing",
    ),
  },
  do_handshake_on_connect: {
    section: "TLS and HTTP/2",
    flags: ["--do-handshake-on-connect"],
    type: SWITCH,
    byDefault: false,
    doc: "gunicorn's moment of the handshake.",
    status: inert("the handshake comes before the first request, and holds up nobody else"),
  },
  ciphers: {
    section: "TLS and HTTP/2",
    flags: ["--ciphers"],
    uvicorn: ["--ssl-ciphers"],
    type: text("LIST"),
    byDefault: "",
    doc: "Allowed ciphers, as OpenSSL writes them; names of TLS 1.3 begin with TLS_.",
    status: SUPPORTED,
  },
  tls_certificate: {
    section: "TLS and HTTP/2",
    flags: ["--tls-certificate"],
    type: repeated(CERTIFICATE),
    byDefault: [],
    doc: "A further certificate; may be given several times. Each client is shown the one that names the host it asks for (SNI; wildcards count), and --certfile, or else the first one, where none does.",
    status: SUPPORTED,
  },
  tls_version_min: {
    section: "TLS and HTTP/2",
    flags: ["--tls-version-min"],
    type: choice(["tlsv1.2", "tlsv1.3"]),
    byDefault: "tlsv1.2",
    doc: "The oldest version of TLS that is spoken.",
    status: SUPPORTED,
  },
  tls_handshake_timeout: {
    section: "TLS and HTTP/2",
    flags: ["--tls-handshake-timeout"],
    type: duration(1),
    byDefault: 10_000,
    doc: "How long a client may take for its TLS handshake.",
    status: SUPPORTED,
  },
  tls_handshakes: {
    section: "TLS and HTTP/2",
    flags: ["--tls-handshakes"],
    type: count(1),
    byDefault: 1_000,
    doc: "Clients of one front that may be at their TLS handshake at a time. Beyond it, one that has taken longer than a second makes room, else the new one is closed.",
    status: SUPPORTED,
  },
  https_redirect: {
    section: "TLS and HTTP/2",
    flags: ["--https-redirect"],
    type: repeated(ADDRESS),
    byDefault: [],
    doc: "Listen here as well, in plain text, and redirect every request to https on the first port of --bind; may be given several times, as in `--bind :443 --https-redirect :80`.",
    status: SUPPORTED,
  },
  hsts: {
    section: "TLS and HTTP/2",
    flags: ["--hsts"],
    type: count(0, 2 ** 31 - 1),
    byDefault: 0,
    doc: "Seconds for which browsers shall use https alone (Strict-Transport-Security), sent with every response over TLS; 0 sends nothing. Try it with a small number: it cannot be called back.",
    status: SUPPORTED,
  },
  hsts_subdomains: {
    section: "TLS and HTTP/2",
    flags: ["--hsts-subdomains"],
    type: SWITCH,
    byDefault: false,
    doc: "Let --hsts hold for all names below as well.",
    status: SUPPORTED,
  },
  hsts_preload: {
    section: "TLS and HTTP/2",
    flags: ["--hsts-preload"],
    type: SWITCH,
    byDefault: false,
    doc: "Agree, with --hsts, to the lists that browsers are built with (hstspreload.org).",
    status: SUPPORTED,
  },
  http_protocols: {
    section: "TLS and HTTP/2",
    flags: ["--http-protocols"],
    type: PROTOCOLS,
    byDefault: "h2,h1",
    doc: "Versions of HTTP that clients may choose from over TLS (ALPN), the preferred one first.",
    status: SUPPORTED,
  },
  http2: {
    section: "TLS and HTTP/2",
    flags: [],
    uvicorn: ["--http2", "--no-http2"],
    fixed: { "--no-http2": false },
    type: SWITCH,
    byDefault: true,
    doc: "As uvicorn has it: offer HTTP/2 over TLS. Without it --http-protocols is h1.",
    status: SUPPORTED,
  },
  http2_cleartext: {
    section: "TLS and HTTP/2",
    flags: ["--http2-cleartext"],
    type: choice(["off", "prior-knowledge"], { upgrade: NO_UPGRADE, both: NO_UPGRADE }),
    byDefault: "off",
    doc: "HTTP/2 without TLS, beside HTTP/1.1, for clients that begin with it (prior knowledge). Anybody who reaches the port may: bind it where only proxies do.",
    status: SUPPORTED,
  },
  http2_max_concurrent_streams: {
    section: "TLS and HTTP/2",
    flags: ["--http2-max-concurrent-streams"],
    type: count(1, 2 ** 31 - 1),
    byDefault: 100,
    doc: "Requests of one HTTP/2 connection at a time.",
    status: SUPPORTED,
  },
  http2_initial_window_size: {
    section: "TLS and HTTP/2",
    flags: ["--http2-initial-window-size"],
    type: count(1, 2 ** 31 - 1),
    byDefault: 65_535,
    doc: "Bytes of a request's body that a client may send before they are read. A connection may send four times as much.",
    status: SUPPORTED,
  },
  http2_max_frame_size: {
    section: "TLS and HTTP/2",
    flags: ["--http2-max-frame-size"],
    type: count(16_384, 16_777_215),
    byDefault: 16_384,
    doc: "Bytes of one frame that a client may send.",
    status: SUPPORTED,
  },
  http2_max_header_list_size: {
    section: "TLS and HTTP/2",
    flags: ["--http2-max-header-list-size"],
    type: count(0),
    byDefault: 65_536,
    doc: "Bytes of all header fields of an HTTP/2 request, 32 counted for each; 431 beyond. 0: as --limit-request-head has it.",
    status: SUPPORTED,
  },
};
