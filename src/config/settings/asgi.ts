// Settings: how an ASGI application is run, and WebSockets.

import { duration, size } from "../quantity.ts";
import { inert, type SettingsOf, SUPPORTED } from "../setting.ts";
import { choice, commaList, count, PREFIX, SWITCH, scalar, TRUTH, type ValueType } from "../value-type.ts";

export interface AsgiValues {
  readonly asgi_loop: string;
  readonly asgi_lifespan: "auto" | "on" | "off";
  readonly lifespan_timeout: number;
  readonly lifespan_shutdown_timeout: number;
  readonly asgi_disconnect_grace_period: number;
  readonly loop_blocked: number;
  readonly root_path: string;
  readonly reset_contextvars: boolean;
  readonly ws: "auto" | "none" | "websockets" | "websockets-sansio" | "wsproto";
  readonly websocket_max_message_size: number;
  readonly ws_max_queue: number;
  readonly ws_ping_interval: number;
  readonly ws_ping_timeout: number;
  readonly ws_per_message_deflate: boolean;
  readonly ws_allowed_origins: readonly string[];
}

const IDENTIFIERS = String.raw`[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*`;
const FACTORY = new RegExp(`^${IDENTIFIERS}:${IDENTIFIERS}$`, "u");

const LOOP: ValueType<string> = scalar(
  "LOOP",
  "expected auto, asyncio, uvloop, or MODULE:FACTORY of another event loop",
  (value) => {
    const word = value.trim();
    return ["auto", "asyncio", "uvloop"].includes(word) || FACTORY.test(word) ? word : undefined;
  },
);

/** As browsers write it (RFC 6454 §6.2), `null` for pages without an origin, or *. */
const ORIGIN: ValueType<string> = scalar(
  "ORIGIN",
  "expected an origin such as https://example.org or https://example.org:8443, null, or *",
  (value) => {
    const origin = value.trim().toLowerCase();
    return /^(?:\*|null|[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?)$/.test(origin)
      ? origin
      : undefined;
  },
);
const ORIGIN_LIST = commaList(ORIGIN);

/** Origins between commas; the flag can be repeated. */
const ORIGINS: ValueType<readonly string[]> = {
  ...ORIGIN_LIST,
  repeats: true,
  read: (given) => ORIGIN_LIST.read(Array.isArray(given) ? given.join(",") : given),
};

const SECTION = "ASGI and WebSocket";

export const ASGI_SETTINGS: SettingsOf<AsgiValues> = {
  asgi_loop: {
    section: SECTION,
    flags: ["--asgi-loop"],
    uvicorn: ["--loop"],
    type: LOOP,
    byDefault: "auto",
    doc: "The event loop of asgi workers: auto takes uvloop where it is installed, else asyncio's. MODULE:FACTORY names a function without arguments that makes one.",
    status: SUPPORTED,
  },
  asgi_lifespan: {
    section: SECTION,
    flags: ["--asgi-lifespan"],
    uvicorn: ["--lifespan"],
    type: choice(["auto", "on", "off"]),
    byDefault: "auto",
    doc: "Whether the application is told of start and stop (ASGI lifespan): auto tells it and serves without where it knows nothing of it; on takes that for a failed start; off never tells it.",
    status: SUPPORTED,
  },
  lifespan_timeout: {
    section: SECTION,
    flags: ["--lifespan-timeout"],
    type: duration(0),
    byDefault: 0,
    defaultText: "0: as --boot-timeout",
    doc: "How long lifespan startup may take; --boot-timeout bounds the whole start in any case.",
    status: SUPPORTED,
  },
  lifespan_shutdown_timeout: {
    section: SECTION,
    flags: ["--lifespan-shutdown-timeout"],
    type: duration(1),
    byDefault: 30_000,
    doc: "How long lifespan shutdown may take, once no request runs any more. The time of a graceful stop bounds it as well.",
    status: SUPPORTED,
  },
  asgi_disconnect_grace_period: {
    section: SECTION,
    flags: ["--asgi-disconnect-grace-period"],
    type: duration(0),
    byDefault: 0,
    defaultText: "0: never cancel",
    doc: "How long an ASGI application may go on after its client left before its task is cancelled. It hears of it at once (http.disconnect); uvicorn never cancels, gunicorn does after 3 seconds.",
    status: SUPPORTED,
  },
  loop_blocked: {
    section: SECTION,
    flags: ["--loop-blocked"],
    type: duration(0),
    byDefault: 1000,
    doc: "How long an event loop may be held up by one call of the application before the log says where; 0 never looks.",
    status: SUPPORTED,
  },
  root_path: {
    section: SECTION,
    flags: ["--root-path"],
    uvicorn: ["--root-path"],
    type: PREFIX,
    byDefault: "",
    doc: "The path below which a proxy shows the application and which the proxy takes off: ASGI's root_path. As uvicorn has it, path and raw_path get it in front of what was requested; for WSGI it is SCRIPT_NAME where nothing else names one.",
    status: SUPPORTED,
  },
  reset_contextvars: {
    section: SECTION,
    flags: [],
    uvicorn: ["--reset-contextvars"],
    type: SWITCH,
    byDefault: false,
    doc: "As uvicorn has it: run each request in a fresh context.",
    status: inert("each request runs in a context of its own in any case"),
  },
  ws: {
    section: SECTION,
    flags: [],
    uvicorn: ["--ws"],
    type: choice(["auto", "none", "websockets", "websockets-sansio", "wsproto"]),
    byDefault: "auto",
    doc: "Whether WebSockets are served: none never does. As uvicorn has it, the others name a library; here the front speaks WebSocket itself, so they all mean auto.",
    status: SUPPORTED,
  },
  websocket_max_message_size: {
    section: SECTION,
    flags: ["--websocket-max-message-size"],
    uvicorn: ["--ws-max-size"],
    type: size(0, 2 ** 31 - 1),
    byDefault: 2 ** 24,
    doc: "Bytes of one WebSocket message from a client, decompressed; close code 1009 beyond. 0 means no limit.",
    status: SUPPORTED,
  },
  ws_max_queue: {
    section: SECTION,
    flags: [],
    uvicorn: ["--ws-max-queue"],
    type: count(1, 1_000_000),
    byDefault: 32,
    doc: "Messages of one WebSocket that may wait for the application; its client is paused while there are more.",
    status: SUPPORTED,
  },
  ws_ping_interval: {
    section: SECTION,
    flags: [],
    uvicorn: ["--ws-ping-interval"],
    type: duration(0),
    byDefault: 20_000,
    doc: "The time between two pings to a WebSocket's client; 0 sends none.",
    status: SUPPORTED,
  },
  ws_ping_timeout: {
    section: SECTION,
    flags: [],
    uvicorn: ["--ws-ping-timeout"],
    type: duration(0),
    byDefault: 20_000,
    doc: "How long a client may take to answer a ping before its WebSocket is given up; 0 waits for ever.",
    status: SUPPORTED,
  },
  ws_per_message_deflate: {
    section: SECTION,
    flags: [],
    uvicorn: ["--ws-per-message-deflate"],
    type: TRUTH,
    byDefault: true,
    doc: "Compress WebSocket messages where the client can (RFC 7692).",
    status: SUPPORTED,
  },
  ws_allowed_origins: {
    section: SECTION,
    flags: ["--ws-allowed-origins"],
    type: ORIGINS,
    byDefault: [],
    defaultText: "any",
    doc: "Origins whose pages may open a WebSocket; others are answered 403. A handshake without an Origin field comes from no browser and passes.",
    status: SUPPORTED,
  },
};
