// Which handler a front's requests come to first: health, then the routes, then the applications.

import { systemClock } from "../base/system-clock.ts";
import type { Config } from "../config/config.ts";
import { NO_POLICY, type RouteMatch } from "../config/route.ts";
import type { AppStatus } from "../handlers/app-ports.ts";
import { BasicAuth } from "../handlers/auth/basic-auth.ts";
import { FilesHandler, type FilesServices, filesServices } from "../handlers/files/files-handler.ts";
import {
  type FilterServices,
  filtered,
  filterServices,
  filtersOf,
  ownPagesOf,
} from "../handlers/filters/chain.ts";
import { type HealthFacts, HealthHandler } from "../handlers/health.ts";
import { isUnrouted, Router } from "../handlers/router.ts";
import type { Handler } from "../http/exchange.ts";
import type { Log } from "../log/log.ts";
import type { FrontApp } from "./front-app.ts";

/** What outlives a change of the routes: open files, pages, passwords that were right. */
export interface RouteServices {
  readonly files: FilesServices;
  readonly filters: FilterServices;
  readonly basicAuth: BasicAuth;
}

export function routeServices(log: Log): RouteServices {
  const nowMs = (): number => performance.now();
  return {
    files: filesServices(log, systemClock),
    filters: filterServices(log, nowMs),
    basicAuth: new BasicAuth({ log, nowMs }),
  };
}

export interface RootOptions {
  readonly config: Config;
  readonly apps: ReadonlyMap<string, FrontApp>;
  readonly services: RouteServices;
  facts(): HealthFacts;
}

/** Whoever is asked first stands in front of the others. */
export function rootHandler(options: RootOptions): Handler {
  const { health: prefix, queueMax } = options.config;
  const { facts } = options;
  const next = routed(options);
  const root = prefix === "" ? next : new HealthHandler({ prefix, queueMax, facts, next });
  return withOwnPages(root, options);
}

/** What no route takes has the pages of the route that takes everything else. */
function withOwnPages(root: Handler, { config, services }: RootOptions): Handler {
  const { policy } = config.routes.findLast(({ match }) => isForAll(match)) ?? { policy: NO_POLICY };
  const errorPage = ownPagesOf(policy, services.filters);
  if (errorPage === undefined) return root;
  return { handle: (exchange) => root.handle(exchange), errorPage };
}

function isForAll({ hosts, paths, methods, fields, listeners, isInternal }: RouteMatch): boolean {
  return !isInternal && [hosts, paths, methods, fields, listeners].every((list) => list.length === 0);
}

/** An only application takes everything, without a router on its way. */
function routed({ config, apps, services }: RootOptions): Handler {
  const { files, filters, basicAuth } = services;
  const handlers = new Map([...apps].map(([name, app]) => [name, app.handler]));
  const [first] = handlers.values();
  if (first !== undefined && isUnrouted(config.routes))
    return filtered(first, filtersOf(config.routes[0]?.policy ?? NO_POLICY, filters));
  return new Router({
    config,
    apps: handlers,
    files: (folder, next) => new FilesHandler({ config: folder, services: files, next }),
    filters: (policy) => filtersOf(policy, filters),
    authenticate: (policy, addressOf) => basicAuth.authenticate(policy, addressOf),
  });
}

/** Of all applications together. */
export function factsOf(
  apps: readonly FrontApp[],
  { routes, isLeaving }: Pick<HealthFacts, "isLeaving"> & Pick<Config, "routes">,
): AllFacts {
  const all = apps.map(({ status }) => status);
  const sum = (figure: (status: AppStatus) => number): number =>
    all.reduce((total, status) => total + figure(status), 0);
  return {
    workers: sum(({ workers }) => workers),
    waiting: sum(({ waiting }) => waiting),
    waitedMs: Math.max(0, ...all.map(({ waitedMs }) => waitedMs)),
    running: sum(({ running }) => running),
    bodyMemoryBytes: sum(({ bodyMemoryBytes }) => bodyMemoryBytes),
    unserved: apps.filter(({ name, status }) => status.workers === 0 && isRouted(name, routes)).map(nameOf),
    isLeaving,
  };
}

/** One that was removed ends while nobody asks for it. */
function isRouted(name: string, routes: Config["routes"]): boolean {
  return routes.some(({ action }) => action.kind === "app" && action.app === name);
}

function nameOf({ name }: FrontApp): string {
  return name;
}

type AllFacts = HealthFacts & AppStatus;
