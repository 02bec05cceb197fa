// Which requests a route takes, and what it does with them. Resolved, validated and frozen as config.ts is, and sent to every process
// as JSON.

import type { Rate } from "./rate.ts";

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
  /** `inside`: only links whose target lies below root. */
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
  /** How often one client, by its address after the trust rules, may come; beyond it 429. */
  readonly rate: Rate | null;
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
  rate: null,
};

export const MATCH_ALL: RouteMatch = {
  hosts: [],
  paths: [],
  methods: [],
  fields: [],
  listeners: [],
  isInternal: false,
};
