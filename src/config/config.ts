// The settings of a running server, resolved, validated and frozen. Made by config/load.ts, sent to every process as JSON.
// Lengths of time are milliseconds here, seconds (as gunicorn and uvicorn have them) where users write them.

export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  /** An absolute path, or `@name` for an abstract socket (Linux). */
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "fd"; readonly fd: number };

export type WorkerClass = "sync" | "gthread" | "asgi";
export type LogLevel = "trace" | "debug" | "info" | "warning" | "error" | "critical";

export interface Config {
  /** `module:attr`, a dotted attribute, a factory call with literals, or a path to a .py file. */
  readonly app: string;
  /** Never empty. Listeners that systemd hands over (LISTEN_FDS) take their place. */
  readonly bind: readonly Address[];
  readonly backlog: number;
  /** "" keeps the user or group that runs the server; names or numbers. */
  readonly unixSocket: { readonly mode: number; readonly user: string; readonly group: string };

  readonly workers: number;
  readonly fronts: number;
  readonly workerClass: WorkerClass;
  readonly threads: number;
  /** Requests an asgi worker may run at once. */
  readonly workerConnections: number;
  /** "" to search (config/interpreter.ts); a name without a slash is looked up in PATH. */
  readonly python: string;
  /** Absolute. */
  readonly chdir: string;
  /** Absolute; the first comes first on Python's path. */
  readonly pythonPath: readonly string[];
  readonly env: readonly (readonly [string, string])[];

  readonly gracefulTimeoutMs: number;
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

  readonly limitRequestLine: number;
  readonly limitRequestFields: number;
  readonly limitRequestFieldSize: number;
  readonly bodyBytesMax: number;
  readonly bodyMemoryBytes: number;
  readonly responseBufferBytes: number;
  readonly permitObsoleteFolding: boolean;
  readonly stripHeaderSpaces: boolean;
  readonly permitUnconventionalHttpMethod: boolean;
  readonly permitUnconventionalHttpVersion: boolean;
  readonly casefoldHttpMethod: boolean;

  readonly queueMax: number;
  readonly queueTimeoutMs: number;
  readonly requestsAheadMax: number;

  /** IPs, CIDRs, or "*". Unix socket peers are always trusted (gunicorn). */
  readonly forwardedAllowIps: readonly string[];
  /** Field names in upper case with dashes, as gunicorn has them. */
  readonly secureSchemeHeaders: Readonly<Record<string, string>>;
  /** Field names in upper case, or "*". */
  readonly forwarderHeaders: readonly string[];
  readonly headerMap: "drop" | "refuse" | "dangerous";
  readonly scriptName: string;

  readonly serverHeader: boolean;
  readonly dateHeader: boolean;

  /** "" off, "-" stdout, else a file. */
  readonly accessLog: string;
  readonly accessLogFormat: string;
  readonly accessLogJson: boolean;
  /** "-" stderr, else a file. */
  readonly errorLog: string;
  readonly logJson: boolean;
  readonly logLevel: LogLevel;
  readonly procName: string;
  /** Of the application's processes; -1 keeps the inherited one. unixSocket.mode has it already. */
  readonly umask: number;
}
