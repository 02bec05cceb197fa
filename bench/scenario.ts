// What is measured: an application, the load on it, and the servers that run it by default.

import type { Interface } from "./server.ts";

export type Load =
  | "throughput"
  | "slow-clients"
  | "one-slow"
  | "echo"
  | "idle-web-sockets"
  | "handshakes"
  | "h2"
  | "upload"
  | "download";

export interface Scenario {
  readonly name: string;
  readonly doc: string;
  readonly interface: Interface;
  /** `module:attr` in bench/apps. */
  readonly app: string;
  readonly path: string;
  /** Answers 200 once the server is there; `path` where that is cheap. */
  readonly readyPath?: string;
  readonly load: Load;
  readonly workers: number;
  readonly bodyBytes?: number;
  /** Words for a server whose defaults do not admit the load. */
  readonly extraArgs?: Readonly<Record<string, readonly string[]>>;
  /** Without: every server of the interface. */
  readonly servers?: readonly string[];
}

const base = { interface: "wsgi", path: "/", load: "throughput", workers: 2 } as const;
const files = {
  ...base,
  app: "plain_wsgi:hello",
  workers: 1,
  servers: ["tunicorn-static", "nginx-static", "granian-static"],
} as const;
const asgi = { ...base, interface: "asgi" } as const;

export const SCENARIOS: readonly Scenario[] = [
  { ...base, name: "hello", doc: "14 bytes of text, no framework", app: "plain_wsgi:hello" },
  {
    ...base,
    name: "hello-tls",
    doc: "hello over TLS on keep-alive connections, beside hello in plain text",
    app: "plain_wsgi:hello",
    servers: ["tunicorn", "tunicorn-tls"],
  },
  {
    ...base,
    name: "handshakes",
    doc: "TLS handshakes (ECDSA P-256), each a new connection that asks for nothing",
    app: "plain_wsgi:hello",
    load: "handshakes",
    servers: ["tunicorn-tls", "nginx-tls"],
  },
  { ...base, name: "flask", doc: "Flask, a JSON object", app: "flask_app:app" },
  {
    ...base,
    name: "flask-nginx-uwsgi",
    doc: "Flask behind the same nginx, which makes a connection for each request; with FastCGI it keeps them",
    app: "flask_app:app",
    servers: [
      "nginx-tunicorn-uwsgi",
      "nginx-uwsgi",
      "nginx-tunicorn-uwsgi-tcp",
      "nginx-uwsgi-tcp",
      "nginx-tunicorn-fastcgi",
    ],
  },
  { ...base, name: "django", doc: "Django, a plain view", app: "django_app:wsgi" },
  {
    ...base,
    name: "django-page",
    doc: "Django, a template of about 1 ms",
    app: "django_app:wsgi",
    path: "/page",
  },
  { ...base, name: "large", doc: "a response of 100 kB", app: "plain_wsgi:large" },
  {
    ...base,
    name: "upload",
    doc: "POST of 64 kB, its length echoed",
    app: "plain_wsgi:echo_length",
    bodyBytes: 65_536,
  },
  { ...files, name: "static-10k", doc: "a file of 10 kB, without the application", path: "/static/10k.bin" },
  { ...files, name: "static-1m", doc: "a file of 1 MB, without the application", path: "/static/1m.bin" },
  {
    ...base,
    name: "slow-clients",
    doc: "hello beside 1,000 slow clients",
    app: "plain_wsgi:mixed",
    load: "slow-clients",
    servers: ["tunicorn", "gunicorn-sync", "gunicorn-gthread", "nginx-gunicorn", "waitress", "granian"],
  },
  {
    ...base,
    name: "one-slow",
    doc: "one request in ten sleeps 1 s, 4 workers",
    app: "plain_wsgi:stamped",
    path: "/fast",
    load: "one-slow",
    workers: 4,
    servers: ["tunicorn", "gunicorn-sync", "gunicorn-gthread", "nginx-gunicorn", "uwsgi", "granian"],
  },
  { ...asgi, name: "hello-asgi", doc: "14 bytes of text, no framework", app: "plain_asgi:hello" },
  {
    ...asgi,
    name: "hello-h2",
    doc: "hello over HTTP/2 by prior knowledge",
    app: "plain_asgi:hello",
    load: "h2",
    workers: 1,
    extraArgs: { "tunicorn-asgi": ["--http2-cleartext", "prior-knowledge"] },
    servers: ["tunicorn-asgi", "granian-asgi", "hypercorn", "node-http2"],
  },
  {
    ...asgi,
    name: "hello-h2-tls",
    doc: "hello over HTTP/2 and TLS",
    app: "plain_asgi:hello",
    load: "h2",
    workers: 1,
    servers: ["tunicorn-asgi-tls", "granian-asgi-tls", "hypercorn-tls", "node-http2-tls"],
  },
  { ...asgi, name: "fastapi", doc: "FastAPI, a JSON object", app: "fastapi_app:app" },
  { ...asgi, name: "django-asgi", doc: "Django, a plain view", app: "django_app:asgi" },
  { ...asgi, name: "large-asgi", doc: "a response of 100 kB", app: "plain_asgi:large" },
  {
    ...asgi,
    name: "upload-asgi",
    doc: "POST of 64 kB, its length echoed",
    app: "plain_asgi:echo_length",
    bodyBytes: 65_536,
  },
  {
    ...asgi,
    name: "ws-echo",
    doc: "WebSocket: 100 bytes echoed over 64 connections, messages for requests",
    app: "plain_asgi:echo_messages",
    load: "echo",
  },
  {
    ...asgi,
    name: "ws-idle",
    doc: "5,000 open WebSockets that say nothing",
    app: "plain_asgi:echo_messages",
    load: "idle-web-sockets",
    extraArgs: {
      "tunicorn-asgi": ["--worker-connections", "10000"],
      "gunicorn-asgi": ["--worker-connections", "10000"],
    },
  },
  {
    ...asgi,
    name: "up-100mb",
    doc: "100 MB uploaded through the application",
    app: "plain_asgi:mixed",
    path: "/up",
    readyPath: "/",
    load: "upload",
  },
  {
    ...asgi,
    name: "down-100mb",
    doc: "100 MB downloaded through the application, 100 kB at a time",
    app: "plain_asgi:mixed",
    path: "/down",
    readyPath: "/",
    load: "download",
  },
  {
    ...asgi,
    name: "file-100mb",
    doc: "Starlette's FileResponse of 100 MB",
    app: "starlette_app:app",
    path: "/file",
    readyPath: "/",
    load: "download",
  },
];
