// Settings: ASGI and WebSocket, TLS and HTTP/2. All of them wait for their features.

import { duration, size } from "../quantity.ts";
import { inert, refused, type SettingsOf } from "../setting.ts";
import { choice, count, SWITCH, TRUTH, text } from "../value-type.ts";

export interface AsgiValues {
  readonly asgi_loop: string;
  readonly asgi_lifespan: string;
  readonly asgi_disconnect_grace_period: number;
  readonly root_path: string;
  readonly reset_contextvars: boolean;
  readonly ws: string;
  readonly websocket_max_message_size: number;
  readonly ws_max_queue: number;
  readonly ws_ping_interval: number;
  readonly ws_ping_timeout: number;
  readonly ws_per_message_deflate: boolean;
}

const ASGI = refused("ASGI", "it comes with the next release");
const WEBSOCKET = refused("WebSocket", "it comes with the next release, together with ASGI");

export const ASGI_SETTINGS: SettingsOf<AsgiValues> = {
  asgi_loop: {
    section: "ASGI and WebSocket",
    flags: ["--asgi-loop"],
    uvicorn: ["--loop"],
    type: text("LOOP"),
    byDefault: "auto",
    doc: "The event loop: auto, asyncio or uvloop.",
    status: ASGI,
  },
  asgi_lifespan: {
    section: "ASGI and WebSocket",
    flags: ["--asgi-lifespan"],
    uvicorn: ["--lifespan"],
    type: choice(["auto", "on", "off"]),
    byDefault: "auto",
    doc: "Whether the application is told of start and stop.",
    status: ASGI,
  },
  asgi_disconnect_grace_period: {
    section: "ASGI and WebSocket",
    flags: ["--asgi-disconnect-grace-period"],
    type: duration(0),
    byDefault: 3000,
    doc: "How long the application may still run after its client left.",
    status: ASGI,
  },
  root_path: {
    section: "ASGI and WebSocket",
    flags: ["--root-path"],
    uvicorn: ["--root-path"],
    type: text("PATH"),
    byDefault: "",
    doc: "The path below which an ASGI application is mounted.",
    status: refused("ASGI's root_path", "for WSGI, use --script-name"),
  },
  reset_contextvars: {
    section: "ASGI and WebSocket",
    flags: ["--reset-contextvars"],
    uvicorn: ["--reset-contextvars"],
    type: SWITCH,
    byDefault: false,
    doc: "As uvicorn has it: run each request in a fresh context.",
    status: ASGI,
  },
  ws: {
    section: "ASGI and WebSocket",
    flags: ["--ws"],
    uvicorn: ["--ws"],
    type: text("NAME"),
    byDefault: "auto",
    doc: "uvicorn's choice of a WebSocket library.",
    status: WEBSOCKET,
  },
  websocket_max_message_size: {
    section: "ASGI and WebSocket",
    flags: ["--websocket-max-message-size"],
    uvicorn: ["--ws-max-size"],
    type: size(0),
    byDefault: 2 ** 24,
    doc: "Bytes of one WebSocket message.",
    status: WEBSOCKET,
  },
  ws_max_queue: {
    section: "ASGI and WebSocket",
    flags: ["--ws-max-queue"],
    uvicorn: ["--ws-max-queue"],
    type: count(0),
    byDefault: 32,
    doc: "As uvicorn has it: messages that wait for the application.",
    status: WEBSOCKET,
  },
  ws_ping_interval: {
    section: "ASGI and WebSocket",
    flags: ["--ws-ping-interval"],
    uvicorn: ["--ws-ping-interval"],
    type: duration(0),
    byDefault: 20_000,
    doc: "As uvicorn has it: the time between two pings.",
    status: WEBSOCKET,
  },
  ws_ping_timeout: {
    section: "ASGI and WebSocket",
    flags: ["--ws-ping-timeout"],
    uvicorn: ["--ws-ping-timeout"],
    type: duration(0),
    byDefault: 20_000,
    doc: "As uvicorn has it: how long a pong may take.",
    status: WEBSOCKET,
  },
  ws_per_message_deflate: {
    section: "ASGI and WebSocket",
    flags: ["--ws-per-message-deflate"],
    uvicorn: ["--ws-per-message-deflate"],
    type: TRUTH,
    byDefault: true,
    doc: "As uvicorn has it: compress messages.",
    status: WEBSOCKET,
  },
};

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
    flags: ["--ssl-keyfile-password"],
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
    flags: ["--http2"],
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
