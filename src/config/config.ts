// The settings of a running server, resolved, validated and frozen. Made by config/load.ts, sent to every process as JSON.
// Lengths of time are milliseconds here, seconds (as gunicorn and uvicorn have them) where users write them.

import type { Address, ListenerConfig } from "./listener.ts";
import type { Route } from "./route.ts";

/** `auto`: the application says by its kind, once it is loaded: asgi, else sync, or gthread with several threads. */
export type WorkerClass = "auto" | "sync" | "gthread" | "asgi";
/** What the application speaks; `auto`: the worker looks (and looks no further than asgi2 or asgi3 in an asgi worker). */
export type Interface = "auto" | "wsgi" | "asgi3" | "asgi2";
/** Where metrics go. */
export type StatsdTarget =
  | { readonly kind: "off" }
  | { readonly kind: "udp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };
export type LogLevel = "trace" | "debug" | "info" | "warning" | "error" | "critical";

/** Development: new code is served as soon as it is saved, and errors are shown with their source. All paths are absolute. */
export interface ReloadConfig {
  readonly isOn: boolean;
  readonly folders: readonly string[];
  /** Patterns of file names that count as code. */
  readonly includes: readonly string[];
  /** Patterns of file names that do not count, and folders. */
  readonly excludes: readonly string[];
  /** Files and patterns that count wherever they are. */
  readonly extraFiles: readonly string[];
  /** Files are looked at, since the system tells nothing of them. */
  readonly polls: boolean;
  /** From the last change to the new start. */
  readonly delayMs: number;
}

export interface Config {
  /** `module:attr`, a dotted attribute, a factory call with literals, or a path to a .py file. */
  readonly app: string;
  /** Never empty. Listeners that systemd hands over (LISTEN_FDS) take their place. */
  readonly bind: readonly Address[];
  /** One for each address of `bind`, in its order. */
  readonly listeners: readonly ListenerConfig[];
  /** In order; the last one of a command line takes everything to its application. */
  readonly routes: readonly Route[];
  readonly backlog: number;
  /** SO_REUSEPORT on TCP sockets: other servers may open the same address. */
  readonly reusePort: boolean;
  /** "" keeps the user or group that runs the server; names or numbers. */
  readonly unixSocket: { readonly mode: number; readonly user: string; readonly group: string };

  /** At the start. */
  readonly workers: number;
  /** The bounds between which the arbiter adds and removes workers by itself; both are `workers` when it does not. */
  readonly workersMin: number;
  readonly workersMax: number;
  /** An elastic worker that nobody needed for so long is removed. */
  readonly workersIdleMs: number;
  readonly fronts: number;
  readonly workerClass: WorkerClass;
  readonly interface: Interface;
  readonly threads: number;
  /** Requests and WebSockets an asgi worker may run at once: its slots. */
  readonly workerConnections: number;
  /** Per worker: what runs and waits beyond it is answered 503 at once (uvicorn's limit_concurrency). 0: no such limit. */
  readonly limitConcurrency: number;
  /** Answers after which a worker is replaced; 0 never. */
  readonly maxRequests: number;
  /** Added to maxRequests at random, 0 up to this, for each worker. */
  readonly maxRequestsJitter: number;
  /** Age at which a worker is replaced; 0 never. The jitter is added at random, 0 up to it, for each worker. */
  readonly workersLifetimeMs: number;
  readonly workersLifetimeJitterMs: number;
  /** Resident memory beyond which a worker is replaced; 0 never. */
  readonly workersMaxRssBytes: number;
  /** "" to search (config/interpreter.ts); a name without a slash is looked up in PATH. */
  readonly python: string;
  /** Absolute. */
  readonly chdir: string;
  /** Absolute; the first comes first on Python's path. */
  readonly pythonPath: readonly string[];
  /** Set for the application, whatever it inherits: --env, and what --env-file adds to the inherited environment. */
  readonly env: readonly (readonly [string, string])[];

  /** `auto`, `asyncio`, `uvloop`, or `module:factory` that makes an event loop. */
  readonly loop: string;
  readonly lifespan: "auto" | "on" | "off";
  /** Of lifespan.startup; never more than bootTimeoutMs, which bounds the whole boot. */
  readonly lifespanTimeoutMs: number;
  /** Of lifespan.shutdown; the time of a graceful stop bounds it as well. */
  readonly lifespanShutdownTimeoutMs: number;
  /** From http.disconnect to the cancelling of the request's task; 0 never cancels. */
  readonly asgiDisconnectGraceMs: number;
  /** An asgi worker's event loop that does not turn for so long is reported with its stack; 0 never. */
  readonly loopBlockedMs: number;
  /** ASGI's root_path, which path and raw_path begin with. Never ends in a slash. */
  readonly rootPath: string;

  /** For one request in a sync or gthread worker; in an asgi worker, for the event loop to turn. 0: no limit. */
  readonly timeoutMs: number;
  readonly gracefulTimeoutMs: number;
  /** From the moment when a worker or a front is to go to the cutting of its event streams; never more than gracefulTimeoutMs. */
  readonly streamGraceMs: number;
  readonly bootTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly headTimeoutMs: number;
  /** Deadline of a request body: this, plus its length at `bodyRateMin` bytes per second. */
  readonly bodyTimeoutMs: number;
  readonly bodyRateMin: number;
  /** A response of which the client takes no byte for so long is given up. */
  readonly responseStallMs: number;
  readonly lingerMs: number;
  readonly connectionsMax: number;
  /** 0: as many as there are. */
  readonly connectionsPerClient: number;
  /** What clients may make one front hold in memory; 0: by the machine. */
  readonly clientMemoryBytes: number;
  /** Clients of one front at their TLS handshake at a time. */
  readonly tlsHandshakesMax: number;
  /** Value of Strict-Transport-Security on responses over TLS; "" sends none. */
  readonly hsts: string;

  /** Bytes of a whole request head. */
  readonly limitRequestHead: number;
  readonly limitRequestLine: number;
  readonly limitRequestFields: number;
  readonly limitRequestFieldSize: number;
  readonly bodyBytesMax: number;
  readonly bodyMemoryBytes: number;
  readonly responseBufferBytes: number;
  /** What of one response may wait for its client in a temporary file; 0: none does. */
  readonly responseSpillBytes: number;
  /** The same for all responses of a front together. */
  readonly responseSpillTotalBytes: number;
  readonly permitObsoleteFolding: boolean;
  readonly stripHeaderSpaces: boolean;
  readonly permitUnconventionalHttpMethod: boolean;
  readonly permitUnconventionalHttpVersion: boolean;
  readonly casefoldHttpMethod: boolean;

  readonly queueMax: number;
  readonly queueTimeoutMs: number;
  readonly requestsAheadMax: number;

  /** What HTTP/2 clients are told (RFC 9113 §6.5.2): streams at a time, a stream's window, a frame, a request's field list. */
  readonly http2: {
    readonly streamsMax: number;
    readonly windowBytes: number;
    readonly frameBytesMax: number;
    readonly listBytesMax: number;
  };

  /** False: WebSocket handshakes are answered as any other request, and no application sees them as such. */
  readonly wsEnabled: boolean;
  /** Bytes of one message, after decompression; 0 means no limit. */
  readonly wsMaxSize: number;
  /** Messages of one connection that may wait for the application before its client is paused. */
  readonly wsMaxQueue: number;
  /** 0 sends no pings. */
  readonly wsPingIntervalMs: number;
  /** 0 waits for pongs for ever. */
  readonly wsPingTimeoutMs: number;
  readonly wsPerMessageDeflate: boolean;
  /** Origins that may open a WebSocket, in lower case as browsers send them (`https://example.org`); empty or "*": any. */
  readonly wsAllowedOrigins: readonly string[];

  /**
   * Whether forwarding fields of trusted peers change what the application sees of its client.
   * `auto`: ASGI gets client (X-Forwarded-For) and scheme as uvicorn has it; WSGI the scheme only, as gunicorn has it.
   * `on`: WSGI gets REMOTE_ADDR from X-Forwarded-For as well. `off`: nobody is believed, for either.
   */
  readonly proxyHeaders: "auto" | "on" | "off";
  /** IPs, CIDRs, names that stand for themselves, or "*". Unix socket peers are always trusted (gunicorn). */
  readonly forwardedAllowIps: readonly string[];
  /** What becomes of forwarding fields of others. */
  readonly forwardedUntrusted: "pass" | "strip";
  /** Who may connect where a listener's `proxyProtocol` is on; as forwardedAllowIps. */
  readonly proxyAllowIps: readonly string[];
  /** Who may connect where a listener's `protocol` is another than http; as forwardedAllowIps. */
  readonly gatewayAllowIps: readonly string[];
  /** Field names in upper case with dashes, as gunicorn has them. */
  readonly secureSchemeHeaders: Readonly<Record<string, string>>;
  /** Field names in upper case, or "*". */
  readonly forwarderHeaders: readonly string[];
  readonly headerMap: "drop" | "refuse" | "dangerous";
  readonly scriptName: string;

  readonly serverHeader: boolean;
  readonly dateHeader: boolean;
  /** Fields for every response of the application, names in lower case; `server` replaces ours. */
  readonly headers: readonly (readonly [string, string])[];

  /** Absolute; below them an application may name files in X-Sendfile. Empty: nowhere. */
  readonly sendfileRoots: readonly string[];
  /** Whether Django's static files, or its media files too, are served from where its settings say. */
  readonly staticDjango: "off" | "static" | "all";

  /** "" off, "-" stdout, else a file. */
  readonly accessLog: string;
  /** The front sends the files that wsgi.file_wrapper wraps; else their bytes come through the worker. */
  readonly fileWrapperDirect: boolean;
  readonly accessLogFormat: string;
  readonly accessLogJson: boolean;
  /** Paths without a line, unless what was asked for failed; one that ends in * stands for all that begin so. */
  readonly accessLogExcept: readonly string[];
  /** Requests that took less have none either; 0: all have. */
  readonly accessLogSlowMs: number;
  /** "-" stderr, else a file. */
  readonly errorLog: string;
  readonly logJson: boolean;
  readonly logLevel: LogLevel;
  /** `auto`: when the log goes to a terminal. */
  readonly useColors: "auto" | "on" | "off";
  /** Absolute path of a file for Python's logging.config (.ini, .json, .yaml) in every worker, or "". */
  readonly logConfig: string;
  /** As logConfig, but always JSON, and stronger. */
  readonly logConfigJson: string;
  /** A dictionary for logging.config, the strongest; empty for none. Objects that are no JSON stay in Python. */
  readonly logConfigDict: Readonly<Record<string, unknown>>;
  /** A class with gunicorn's Logger interface for the application's processes, `module.Class`, or "". */
  readonly loggerClass: string;
  /** What the application prints goes to the error log's file. */
  readonly captureOutput: boolean;
  /** The application is imported once, in the forkserver. */
  readonly preload: boolean;
  readonly procName: string;
  readonly reload: ReloadConfig;
  /** Absolute, or "". */
  readonly pidFile: string;
  readonly isDaemon: boolean;
  readonly inheritsStdio: boolean;
  /** Who runs workers and fronts when root starts the server: names or numbers, "" keeps. */
  readonly user: string;
  readonly group: string;
  readonly initGroups: boolean;
  /** Of the application's processes; -1 keeps the inherited one. unixSocket.mode has it already. */
  readonly umask: number;

  /** "" off; else a path that begins and ends with "/", before `live` and `ready`. */
  readonly health: string;
  readonly healthAccessLog: boolean;
  /** Part of gracefulTimeoutMs: from TERM to the end of accepting. */
  readonly drainDelayMs: number;
  readonly statsd: {
    readonly target: StatsdTarget;
    /** "" or ends in a dot. */
    readonly prefix: string;
    /** "" or dogstatsd's tags. */
    readonly tags: string;
    readonly hasBacklog: boolean;
  };
  /** `path`: absolute, or "" for the first runtime folder that can be written. */
  readonly controlSocket: { readonly isWanted: boolean; readonly path: string; readonly mode: number };
}
