// What a server is made of besides its settings: where it listens and what each listener speaks, and which route leads where.
// A command line makes one application and a route to it; tunicorn.toml can declare several (config/site-file.ts).
// Resolved, validated and frozen as config.ts is, and sent to every process as JSON.

import type { Address, Config } from "./config.ts";

/** One listening address and what is spoken on it. */
export interface ListenerConfig {
  readonly address: Address;
  /** What routes call it; "" where nobody gave it a name. */
  readonly name: string;
  readonly protocol: "http" | "uwsgi" | "fastcgi" | "scgi";
  /** null: plain text. */
  readonly tls: TlsConfig | null;
  /** Whether a PROXY protocol header comes before everything else (and before TLS): `auto` takes version 1 and 2. */
  readonly proxyProtocol: "off" | "v1" | "v2" | "auto";
  /** Every request is answered with a redirection to https on this port; 0: they are served. */
  readonly redirectToTlsPort: number;
  /** HTTP versions by ALPN with TLS; without TLS, h2 is taken by prior knowledge only where `cleartextH2` says so. */
  readonly versions: readonly ("h2" | "h1")[];
  readonly cleartextH2: boolean;
}

/** HTTP/1.1 in plain text. */
export function plainListener(address: Address): ListenerConfig {
  return {
    address,
    name: "",
    protocol: "http",
    tls: null,
    proxyProtocol: "off",
    redirectToTlsPort: 0,
    versions: ["h1"],
    cleartextH2: false,
  };
}

export interface CertificateFiles {
  /** Absolute; PEM, the server's certificate first, then the intermediates'. */
  readonly certificate: string;
  /** Absolute; PEM. The same file as `certificate` when that holds both. */
  readonly key: string;
  readonly password: string;
}

export interface TlsConfig {
  /** Never empty; the first serves clients that name no server, or one that no certificate is for. */
  readonly certificates: readonly CertificateFiles[];
  /** Absolute; PEM of those who may sign clients' certificates; "" for none. */
  readonly clientCa: string;
  readonly clientCertificate: "none" | "optional" | "required";
  /** As OpenSSL writes them; "" for Node's. */
  readonly ciphers: string;
  readonly versionMin: "TLSv1.2" | "TLSv1.3";
  readonly handshakeTimeoutMs: number;
}

/** An application with its own settings: interpreter, workers, threads, environment, user, limits. */
export interface Application {
  /** `app` for the one of a command line. */
  readonly name: string;
  readonly config: Config;
}

/** As it is to run: with every setting as hooks read it (`server.cfg.workers`). */
export interface SiteApplication extends Application {
  readonly cfg: Readonly<Record<string, unknown>>;
}

/** The first route that matches takes the request. */
export interface Route {
  /** For logs and messages: `routes[2]` or the name that the file gives. */
  readonly name: string;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  readonly policy: RoutePolicy;
}

/** All that is given must fit; what is empty fits anything. */
export interface RouteMatch {
  /** Lower case, without port; `*.example.org` for every name below it. */
  readonly hosts: readonly string[];
  readonly paths: readonly PathPattern[];
  /** Upper case. */
  readonly methods: readonly string[];
  /** Field names in lower case. */
  readonly fields: readonly { readonly name: string; readonly value: string }[];
  /** Names of listeners. */
  readonly listeners: readonly string[];
  /** Only an application's X-Accel-Redirect leads here, never a client. */
  readonly isInternal: boolean;
}

/**
 * `prefix` ends at a segment's boundary: `/static` fits `/static` and `/static/x`, not `/statics`; it never ends in a slash, and
 * "" fits all. Decoded, a character for each byte: what requests are compared with is decoded so, too (http/route-path.ts).
 */
export type PathPattern =
  | { readonly kind: "exact"; readonly path: string }
  | { readonly kind: "prefix"; readonly path: string };

export type RouteAction =
  /** `mount`: this prefix is the application's SCRIPT_NAME or root_path; "" for none, never ends in a slash. */
  | { readonly kind: "app"; readonly app: string; readonly mount: string }
  | { readonly kind: "files"; readonly files: FilesConfig }
  /** `to` may hold $scheme, $host, $path, $query and $uri (path and query). */
  | { readonly kind: "redirect"; readonly to: string; readonly status: number }
  | {
      readonly kind: "respond";
      readonly status: number;
      readonly body: string;
      readonly contentType: string;
    };

export interface FilesConfig {
  /** What of the path is taken off before the rest is looked up below `root`; "" for nothing. */
  readonly strip: string;
  /** Absolute. */
  readonly root: string;
  /** Served for a folder; empty: folders are 404. */
  readonly index: readonly string[];
  /** Relative to root: served with 200 for a path that does not exist (single page applications); "" none. */
  readonly fallback: string;
  /** What does not exist goes on to the routes behind this one. */
  readonly isOptional: boolean;
  /** `.br`, `.zst`, `.gz` beside a file are sent to who accepts them. */
  readonly precompressed: boolean;
  /** `owned`: only links whose target lies below root. */
  readonly symlinks: "deny" | "inside" | "follow";
  readonly dotfiles: boolean;
  /** Cache-Control's max-age in seconds; -1 sends none. */
  readonly maxAgeSeconds: number;
  /** Names with a content hash in them are sent as immutable for a year. */
  readonly immutableHashed: boolean;
}

/** What a route changes for its requests; null leaves the application's or the server's own. */
export interface RoutePolicy {
  readonly bodyBytesMax: number | null;
  /** As --timeout, for one request of this route. */
  readonly timeoutMs: number | null;
  /** Set on every response, names in lower case; a value of "" removes the field. */
  readonly headers: readonly (readonly [string, string])[];
  /** As `headers`, but only where the application says nothing itself. */
  readonly headerDefaults?: readonly (readonly [string, string])[];
  /** Status (or `4xx`, `5xx`) → absolute path of the page sent in place of the application's and our own. */
  readonly errorPages: readonly { readonly status: string; readonly file: string }[];
  readonly basicAuth: { readonly realm: string; readonly usersFile: string } | null;
  /** As --forwarded-allow-ips; judged by the client's address after the trust rules. Empty: everybody. `deny` is asked first. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly compression: CompressionConfig | null;
}

export interface CompressionConfig {
  /** In the server's order of preference. */
  readonly codings: readonly ("br" | "zstd" | "gzip")[];
  /** Content types without parameters, `text/*` allowed. */
  readonly types: readonly string[];
  readonly bytesMin: number;
}

export const NO_POLICY: RoutePolicy = {
  bodyBytesMax: null,
  timeoutMs: null,
  headers: [],
  errorPages: [],
  basicAuth: null,
  allow: [],
  deny: [],
  compression: null,
};

export const MATCH_ALL: RouteMatch = {
  hosts: [],
  paths: [],
  methods: [],
  fields: [],
  listeners: [],
  isInternal: false,
};

/** Every route leads somewhere; without applications that are files, redirections and fixed responses. */
export function isServable(
  { routes }: { readonly routes: readonly Route[] },
  apps: readonly Application[],
): boolean {
  return apps.length > 0 || (routes.length > 0 && routes.every(({ action }) => action.kind !== "app"));
}

/** Of a server that was given its application on the command line. */
export const APP_NAME = "app";
