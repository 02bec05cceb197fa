// Leads requests to what answers them: the first route that fits takes the request. A path that can be read in several ways goes
// through only if all readings lead to the same route (http/route-path.ts): no spelling gets around a route.
// Further actions (a proxied host) are handlers made in `#action`; further policies (a cache) are guards in front of
// them or filters behind (routing/route-handler.ts).

import type { Config } from "../config/config.ts";
import type { FilesConfig, Route, RouteAction, RoutePolicy } from "../config/route.ts";
import type { Exchange, Handler, RequestHead } from "../http/exchange.ts";
import { isBelow, isPlainPath, pathReadings } from "../http/route-path.ts";
import { answerWithPage } from "./error-page.ts";
import { type AddressOf, clientAddress } from "./routing/client-address.ts";
import { RedirectHandler } from "./routing/redirect.ts";
import { RespondHandler } from "./routing/respond.ts";
import { type Authenticate, RouteHandler } from "./routing/route-handler.ts";
import { RouteTable } from "./routing/route-table.ts";
import { Trust } from "./trust.ts";

export interface RouterOptions {
  readonly config: Pick<Config, "routes" | "bodyBytesMax"> & ConstructorParameters<typeof Trust>[0];
  /** By their names. */
  readonly apps: ReadonlyMap<string, Handler>;
  /** `next` gets what is not there, where the configuration says so. */
  files(config: FilesConfig, next: Handler): Handler;
  /** What a route does to its responses; undefined for nothing. */
  filters(policy: RoutePolicy): ((exchange: Exchange) => Exchange) | undefined;
  /** Asks for a name and a password. */
  authenticate(basicAuth: NonNullable<RoutePolicy["basicAuth"]>, addressOf: AddressOf): Authenticate;
}

/** A route that is ready to serve. */
interface Entry {
  readonly order: number;
  readonly match: Route["match"];
  readonly route: Route;
  readonly handler: RouteHandler;
}

export class Router implements Handler {
  readonly #options: RouterOptions;
  readonly #trust: Trust;
  readonly #entries: readonly Entry[];
  readonly #table: RouteTable<Entry>;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#trust = new Trust(options.config);
    this.#entries = options.config.routes.map((route, order) => this.#entry(route, order));
    // Only an application's X-Accel-Redirect leads to the others (files/internal-routes.ts).
    this.#table = new RouteTable(this.#entries.filter(({ match }) => !match.isInternal));
  }

  #entry(route: Route, order: number): Entry {
    const { filters, authenticate, config } = this.#options;
    const { policy, match } = route;
    const addressOf: AddressOf = (exchange) => clientAddress(exchange, this.#trust);
    const handler = new RouteHandler({
      route,
      addressOf,
      action: this.#action(route.action, order),
      trust: this.#trust,
      filters: filters(policy),
      authenticate: policy.basicAuth === null ? undefined : authenticate(policy.basicAuth, addressOf),
      frontsBodyBytesMax: config.bodyBytesMax,
    });
    return { order, match, route, handler };
  }

  #action(action: RouteAction, order: number): Handler {
    switch (action.kind) {
      case "app":
        return this.#options.apps.get(action.app) ?? NO_APP;
      case "files":
        return this.#options.files(action.files, { handle: (exchange) => this.#goOn(exchange, order) });
      case "redirect":
        return new RedirectHandler(action, ({ head, peer }) => this.#trust.judge(head, peer).scheme);
      case "respond":
        return new RespondHandler(action);
    }
  }

  handle(exchange: Exchange): void {
    this.#serve(exchange, -1);
  }

  /** The routes behind the one of this order are asked, as if that did not exist. */
  #goOn(exchange: Exchange, order: number): void {
    const own = this.#entries[order]?.handler.release(exchange) ?? exchange;
    this.#serve(own, order);
  }

  #serve(exchange: Exchange, after: number): void {
    const { path } = exchange.head;
    if (!isPlainPath(path)) {
      this.#serveUnclear(exchange, after);
      return;
    }
    const entry = this.#find(exchange, path, after);
    if (entry === undefined) this.#refuse(exchange, path, after);
    else entry.handler.handle(exchange);
  }

  #serveUnclear(exchange: Exchange, after: number): void {
    const { path } = exchange.head;
    const readings = pathReadings(path);
    const [first = "", ...others] = readings ?? [];
    const entry = this.#find(exchange, first, after);
    const isClear =
      readings !== undefined && others.every((other) => this.#find(exchange, other, after) === entry);
    if (!isClear || (entry !== undefined && !keepsMount(entry.route.action, path)))
      answerWithPage(exchange.response, 400, { detail: "The path can be understood in several ways." });
    else if (entry === undefined) this.#refuse(exchange, first, after);
    else entry.handler.handle(exchange);
  }

  #find(exchange: Exchange, path: string, after: number): Entry | undefined {
    const { head, peer } = exchange;
    for (const entry of this.#table.candidates(head.authority, path)) {
      const { match, order } = entry;
      if (order > after && fitsMethod(match, head.method) && fitsRest(match, head, peer.listener))
        return entry;
    }
    return undefined;
  }

  #refuse(exchange: Exchange, path: string, after: number): void {
    const { head, peer, response } = exchange;
    const others = this.#table
      .candidates(head.authority, path)
      .filter(({ match, order }) => order > after && fitsRest(match, head, peer.listener));
    const methods = [...new Set(others.flatMap(({ match }) => match.methods.flatMap(withHead)))];
    if (methods.length === 0) answerWithPage(response, 404, {});
    else answerWithPage(response, 405, { lines: `Allow: ${methods.join(", ")}\r\n` });
  }
}

/** True where one application gets everything as it is: then its handler needs no router in front. */
export function isUnrouted(routes: readonly Route[]): boolean {
  const [only, ...others] = routes;
  if (only === undefined || others.length > 0) return false;
  const { match, action, policy } = only;
  const { hosts, paths, methods, fields, listeners, isInternal } = match;
  const isEverything =
    [hosts, paths, methods, fields, listeners].every(({ length }) => length === 0) && !isInternal;
  const isOpen = policy.basicAuth === null && policy.allow.length === 0 && policy.deny.length === 0;
  const isPlain = policy.bodyBytesMax === null && policy.timeoutMs === null && policy.rate === null;
  return isEverything && action.kind === "app" && action.mount === "" && isOpen && isPlain;
}

const NO_APP: Handler = { handle: ({ response }) => answerWithPage(response, 503, {}) };

/** What is taken off the path must be there to the letter: an application cuts it off as it was sent. */
function keepsMount(action: RouteAction, path: string): boolean {
  return action.kind !== "app" || isBelow(action.mount, path);
}

/** HEAD goes where GET goes (RFC 9110 §9.3.2). */
function fitsMethod({ methods }: Route["match"], method: string): boolean {
  return methods.length === 0 || methods.includes(method) || (method === "HEAD" && methods.includes("GET"));
}

function fitsRest({ fields, listeners }: Route["match"], head: RequestHead, listener: string): boolean {
  if (listeners.length > 0 && !listeners.includes(listener)) return false;
  return fields.every(({ name, value }) => {
    if (value === "*") return head.fields.get(name) !== undefined;
    return head.fields.get(name) === value || head.fields.all(name).includes(value);
  });
}

function withHead(method: string): readonly string[] {
  return method === "GET" ? ["GET", "HEAD"] : [method];
}
