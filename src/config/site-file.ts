// A site: what tunicorn.toml says of listeners, applications and routes, read as a whole. Every fault is told, each at its place.

import { resolve as resolvePath } from "node:path";
import type { Config } from "./config.ts";
import { type Entry, type Layer, type Settled, settle } from "./layer.ts";
import type { ListenerConfig } from "./listener.ts";
import { plainValues } from "./plain-values.ts";
import type { Problem } from "./problem.ts";
import { deepFreeze, resolveConfig, type Surroundings } from "./resolve.ts";
import { policyFor, responsePolicy, withServersPolicy } from "./response-policy.ts";
import { MATCH_ALL, NO_POLICY, type Route } from "./route.ts";
import type { SettingName, Values } from "./settings.ts";
import { type AppTable, appsOf } from "./site/apps.ts";
import { listenersOf } from "./site/listeners.ts";
import { routesOf } from "./site/routes.ts";
import type { SiteWorld } from "./site/world.ts";
import { APP_NAME, type SiteApplication } from "./site.ts";
import type { SiteSource } from "./toml-file.ts";
import { TomlNode } from "./toml-node.ts";

/** The server as it is without the site. */
export interface ServerReading {
  readonly config: Config;
  readonly values: Values;
  readonly origins: Settled["origins"];
  /** Weakest first; an application's own settings are stronger than all of them. */
  readonly layers: readonly Layer[];
  /** A flag or variable says where to listen: stronger than the file. */
  readonly bindOrigin: string | undefined;
}

export interface SiteSurroundings {
  readonly kindOf: SiteWorld["kindOf"];
  /** For an application's own folder, number of workers and variables. */
  around(settled: Settled): Surroundings & { readonly problems: readonly Problem[] };
}

export interface SiteReading {
  readonly config: Config;
  readonly apps: readonly SiteApplication[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

export function readSite(
  source: SiteSource,
  server: ServerReading,
  surroundings: SiteSurroundings,
): SiteReading {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const root = new TomlNode({ ...source, problems }, [], source.table);
  const world: SiteWorld = { folder: server.config.chdir, kindOf: surroundings.kindOf };
  const listeners = readListeners(root.member("listeners"), server, world, warnings);
  const tables = readApps(root.member("apps"), server);
  const readings = tables.map((table) => readApp(table, server, surroundings));
  problems.push(...readings.flatMap((reading) => reading.problems));
  warnings.push(...readings.flatMap((reading) => reading.warnings));
  const serversPolicy = responsePolicy(server.values, server.config.chdir);
  const routes = readRoutes(root, { tables, listeners, server, world }).map((route) => ({
    ...route,
    policy: withServersPolicy(route.policy, policyFor(route.action, serversPolicy)),
  }));
  warnings.push(...unusedApps(tables, routes, server));
  const config = deepFreeze(withBodyLimits(siteConfig(server, listeners, routes, tables), readings));
  const { bind } = config;
  const apps = readings.map(({ name, values, config: own }) => {
    const shared = deepFreeze({ ...own, bind, listeners: config.listeners, routes: config.routes });
    return { name, config: shared, cfg: plainValues(values, shared) };
  });
  return { config, apps: tables.length > 0 ? apps : onlyApp(config, server.values), problems, warnings };
}

/** The application of a command line: its settings are the server's. */
export function onlyApp(config: Config, values: Values): readonly SiteApplication[] {
  return config.app === "" ? [] : [{ name: APP_NAME, config, cfg: plainValues(values, config) }];
}

// ---- listeners

function readListeners(
  node: TomlNode | undefined,
  { config, origins, bindOrigin }: ServerReading,
  world: SiteWorld,
  warnings: string[],
): readonly ListenerConfig[] {
  if (node === undefined) return config.listeners;
  const listeners = listenersOf(node, world);
  if (bindOrigin !== undefined) {
    warnings.push(`${node.where}: not opened, because ${bindOrigin} says where to listen`);
    return config.listeners;
  }
  for (const name of ["bind", "host", "port", "uds", "fd"] as const)
    if (origins[name].rank > 0)
      node.failKey(`${origins[name].text} says where to listen, too; keep one of them`);
  if (listeners.length === 0) return config.listeners;
  return [...listeners, ...config.listeners.filter(({ servesMetrics }) => servesMetrics)];
}

// ---- applications

function readApps(node: TomlNode | undefined, { values, origins }: ServerReading): readonly AppTable[] {
  const tables = node === undefined ? [] : appsOf(node);
  if (node !== undefined && values.wsgi_app !== "")
    node.failKey(`${origins.wsgi_app.text} names an application, too; give it a table here`);
  return tables;
}

interface AppReading {
  readonly name: string;
  readonly config: Config;
  readonly values: Values;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

function readApp({ name, layer }: AppTable, server: ServerReading, { around }: SiteSurroundings): AppReading {
  const chdir = layer.get("chdir");
  const folder = typeof chdir?.given === "string" ? chdir.given : "";
  const own = new Map<SettingName, Entry>([
    ["proc_name", { given: name, origin: "default" }],
    ...withServersEnv(layer, server),
    ["chdir", { given: resolvePath(server.config.chdir, folder), origin: chdir?.origin ?? "default" }],
  ]);
  const settled = settle([...server.layers, own]);
  const { problems, ...surroundings } = around(settled);
  const resolved = resolveConfig(settled.values, settled.origins, surroundings);
  return {
    name,
    config: resolved.config,
    values: settled.values,
    problems: [...settled.problems, ...problems, ...resolved.problems],
    warnings: [...settled.warnings, ...resolved.warnings],
  };
}

/** Variables of the server are the application's too, and its own are stronger. */
function withServersEnv(layer: Layer, { values }: ServerReading): Layer {
  const own = layer.get("raw_env");
  if (own === undefined || !Array.isArray(own.given)) return layer;
  const given = [...values.raw_env.map(([name, value]) => `${name}=${value}`), ...own.given];
  return new Map([...layer, ["raw_env", { ...own, given }]]);
}

// ---- routes

interface RouteOrder {
  readonly tables: readonly AppTable[];
  readonly listeners: readonly ListenerConfig[];
  readonly server: ServerReading;
  readonly world: SiteWorld;
}

/** Routes that flags make (--static) come first; the one to a command line's application is the file's to say. */
function readRoutes(root: TomlNode, { tables, listeners, server, world }: RouteOrder): readonly Route[] {
  const node = root.member("routes");
  const apps = tables.length > 0 ? tables.map(({ name }) => name) : appNames(server.config);
  const flagged = server.config.routes.filter((route) => !isAppRoute(route));
  if (node !== undefined) {
    const names = listeners.map(({ name }) => name).filter((name) => name !== "");
    return [...flagged, ...routesOf(node, { apps, listeners: names }, world)];
  }
  const [only, ...others] = apps;
  if (others.length > 0)
    root.member("apps")?.failKey("several applications need [[routes]] that lead to them");
  return only === undefined ? routesWithoutApp(server.config.routes) : [...flagged, routeTo(only)];
}

/** A folder at / can do without an application, and has the last word then; who has none has forgotten the application. */
export function routesWithoutApp(routes: readonly Route[]): readonly Route[] {
  const folders = routes.filter((route) => !isAppRoute(route));
  if (!folders.some(isWholeFolder)) return routes;
  return folders.map((route) => {
    const { action } = route;
    if (action.kind !== "files" || !isWholeFolder(route)) return route;
    return { ...route, action: { ...action, files: { ...action.files, isOptional: false } } };
  });
}

function isWholeFolder({ action, match }: Route): boolean {
  return action.kind === "files" && !match.isInternal && match.paths[0]?.path === "";
}

function appNames({ app }: Config): readonly string[] {
  return app === "" ? [] : [APP_NAME];
}

function isAppRoute({ action, match }: Route): boolean {
  return action.kind === "app" && action.app === APP_NAME && match.paths.length === 0;
}

function routeTo(app: string): Route {
  return { name: app, match: MATCH_ALL, action: { kind: "app", app, mount: "" }, policy: NO_POLICY };
}

function unusedApps(
  tables: readonly AppTable[],
  routes: readonly Route[],
  server: ServerReading,
): readonly string[] {
  const used = new Set(routes.map(({ action }) => (action.kind === "app" ? action.app : "")));
  const unused = tables
    .filter(({ name }) => !used.has(name))
    .map(({ node }) => `${node.where}: no route leads to it`);
  const isIdle = tables.length === 0 && server.config.app !== "" && !used.has(APP_NAME);
  return isIdle
    ? [...unused, `no route leads to ${server.config.app}: app = "${APP_NAME}" in a route does`]
    : unused;
}

// ---- the server's Config

function siteConfig(
  { config, values }: ServerReading,
  listeners: readonly ListenerConfig[],
  routes: readonly Route[],
  tables: readonly AppTable[],
): Config {
  const names = tables.map(({ name }) => name).join(",");
  return {
    ...config,
    bind: listeners.map(({ address }) => address),
    listeners,
    routes,
    procName: values.proc_name === "" && names !== "" ? names : config.procName,
  };
}

/**
 * A front takes no body beyond its own limit, so that must be the largest of all routes; those that say nothing then keep
 * their application's, or the server's.
 */
function withBodyLimits(config: Config, apps: readonly AppReading[]): Config {
  const limitOf = ({ action, policy }: Route): number => {
    const app = action.kind === "app" ? apps.find(({ name }) => name === action.app) : undefined;
    return policy.bodyBytesMax ?? app?.config.bodyBytesMax ?? config.bodyBytesMax;
  };
  const limits = [config.bodyBytesMax, ...config.routes.map(limitOf)];
  if (limits.every((limit) => limit === config.bodyBytesMax)) return config;
  const bodyBytesMax = limits.includes(0) ? 0 : Math.max(...limits);
  const routes = config.routes.map((route) => withBodyLimit(route, limitOf(route), bodyBytesMax));
  return { ...config, bodyBytesMax, routes };
}

/** The front's own limit needs no second look. */
function withBodyLimit(route: Route, limit: number, frontsLimit: number): Route {
  if (limit === frontsLimit) return route;
  return { ...route, policy: { ...route.policy, bodyBytesMax: limit } };
}
