// The settings of a running server, resolved, validated and frozen. Made by config/load.ts, sent to every process as JSON.
// Lengths of time are milliseconds here, seconds (as gunicorn and uvicorn have them) where users write them.

export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "fd"; readonly fd: number };

export type WorkerClass = "sync" | "gthread" | "asgi";
export type LogLevel = "trace" | "debug" | "info" | "warning" | "error" | "critical";

export interface Config {
  /** `module:attr`, a dotted attribute, a factory call with literals, or a path to a .py file. */
  readonly app: string;
  /** Empty: the default address. */
  readonly bind: readonly Address[];
  readonly backlog: number;
  readonly unixSocket: { readonly mode: number; readonly user: string; readonly group: string };

  readonly workers: number;
  readonly fronts: number;
  readonly workerClass: WorkerClass;
  readonly threads: number;
  /** Requests an asgi worker may run at once. */
  readonly workerConnections: number;
  readonly python: string;
  readonly chdir: string;
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
  readonly secureSchemeHeaders: Readonly<Record<string, string>>;
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
  readonly umask: number;
}
