// Settings: TLS and HTTP/2. All of them wait for their features.

import { inert, refused, type SettingsOf } from "../setting.ts";
import { choice, count, SWITCH, text } from "../value-type.ts";

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
  readonly http_protocols: string;
  readonly http2: boolean;
  readonly http2_cleartext: string;
  readonly http2_max_concurrent_streams: number;
  readonly http2_initial_window_size: number;
  readonly http2_max_frame_size: number;
  readonly http2_max_header_list_size: number;
}

const TLS = refused("TLS", "end it in a proxy in front of the server");
const HTTP2 = refused("HTTP/2");

export const TLS_SETTINGS: SettingsOf<TlsValues> = {
  keyfile: {
    section: "TLS and HTTP/2",
    flags: ["--keyfile"],
    uvicorn: ["--ssl-keyfile"],
    type: text("FILE"),
    byDefault: "",
    doc: "The private key.",
    status: TLS,
  },
  certfile: {
    section: "TLS and HTTP/2",
    flags: ["--certfile"],
    uvicorn: ["--ssl-certfile"],
    type: text("FILE"),
    byDefault: "",
    doc: "The certificate.",
    status: TLS,
  },
  keyfile_password: {
    section: "TLS and HTTP/2",
    flags: [],
    uvicorn: ["--ssl-keyfile-password"],
    type: text("PASSWORD"),
    byDefault: "",
    doc: "The private key's password.",
    status: TLS,
  },
  ssl_version: {
    section: "TLS and HTTP/2",
    flags: ["--ssl-version"],
    uvicorn: ["--ssl-version"],
    type: text("VERSION"),
    byDefault: "",
    doc: "The TLS version, which gunicorn does not read any more.",
    status: inert("gunicorn ignores it too; there is no TLS in this release"),
  },
  cert_reqs: {
    section: "TLS and HTTP/2",
    flags: ["--cert-reqs"],
    uvicorn: ["--ssl-cert-reqs"],
    type: count(0, 2),
    byDefault: 0,
    doc: "Whether clients need a certificate: 0 no, 1 if they have one, 2 yes.",
    status: TLS,
  },
  ca_certs: {
    section: "TLS and HTTP/2",
    flags: ["--ca-certs"],
    uvicorn: ["--ssl-ca-certs"],
    type: text("FILE"),
    byDefault: "",
    doc: "Who signs the clients' certificates.",
    status: TLS,
  },
  suppress_ragged_eofs: {
    section: "TLS and HTTP/2",
    flags: ["--suppress-ragged-eofs"],
    type: SWITCH,
    byDefault: true,
    doc: "Take a connection's end without TLS's own for a normal one.",
    status: TLS,
  },
  do_handshake_on_connect: {
    section: "TLS and HTTP/2",
    flags: ["--do-handshake-on-connect"],
    type: SWITCH,
    byDefault: false,
    doc: "gunicorn's moment of the handshake.",
    status: TLS,
  },
  ciphers: {
    section: "TLS and HTTP/2",
    flags: ["--ciphers"],
    uvicorn: ["--ssl-ciphers"],
    type: text("LIST"),
    byDefault: "",
    doc: "Allowed ciphers, as OpenSSL writes them.",
    status: TLS,
  },
  http_protocols: {
    section: "TLS and HTTP/2",
    flags: ["--http-protocols"],
    type: text("LIST"),
    byDefault: "h1",
    doc: "Versions of HTTP to offer: h1, or h2,h1.",
    status: HTTP2,
  },
  http2: {
    section: "TLS and HTTP/2",
    flags: [],
    uvicorn: ["--http2", "--no-http2"],
    fixed: { "--no-http2": false },
    type: SWITCH,
    byDefault: false,
    doc: "As uvicorn has it: offer HTTP/2.",
    status: HTTP2,
  },
  http2_cleartext: {
    section: "TLS and HTTP/2",
    flags: ["--http2-cleartext"],
    type: choice(["off", "prior-knowledge", "upgrade", "both"]),
    byDefault: "off",
    doc: "HTTP/2 without TLS.",
    status: HTTP2,
  },
  http2_max_concurrent_streams: {
    section: "TLS and HTTP/2",
    flags: ["--http2-max-concurrent-streams"],
    type: count(1),
    byDefault: 100,
    doc: "Streams of one connection at a time.",
    status: HTTP2,
  },
  http2_initial_window_size: {
    section: "TLS and HTTP/2",
    flags: ["--http2-initial-window-size"],
    type: count(0, 2 ** 31 - 1),
    byDefault: 65_535,
    doc: "Bytes that a stream may send unasked.",
    status: HTTP2,
  },
  http2_max_frame_size: {
    section: "TLS and HTTP/2",
    flags: ["--http2-max-frame-size"],
    type: count(16_384, 16_777_215),
    byDefault: 16_384,
    doc: "Bytes of one frame.",
    status: HTTP2,
  },
  http2_max_header_list_size: {
    section: "TLS and HTTP/2",
    flags: ["--http2-max-header-list-size"],
    type: count(0),
    byDefault: 65_536,
    doc: "Bytes of all header fields of a request.",
    status: HTTP2,
  },
};
