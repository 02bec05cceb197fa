// Which handler a front's requests come to first: health, then the routes, then the applications.

import type { Config } from "../config/config.ts";
import { NO_POLICY, type RouteMatch } from "../config/site.ts";
import type { AppStatus } from "../handlers/app-ports.ts";
import type { FilesServices } from "../handlers/files/files-handler.ts";
import { inFrontOf } from "../handlers/files/static-routes.ts";
import { filtered, filterServices, filtersOf, ownPagesOf } from "../handlers/filters/chain.ts";
import { type HealthFacts, HealthHandler } from "../handlers/health.ts";
import type { Handler } from "../http/exchange.ts";
import type { Log } from "../log/log.ts";
import type { FrontApp } from "./front-app.ts";

export interface RootOptions {
  readonly config: Config;
  readonly apps: ReadonlyMap<string, FrontApp>;
  readonly log: Log;
  readonly files: FilesServices;
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
function withOwnPages(root: Handler, { config, log }: RootOptions): Handler {
  const { policy } = config.routes.findLast(({ match }) => isForAll(match)) ?? { policy: NO_POLICY };
  const errorPage = ownPagesOf(
    policy,
    filterServices(log, () => performance.now()),
  );
  if (errorPage === undefined) return root;
  return { handle: (exchange) => root.handle(exchange), errorPage };
}

function isForAll({ hosts, paths, methods, fields, listeners, isInternal }: RouteMatch): boolean {
  return !isInternal && [hosts, paths, methods, fields, listeners].every((list) => list.length === 0);
}

/** An only application takes everything but what folders do, without a router on its way. Routes of a command line have one policy. */
function routed({ config, apps, log, files }: RootOptions): Handler {
  const [first] = apps.values();
  if (first === undefined) throw new Error("a front has an application");
  const { policy } = config.routes[0] ?? { policy: NO_POLICY };
  const services = filterServices(log, () => performance.now());
  return filtered(inFrontOf(first.handler, config.routes, files), filtersOf(policy, services));
}

/** Of all applications together. */
export function factsOf(apps: readonly FrontApp[], { isLeaving }: Pick<HealthFacts, "isLeaving">): AllFacts {
  const all = apps.map(({ status }) => status);
  const sum = (figure: (status: AppStatus) => number): number =>
    all.reduce((total, status) => total + figure(status), 0);
  return {
    workers: sum(({ workers }) => workers),
    waiting: sum(({ waiting }) => waiting),
    waitedMs: Math.max(...all.map(({ waitedMs }) => waitedMs)),
    running: sum(({ running }) => running),
    bodyMemoryBytes: sum(({ bodyMemoryBytes }) => bodyMemoryBytes),
    unserved: apps.filter(({ status }) => status.workers === 0).map(({ name }) => name),
    isLeaving,
  };
}

type AllFacts = HealthFacts & AppStatus;
