// The table of servers: how each is started with a given application and number of workers. Access logs are off everywhere.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeCertificate } from "./certificate.ts";
import { type NginxUpstream, writeNginxConf } from "./nginx-conf.ts";
import { writePublicFolder } from "./public-folder.ts";
import { findTool, howToGet } from "./tool.ts";
import type { Venv } from "./venv.ts";

export type Interface = "wsgi" | "asgi";

export interface Launch {
  readonly root: string;
  readonly venv: Venv;
  /** The launcher to measure. */
  readonly tunicorn: string;
  /** `module:attr`, found in bench/apps. */
  readonly app: string;
  readonly port: number;
  readonly workers: number;
  readonly tempDir: string;
  /** Of the scenario, for this server. */
  readonly extraArgs: readonly string[];
}

export interface Server {
  readonly name: string;
  readonly interface: Interface;
  readonly note?: string;
  readonly isTls?: boolean;
  /** Requests the applications run at once. */
  readonly slots: (workers: number) => number;
  /** The programs to start; together they are the server. */
  readonly commands: (launch: Launch) => readonly (readonly string[])[];
  /** Why it cannot run on this machine. */
  readonly obstacle?: (venv: Venv) => string | undefined;
}

const THREADS = 4;
const onePerWorker = (workers: number): number => workers;
const threadsPerWorker = (workers: number): number => workers * THREADS;
/** An event loop takes as many as come. */
const unlimited = (): number => Number.POSITIVE_INFINITY;

const address = (launch: Launch): string => `127.0.0.1:${launch.port}`;
const inVenv = (launch: Launch, name: string): string => join(launch.venv.bin, name);

export const SERVERS: readonly Server[] = [
  { name: "tunicorn", interface: "wsgi", slots: onePerWorker, commands: (l) => [tunicorn(l)] },
  {
    name: "tunicorn-threads",
    interface: "wsgi",
    note: `--threads ${THREADS}`,
    slots: threadsPerWorker,
    commands: (l) => [[...tunicorn(l), "--threads", `${THREADS}`]],
  },
  {
    name: "gunicorn-sync",
    interface: "wsgi",
    slots: onePerWorker,
    commands: (l) => [gunicorn(l, address(l))],
  },
  {
    name: "gunicorn-gthread",
    interface: "wsgi",
    note: `--threads ${THREADS}`,
    slots: threadsPerWorker,
    commands: (l) => [[...gunicorn(l, address(l)), "-k", "gthread", "--threads", `${THREADS}`]],
  },
  {
    name: "nginx-gunicorn",
    interface: "wsgi",
    note: "nginx, 2 workers, proxy_pass to a Unix socket of gunicorn sync",
    slots: onePerWorker,
    commands: (l) => [gunicorn(l, unixUpstream(l)), nginx(l, "http")],
    obstacle: needsNginx,
  },
  {
    name: "uwsgi",
    interface: "wsgi",
    note: "--http-socket",
    slots: onePerWorker,
    // It keeps no connection alive and does not say so, which wrk counts as an error: let it say so.
    commands: (l) => [uwsgi(l, ["--http-socket", address(l), "--add-header", "Connection: close"])],
    obstacle: needsUwsgi,
  },
  {
    name: "nginx-uwsgi",
    interface: "wsgi",
    note: "nginx, 2 workers, uwsgi_pass to a Unix socket",
    slots: onePerWorker,
    commands: (l) => [uwsgi(l, ["--socket", upstreamSocket(l), "--chmod-socket=666"]), nginx(l, "uwsgi")],
    obstacle: (venv) => needsNginx() ?? needsUwsgi(venv),
  },
  {
    name: "nginx-uwsgi-tcp",
    interface: "wsgi",
    note: "the same over TCP",
    slots: onePerWorker,
    commands: (l) => [uwsgi(l, ["--socket", tcpUpstream(l)]), nginx(l, "uwsgi", tcpUpstream(l))],
    obstacle: (venv) => needsNginx() ?? needsUwsgi(venv),
  },
  {
    name: "nginx-tunicorn-uwsgi",
    interface: "wsgi",
    note: "nginx, 2 workers, uwsgi_pass to a Unix socket of tunicorn",
    slots: onePerWorker,
    commands: (l) => [tunicornBehind(l, "uwsgi", unixUpstream(l)), nginx(l, "uwsgi")],
    obstacle: needsNginx,
  },
  {
    name: "nginx-tunicorn-uwsgi-tcp",
    interface: "wsgi",
    note: "the same over TCP",
    slots: onePerWorker,
    commands: (l) => [tunicornBehind(l, "uwsgi", tcpUpstream(l)), nginx(l, "uwsgi", tcpUpstream(l))],
    obstacle: needsNginx,
  },
  {
    name: "nginx-tunicorn-fastcgi",
    interface: "wsgi",
    note: "nginx, 2 workers, fastcgi_pass to a Unix socket of tunicorn, fastcgi_keep_conn",
    slots: onePerWorker,
    commands: (l) => [tunicornBehind(l, "fastcgi", unixUpstream(l)), nginx(l, "fastcgi")],
    obstacle: needsNginx,
  },
  {
    name: "waitress",
    interface: "wsgi",
    note: `one process (it has no other way), ${THREADS} threads`,
    slots: () => THREADS,
    commands: (l) => [[inVenv(l, "waitress-serve"), `--listen=${address(l)}`, `--threads=${THREADS}`, l.app]],
  },
  {
    name: "granian",
    interface: "wsgi",
    slots: onePerWorker,
    commands: (l) => [granian(l, "wsgi")],
  },
  {
    name: "bjoern",
    interface: "wsgi",
    note: "forked after bind",
    slots: onePerWorker,
    commands: (l) => [
      [l.venv.python, join(l.root, "bench/apps/bjoern_server.py"), l.app, `${l.port}`, `${l.workers}`],
    ],
    obstacle: (venv) => venv.missing.find((line) => line.startsWith("bjoern")),
  },
  {
    name: "tunicorn-static",
    interface: "wsgi",
    note: "--static, one front",
    slots: onePerWorker,
    commands: (l) => [[...tunicorn(l), "--static", `/static=${writePublicFolder(l.tempDir)}`]],
  },
  {
    name: "nginx-static",
    interface: "wsgi",
    note: "one worker, sendfile, open_file_cache",
    slots: onePerWorker,
    commands: (l) => [nginx(l, "files")],
    obstacle: needsNginx,
  },
  {
    name: "granian-static",
    interface: "wsgi",
    note: "--static-path-route",
    slots: onePerWorker,
    commands: (l) => [
      [
        ...granian(l, "wsgi"),
        "--static-path-route",
        "/static",
        "--static-path-mount",
        writePublicFolder(l.tempDir),
      ],
    ],
  },
  {
    name: "tunicorn-tls",
    interface: "wsgi",
    note: "--certfile, HTTP/1.1",
    isTls: true,
    slots: onePerWorker,
    commands: (l) => [[...tunicorn(l), ...tlsWords(l)]],
  },
  {
    name: "nginx-tls",
    interface: "wsgi",
    note: "one worker, a line of text without an application",
    isTls: true,
    slots: onePerWorker,
    commands: (l) => [nginx(l, "tls")],
    obstacle: needsNginx,
  },
  { name: "tunicorn-asgi", interface: "asgi", slots: unlimited, commands: (l) => [tunicorn(l)] },
  {
    name: "uvicorn",
    interface: "asgi",
    note: "uvloop, httptools",
    slots: unlimited,
    commands: (l) => [uvicorn(l)],
  },
  {
    name: "gunicorn-asgi",
    interface: "asgi",
    note: "-k asgi",
    slots: unlimited,
    commands: (l) => [[...gunicorn(l, address(l)), "-k", "asgi"]],
  },
  {
    name: "hypercorn",
    interface: "asgi",
    note: "uvloop",
    slots: unlimited,
    commands: (l) => [hypercorn(l)],
  },
  {
    name: "daphne",
    interface: "asgi",
    note: "one process (it has no other way)",
    slots: unlimited,
    commands: (l) => [[inVenv(l, "daphne"), "-v", "0", "-b", "127.0.0.1", "-p", `${l.port}`, l.app]],
  },
  { name: "granian-asgi", interface: "asgi", slots: unlimited, commands: (l) => [granian(l, "asgi")] },
  {
    name: "tunicorn-asgi-tls",
    interface: "asgi",
    note: "--certfile",
    isTls: true,
    slots: unlimited,
    commands: (l) => [[...tunicorn(l), ...tlsWords(l)]],
  },
  {
    name: "granian-asgi-tls",
    interface: "asgi",
    note: "--ssl-certificate",
    isTls: true,
    slots: unlimited,
    commands: (l) => {
      const { certificate, key } = writeCertificate(l.tempDir);
      return [[...granian(l, "asgi"), "--ssl-certificate", certificate, "--ssl-keyfile", key]];
    },
  },
  {
    name: "hypercorn-tls",
    interface: "asgi",
    note: "uvloop, --certfile",
    isTls: true,
    slots: unlimited,
    commands: (l) => [[...hypercorn(l), ...tlsWords(l)]],
  },
  {
    name: "node-http2",
    interface: "asgi",
    note: "bare node:http2, a fixed answer without an application",
    slots: unlimited,
    commands: (l) => [nodeHttp2(l)],
  },
  {
    name: "node-http2-tls",
    interface: "asgi",
    note: "the same over TLS",
    isTls: true,
    slots: unlimited,
    commands: (l) => {
      const { certificate, key } = writeCertificate(l.tempDir);
      return [[...nodeHttp2(l), certificate, key]];
    },
  },
];

function tunicorn(l: Launch): string[] {
  return [l.tunicorn, ...workersAndBind(l, address(l)), "--python", l.venv.python, ...l.extraArgs, l.app];
}

function tunicornBehind(l: Launch, protocol: "uwsgi" | "fastcgi", to: string): string[] {
  const bind = [...workersAndBind(l, to), "--protocol", protocol];
  return [l.tunicorn, ...bind, "--python", l.venv.python, ...l.extraArgs, l.app];
}

function tlsWords(l: Launch): string[] {
  const { certificate, key } = writeCertificate(l.tempDir);
  return ["--certfile", certificate, "--keyfile", key];
}

function gunicorn(l: Launch, bind: string): string[] {
  return [inVenv(l, "gunicorn"), "--no-control-socket", ...workersAndBind(l, bind), ...l.extraArgs, l.app];
}

function workersAndBind(l: Launch, bind: string): string[] {
  return ["-w", `${l.workers}`, "-b", bind];
}

function uwsgi(l: Launch, socket: readonly string[]): string[] {
  const pool = ["--master", "--processes", `${l.workers}`, "--listen", "1024"];
  const quiet = ["--disable-logging", "--die-on-term", "--need-app"];
  return [
    inVenv(l, "uwsgi"),
    ...socket,
    ...pool,
    ...quiet,
    "--virtualenv",
    join(l.venv.bin, ".."),
    "-w",
    l.app,
  ];
}

function granian(l: Launch, kind: Interface): string[] {
  const bind = ["--host", "127.0.0.1", "--port", `${l.port}`, "--workers", `${l.workers}`];
  return [inVenv(l, "granian"), "--interface", kind, ...bind, "--no-access-log", l.app];
}

function hypercorn(l: Launch): string[] {
  return [inVenv(l, "hypercorn"), "-k", "uvloop", "-w", `${l.workers}`, "-b", address(l), l.app];
}

function nodeHttp2(l: Launch): string[] {
  return [process.execPath, join(l.root, "bench/apps/node_http2.mjs"), `${l.port}`];
}

function uvicorn(l: Launch): string[] {
  const bind = ["--host", "127.0.0.1", "--port", `${l.port}`, "--workers", `${l.workers}`];
  const parts = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"];
  return [inVenv(l, "uvicorn"), ...bind, ...parts, l.app];
}

function nginx(l: Launch, upstream: NginxUpstream, to: string = unixUpstream(l)): string[] {
  const options = { tempDir: l.tempDir, port: l.port, to, upstream };
  return [findTool("nginx") ?? "nginx", "-p", l.tempDir, "-c", writeNginxConf(options)];
}

function upstreamSocket(l: Launch): string {
  return join(l.tempDir, "upstream.sock");
}

function unixUpstream(l: Launch): string {
  return `unix:${upstreamSocket(l)}`;
}

/** The port is free at one loopback address as at the other. */
function tcpUpstream(l: Launch): string {
  return `127.0.0.2:${l.port}`;
}

function needsNginx(): string | undefined {
  return findTool("nginx") === undefined ? howToGet("nginx") : undefined;
}

function needsUwsgi(venv: Venv): string | undefined {
  if (existsSync(join(venv.bin, "uwsgi"))) return undefined;
  return venv.missing.find((line) => line.startsWith("uwsgi")) ?? "uwsgi is not installed";
}
