// [[routes]]: in order, the first one that fits a request takes it.

import { didYouMean } from "../layer.ts";
import type { Route } from "../route.ts";
import { member, readShape, type Shape, TEXT, tableKind } from "../shape.ts";
import { suggest } from "../suggest.ts";
import type { TomlNode } from "../toml-node.ts";
import { ACTION, type ActionTable, actionOf } from "./action.ts";
import { covers, MATCH, type MatchTable, matchOf } from "./match.ts";
import { POLICY, type PolicyTable, policyOf } from "./policy.ts";
import type { SiteWorld } from "./world.ts";

export interface RouteTable extends ActionTable, PolicyTable {
  readonly name: string;
  readonly match: MatchTable;
}

const EVERYTHING: MatchTable = { host: [], path: [], method: [], header: [], listener: [], internal: false };

export const ROUTE: Shape<RouteTable> = {
  name: member(TEXT, "", "What logs and messages call it."),
  match: member(
    tableKind(MATCH),
    EVERYTHING,
    "Which requests it takes: all that is said must fit; several values mean any of them. Without it: every request.",
  ),
  ...ACTION,
  ...POLICY,
};

/** What routes may name. */
export interface RouteNames {
  readonly apps: readonly string[];
  readonly listeners: readonly string[];
}

/** A route with the place where it stands. */
interface PlacedRoute {
  readonly node: TomlNode;
  readonly route: Route;
}

export function routesOf(node: TomlNode, names: RouteNames, world: SiteWorld): readonly Route[] {
  if (!Array.isArray(node.value)) node.failKey("each route begins with [[routes]]");
  const routes = node.items().flatMap((item) => {
    const route = routeOf(item, names, world);
    return route === undefined ? [] : [{ node: item, route }];
  });
  judgeReach(routes);
  return routes.map(({ route }) => route);
}

function routeOf(node: TomlNode, names: RouteNames, world: SiteWorld): Route | undefined {
  const table = readShape(ROUTE, node);
  if (table === undefined) return undefined;
  const match = matchOf(table.match);
  const action = actionOf(node, table, match, world);
  const policy = policyOf(node, table, world);
  judgeNames(node, table, names);
  if (action === undefined) return undefined;
  return { name: table.name === "" ? node.name : table.name, match, action, policy };
}

function judgeNames(node: TomlNode, { app, match }: RouteTable, names: RouteNames): void {
  if (app !== undefined && !names.apps.includes(app))
    node.member("app")?.fail(unknown("application", app, names.apps));
  const place = node.member("match")?.member("listener");
  for (const listener of match.listener)
    if (!names.listeners.includes(listener))
      place?.failKey(`${JSON.stringify(listener)}: ${unknown("listener", listener, names.listeners)}`);
}

function unknown(what: string, name: string, known: readonly string[]): string {
  const near = suggest(name, known);
  if (near !== undefined) return `no such ${what}${didYouMean(near)}`;
  return known.length === 0
    ? `no such ${what}; none has a name`
    : `no such ${what}; there is ${known.join(", ")}`;
}

/** A route behind one that takes all of its requests is a slip. What files do not have goes on where they are optional. */
function judgeReach(routes: readonly PlacedRoute[]): void {
  for (const [index, { node, route }] of routes.entries()) {
    const earlier = routes
      .slice(0, index)
      .find((other) => !goesOn(other.route) && covers(other.route.match, route.match));
    if (earlier !== undefined) node.failKey(`no request gets here: ${nameOf(earlier)} takes them all`);
  }
}

function goesOn({ action }: Route): boolean {
  return action.kind === "files" && action.files.isOptional;
}

function nameOf({ node, route }: PlacedRoute): string {
  return route.name === node.name ? node.name : `${node.name} (${route.name})`;
}
