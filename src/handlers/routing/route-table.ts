// Which routes can take a request, by host and path: compiled once, so that a request costs a few look-ups in maps, however many
// routes there are. Order is kept: each answer is a list of routes in the order in which they were written.

import type { RouteMatch } from "../../config/route.ts";
import { isBelow } from "../../http/route-path.ts";

/** Whatever is routed by a match. */
export interface Matched {
  readonly match: RouteMatch;
}

export class RouteTable<R extends Matched> {
  /** By host, `*.example.org` for those below it; "" for all others. */
  readonly #hosts = new Map<string, PathTable<R>>();
  readonly #others: PathTable<R>;
  readonly #hasHosts: boolean;

  constructor(routes: readonly R[]) {
    const patterns = new Set(routes.flatMap(({ match }) => match.hosts));
    this.#hasHosts = patterns.size > 0;
    this.#others = new PathTable(routes.filter(({ match }) => match.hosts.length === 0));
    for (const pattern of patterns) {
      const fitting = routes.filter(({ match }) => fitsHost(match, pattern));
      this.#hosts.set(pattern, new PathTable(fitting));
    }
  }

  /** Routes of this host and path, in order. `path`: one reading of it (http/route-path.ts). */
  candidates(authority: string, path: string): readonly R[] {
    const table = this.#hasHosts ? this.#tableOf(hostOf(authority)) : this.#others;
    return table.candidates(path);
  }

  #tableOf(host: string): PathTable<R> {
    const own = this.#hosts.get(host);
    if (own !== undefined) return own;
    // The longest name comes first; its table has the routes of shorter ones, too.
    for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
      const below = this.#hosts.get(`*${host.slice(dot)}`);
      if (below !== undefined) return below;
    }
    return this.#others;
  }
}

/** The name or address of an authority: without port and trailing dot, in lower case. */
export function hostOf(authority: string): string {
  const bracket = authority.lastIndexOf("]");
  const colon = authority.indexOf(":", Math.max(0, bracket));
  const name = colon < 0 ? authority : authority.slice(0, colon);
  return (name.endsWith(".") ? name.slice(0, -1) : name).toLowerCase();
}

/** `host` is a name, or a pattern for all names below one. */
function fitsHost({ hosts }: RouteMatch, host: string): boolean {
  if (hosts.length === 0) return true;
  return hosts.some(
    (pattern) => pattern === host || (pattern.startsWith("*.") && host.endsWith(pattern.slice(1))),
  );
}

class PathTable<R extends Matched> {
  readonly #exact = new Map<string, readonly R[]>();
  readonly #prefixes = new Map<string, readonly R[]>();
  readonly #everywhere: readonly R[];
  readonly #longest: number;

  constructor(routes: readonly R[]) {
    for (const { kind, path } of routes.flatMap(({ match }) => match.paths)) {
      if (kind === "exact") this.#exact.set(path, fittingPath(routes, path));
      // What lies just below a prefix stands for all that lies deeper, up to the next prefix.
      else this.#prefixes.set(path, fittingPath(routes, `${path}/\0`));
    }
    // The prefix itself can have exact routes and others: it is a path of its own.
    for (const prefix of this.#prefixes.keys())
      if (!this.#exact.has(prefix)) this.#exact.set(prefix, fittingPath(routes, prefix));
    this.#everywhere = fittingPath(routes, "\0");
    this.#longest = Math.max(0, ...[...this.#prefixes.keys()].map((prefix) => prefix.length));
  }

  candidates(path: string): readonly R[] {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return exact;
    let slash = path.lastIndexOf("/", this.#longest);
    while (slash >= 0) {
      const below = this.#prefixes.get(path.slice(0, slash));
      if (below !== undefined) return below;
      if (slash === 0) break;
      slash = path.lastIndexOf("/", slash - 1);
    }
    return this.#everywhere;
  }
}

/** Routes that take `path`, which is none that a client could send where all below a prefix are meant. */
function fittingPath<R extends Matched>(routes: readonly R[], path: string): readonly R[] {
  return routes.filter(
    ({ match }) =>
      match.paths.length === 0 ||
      match.paths.some((pattern) =>
        pattern.kind === "exact" ? pattern.path === path : pattern.path === "" || isBelow(pattern.path, path),
      ),
  );
}
