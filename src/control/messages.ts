// The vocabulary of docs/control.md: what the arbiter and its children say to each other. Python's twin of the first
// two channels is python/tunicorn_worker/control.py. Lengths of time are milliseconds.

import type { Config } from "../config/config.ts";
import type { ListenerConfig } from "../config/listener.ts";
import type { EvaluatedFile } from "../config/python-file.ts";
import type { Application } from "../config/site.ts";
import type { TlsMaterial } from "../config/tls-material.ts";

/** Where a Unix socket listens: a path, or `@name` in Linux's abstract namespace. */
export interface Meeting {
  readonly address: string;
  /** Said first by whoever connects: an abstract socket has no permissions of its own. */
  readonly token: string;
}

export interface BootFailure {
  readonly step: string;
  /** One line. */
  readonly message: string;
  readonly traceback: string;
  /** What to try; may be empty. */
  readonly hint: string;
  /** gunicorn's: 3 the worker did not boot, 4 the app could not be loaded. */
  readonly exitCode: number;
}

// ---- arbiter ⇄ forkserver

/** The Python side's share of the Config. Python's names and units: the twin is `Settings` in control.py. */
export type PythonSettings = Readonly<Record<string, unknown>>;

/** A configuration file in Python: an absolute path, or a module's name. */
export interface Evaluate {
  readonly type: "evaluate";
  readonly kind: "file" | "module";
  readonly name: string;
}

/** Hooks of the server's own life, which the arbiter knows the moments of. */
export type ServerHook =
  | "on_starting"
  | "when_ready"
  | "on_reload"
  | "nworkers_changed"
  | "pre_exec"
  | "on_exit";

export interface HookCall {
  readonly name: ServerHook;
  /** What follows the server in the hook's arguments. */
  readonly values: readonly (number | null)[];
}

export type ForkserverCommand =
  | Evaluate
  | {
      readonly type: "configure";
      readonly settings: PythonSettings;
      readonly control: Meeting;
      readonly generation: number;
      /** Every setting as hooks read it: `server.cfg.workers`. */
      readonly cfg: Readonly<Record<string, unknown>>;
      /** The listeners' addresses as people write them. */
      readonly listeners: readonly string[];
      readonly arbiter: { readonly pid: number; readonly workers: number };
      /** Called before the answer, in this order. */
      readonly calls: readonly HookCall[];
    }
  | ({ readonly type: "hook" } & HookCall)
  | { readonly type: "fork"; readonly nr: number; readonly age: number }
  /** The stacks of a worker that does not answer, by a signal. */
  | { readonly type: "dump"; readonly pid: number; readonly id: number }
  /** Text for a Unix datagram socket: Python can open one, Node cannot. */
  | { readonly type: "datagram"; readonly address: string; readonly text: string }
  | { readonly type: "signal"; readonly pid: number; readonly signal: string }
  /** `calls`: after the last worker was reaped. */
  | { readonly type: "stop"; readonly calls: readonly HookCall[] };

/** What a configuration file says; what its names mean is config/python-file.ts's to judge. */
export type Evaluated = { readonly type: "evaluated" } & EvaluatedFile;

export interface Exited {
  readonly type: "exited";
  readonly pid: number;
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** KiB, from wait4; 0 where it is unknown. */
  readonly rssMax: number;
}

export interface Dumped {
  readonly type: "dumped";
  readonly id: number;
  readonly pid: number;
  /** "": it had nothing to show, or not in time. */
  readonly text: string;
}

export type ForkserverReport =
  | Evaluated
  | ({ readonly type: "boot-failed" } & BootFailure)
  | {
      readonly type: "configured";
      readonly python: string;
      readonly pid: number;
      readonly executable: string;
    }
  | { readonly type: "forked"; readonly nr: number; readonly pid: number }
  | Dumped
  | Exited;

// ---- arbiter ⇄ worker

export type StopMode = "graceful" | "quick";

export type WorkerCommand =
  | ({ readonly type: "attach" } & Meeting)
  | { readonly type: "detach" }
  /** Killed after `graceMs`, if it is still there: what it ends by itself has to fit in. */
  | { readonly type: "stop"; readonly mode: StopMode; readonly graceMs: number }
  | { readonly type: "ping"; readonly id: number }
  /** `last`: the worker is about to be ended by SIGABRT, and need not show them once more. */
  | { readonly type: "stacks"; readonly id: number; readonly last?: boolean };

export interface Hello {
  readonly type: "hello";
  readonly token: string;
  readonly pid: number;
  readonly nr: number;
  readonly generation: number;
}

export type WorkerReport =
  | Hello
  | { readonly type: "step"; readonly step: string }
  | { readonly type: "ready"; readonly interface: string; readonly slots: number; readonly importMs: number }
  | ({ readonly type: "boot-failed" } & BootFailure)
  | { readonly type: "retire"; readonly cause: string }
  /** An event loop that does not turn any more. */
  | { readonly type: "stuck"; readonly forMs: number }
  /** Only with --reload, and before `boot-failed`: the exception with source, as JSON for the front. */
  | { readonly type: "failure"; readonly report: string }
  /** Only with --reload: files of the application that were imported since the last report. */
  | { readonly type: "modules"; readonly files: readonly string[] }
  | {
      readonly type: "pong";
      readonly id: number;
      readonly rss: number;
      readonly requests: number;
      readonly busy: number;
      readonly sinceProgressMs: number;
    }
  | { readonly type: "stacks"; readonly id: number; readonly text: string };

// ---- arbiter ⇄ front

/** A listening socket as fronts have it. The socket itself comes beside the commands (docs/control.md). */
export interface ServedListener {
  /** Another one when anything about it changes. */
  readonly id: number;
  /** As people write it: `http://127.0.0.1:8000`, `unix:/run/app.sock`. */
  readonly address: string;
  readonly kind: "tcp" | "unix";
  /** "" for a Unix socket. */
  readonly host: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /** "" for TCP. */
  readonly path: string;
  /** What is spoken on it. Its `address` is the one that was asked for. */
  readonly settings: ListenerConfig;
}

/** What comes with a socket on Node's own channel. */
export interface HandedSocket {
  /** The listener's id. */
  readonly listener: number;
}

/** What a front serves, and where: the server's own settings with its routes, and the applications that these lead to. */
export interface FrontSite {
  readonly config: Config;
  readonly listeners: readonly ServedListener[];
  readonly apps: readonly Application[];
}

/** Where workers attach in one front, by the application's name. */
export type Meetings = Readonly<Record<string, Meeting>>;

export type FrontCommand =
  | ({
      readonly type: "configure";
      readonly bodyFolder: string;
      readonly nr: number;
    } & FrontSite)
  /** Other settings, listeners, routes and applications from now on; answered by `reconfigured`. */
  | ({ readonly type: "reconfigure" } & FrontSite)
  /** For the listener with this id, and before it is named for the first time. For handshakes from now on. */
  | { readonly type: "certificates"; readonly listener: number; readonly material: TlsMaterial }
  | { readonly type: "drain-worker"; readonly app: string; readonly pid: number }
  /** It is stuck and about to be ended: its clients are answered now, and none of its requests is tried again. */
  | { readonly type: "expire-worker"; readonly app: string; readonly pid: number }
  /** Only with --reload: each request is to be answered with this, until `app-mended` or a worker comes. */
  | ({ readonly type: "app-broken"; readonly app: string; readonly report: string } & Pick<
      BootFailure,
      "message" | "hint" | "traceback"
    >)
  /** Only with --reload: other code is about to start; requests wait for it. */
  | { readonly type: "app-mended"; readonly app: string }
  | { readonly type: "drain"; readonly graceMs: number; readonly quick: boolean }
  /** A stop is near: readiness fails, each response is the last one of its connection, and clients are still taken. */
  | { readonly type: "leave" }
  | { readonly type: "reopen-logs" }
  | { readonly type: "requests"; readonly id: number }
  | { readonly type: "status"; readonly id: number }
  | { readonly type: "figures"; readonly id: number }
  /** What `exposition-wanted` asked for: metrics as they are shown. */
  | { readonly type: "exposition"; readonly id: number; readonly text: string };

export interface LostRequest {
  readonly id: number;
  readonly method: string;
  /** Its beginning. */
  readonly path: string;
  readonly elapsedMs: number;
  readonly started: boolean;
  readonly retried: boolean;
}

/** One request or WebSocket that a front has. */
export interface OpenRequest extends LostRequest {
  /** 0 while it waits for a worker. */
  readonly pid: number;
  readonly client: string;
  readonly kind: string;
}

export type FrontReport =
  | { readonly type: "ready"; readonly meetings: Meetings }
  | { readonly type: "reconfigured"; readonly meetings: Meetings }
  | AppReport
  | { readonly type: "drained" }
  | { readonly type: "requests"; readonly id: number; readonly requests: readonly OpenRequest[] }
  /** Lines for a statsd server behind a Unix datagram socket. */
  | { readonly type: "metrics"; readonly text: string }
  | {
      readonly type: "status";
      readonly id: number;
      readonly counters: Readonly<Record<string, number>>;
    }
  /** What it has counted, by names as metrics/exposition.ts has them. */
  | { readonly type: "figures"; readonly id: number; readonly samples: Readonly<Record<string, number>> }
  /** Somebody asked this front for the metrics of the whole server. */
  | { readonly type: "exposition-wanted"; readonly id: number };

/** What concerns one application and its workers in a front. */
export type AppReport = { readonly app: string } & (
  | { readonly type: "worker-joined"; readonly pid: number }
  | { readonly type: "worker-drained"; readonly pid: number }
  /** `inFlight`: the first of the `count` requests that it had. */
  | {
      readonly type: "worker-lost";
      readonly pid: number;
      readonly inFlight: readonly LostRequest[];
      readonly count: number;
    }
  /** It was given as many requests as it shall have. */
  | { readonly type: "worker-worn"; readonly pid: number }
  /** These ran for too long, the first of them at least; `others` still run beside them. */
  | {
      readonly type: "worker-overdue";
      readonly pid: number;
      readonly requests: readonly LostRequest[];
      readonly others: number;
    }
  /** Only between changing numbers of workers (handlers/pressure.ts). */
  | { readonly type: "pressure"; readonly waitingMs: number; readonly queued: number; readonly busy: number }
);
