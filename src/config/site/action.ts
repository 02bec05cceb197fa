// What a route does with the requests that it takes: an application, files, a redirection, or a fixed response.

import { isBelow } from "../../http/route-path.ts";
import { parseAge } from "../quantity.ts";
import type { FilesConfig, RouteAction, RouteMatch } from "../route.ts";
import {
  choiceKind,
  type Kind,
  listKind,
  member,
  type Shape,
  shortKind,
  TEXT,
  TRUTH,
  tableKind,
  textKind,
  wholeNumberKind,
} from "../shape.ts";
import type { TomlNode } from "../toml-node.ts";
import { placeOf, type SiteWorld } from "./world.ts";

export interface FilesTable {
  readonly root: string;
  readonly strip: boolean | string;
  readonly index: readonly string[];
  readonly fallback: string;
  readonly optional: boolean;
  readonly precompressed: boolean;
  readonly symlinks: "deny" | "inside" | "follow";
  readonly dotfiles: boolean;
  readonly max_age: number;
  readonly immutable: boolean;
}

export interface RedirectTable {
  readonly to: string;
  readonly status: number;
}

export interface RespondTable {
  readonly status: number;
  readonly body: string;
  readonly type: string;
}

export interface ActionTable {
  readonly app: string | undefined;
  readonly files: FilesTable | undefined;
  readonly redirect: RedirectTable | undefined;
  readonly respond: RespondTable | undefined;
  readonly mount: boolean | string;
}

/** What needs no escape in a URL: a mount is compared with paths as they were sent. */
const PREFIX = /^(?:\/[\w.~!$&'()*+,=:@-]+)+\/?$/;

const PREFIX_OR_TRUTH: Kind<boolean | string> = {
  schema: { anyOf: [{ type: "boolean" }, { type: "string", pattern: "^/" }] },
  read: (node) => {
    if (typeof node.value === "boolean") return node.value;
    const isPrefix = typeof node.value === "string" && PREFIX.test(node.value);
    return isPrefix
      ? String(node.value).replace(/\/$/, "")
      : node.fail("expected true, false, or a prefix such as /shop");
  },
};

const AGE: Kind<number> = {
  schema: { anyOf: [{ type: "number", minimum: 0 }, { type: "string" }] },
  read: (node) => {
    const { value } = node;
    const isScalar = typeof value === "number" || typeof value === "string";
    return (
      (isScalar ? parseAge(String(value)) : undefined) ??
      node.fail("expected a length of time such as 3600, 1h or 30d")
    );
  },
};

const FILES_LONG: Shape<FilesTable> = {
  root: member(TEXT, "", "The folder."),
  strip: member(
    PREFIX_OR_TRUTH,
    true,
    "What is taken off the path before the rest is looked up in the folder: true takes the prefix of match.path off, false nothing.",
  ),
  index: member(listKind(TEXT), ["index.html"], "Files that are served for a folder; [] for none."),
  fallback: member(
    TEXT,
    "",
    "A file below root that is served where there is none: for single page applications.",
  ),
  optional: member(TRUTH, false, "What is not there goes on to the routes behind this one."),
  precompressed: member(TRUTH, true, "Send the .br, .zst or .gz file beside a file to who accepts it."),
  symlinks: member(
    choiceKind(["deny", "inside", "follow"]),
    "inside",
    "Which symbolic links are followed: none, those that stay below root, all.",
  ),
  dotfiles: member(TRUTH, false, "Serve files and folders that begin with a dot."),
  max_age: member(AGE, -1, "How long caches may keep files, as 3600, 1h or 30d; without it nothing is said."),
  immutable: member(
    TRUTH,
    true,
    "Files with a hash in their names are kept for a year without being asked for again.",
  ),
};

const FILES: Kind<FilesTable> = shortKind(tableKind(FILES_LONG), { type: "string" }, (node) => {
  if (typeof node.value === "string") return { ...defaults(FILES_LONG), root: node.value };
  return node.fail('expected a folder such as "public", or a table with root');
});

const VARIABLES = /\$(?:scheme|host|path|query|uri)(?![a-z])/g;
/** Behind the host only a path, a query or nothing can follow: else it would lengthen the host's name. */
const TARGET_START =
  /^(?:(?:https?|\$scheme):\/\/(?:\$host|[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?=$|\/|\?|\$path|\$uri)|\/|\?|\$path|\$uri)/i;

const REDIRECT_TO: Kind<string> = textKind((to) => {
  const unknown = /\$\w*/.exec(to.replace(VARIABLES, ""))?.[0];
  if (unknown !== undefined)
    return { reason: `${unknown} is no variable; there are $scheme, $host, $path, $query and $uri` };
  if (/[^!-~]|\\/.test(to)) return { reason: "expected printable ASCII without blanks and \\" };
  if (TARGET_START.test(to)) return { value: to };
  return { reason: "expected https://HOST and then a path, or a path: https://example.org$uri, /new, $path" };
});

const REDIRECT_STATUSES: readonly number[] = [301, 302, 303, 307, 308];

const REDIRECT_STATUS: Kind<number> = {
  schema: { enum: REDIRECT_STATUSES },
  read: (node) =>
    REDIRECT_STATUSES.find((status) => status === node.value) ??
    node.fail("expected 301, 302, 303, 307 or 308"),
};

const REDIRECT_LONG: Shape<RedirectTable> = {
  to: member(
    REDIRECT_TO,
    "",
    "Where to: a path or a URL, with $scheme, $host, $path, $query and $uri ($path with its query) of the request.",
  ),
  status: member(
    REDIRECT_STATUS,
    302,
    "301 and 308 are for good, 302 and 307 for now; 307 and 308 keep the method.",
  ),
};

const REDIRECT: Kind<RedirectTable> = shortKind(tableKind(REDIRECT_LONG), { type: "string" }, (node) => {
  const to = REDIRECT_TO.read(node);
  return to === undefined ? undefined : { ...defaults(REDIRECT_LONG), to };
});

const CONTENT_TYPE: Kind<string> = textKind((text) =>
  /^[\w.+-]+\/[\w.+-]+(?:\s*;[ -~]*)?$/.test(text)
    ? { value: text }
    : { reason: "expected a content type such as text/plain" },
);

const STATUS: Kind<number> = wholeNumberKind(200, 599);

const RESPOND_LONG: Shape<RespondTable> = {
  status: member(STATUS, 200, "The status."),
  body: member(TEXT, "", "The body; empty sends the server's own page for statuses from 400 on."),
  type: member(CONTENT_TYPE, "text/plain; charset=utf-8", "The content type."),
};

const RESPOND: Kind<RespondTable> = shortKind(tableKind(RESPOND_LONG), { type: "integer" }, (node) => {
  const status = STATUS.read(node);
  return status === undefined ? undefined : { ...defaults(RESPOND_LONG), status };
});

/** Of the four actions a route has exactly one. */
export const ACTION: Shape<ActionTable> = {
  app: member<string | undefined>(TEXT, undefined, "The application that answers: NAME of [apps.NAME]."),
  files: member<FilesTable | undefined>(
    FILES,
    undefined,
    "A folder of files, or a table that says more of it.",
  ),
  redirect: member<RedirectTable | undefined>(
    REDIRECT,
    undefined,
    "Where the client is sent, or a table with status.",
  ),
  respond: member<RespondTable | undefined>(RESPOND, undefined, "A status, or a table with a body."),
  mount: member(
    PREFIX_OR_TRUTH,
    false,
    "This prefix is the application's SCRIPT_NAME or root_path, so that it makes its links with it; true: the prefix of match.path.",
  ),
};

const ACTIONS = ["app", "files", "redirect", "respond"] as const;

/** Undefined after a complaint. */
export function actionOf(
  node: TomlNode,
  table: ActionTable,
  match: RouteMatch,
  world: SiteWorld,
): RouteAction | undefined {
  const given = ACTIONS.filter((name) => node.member(name) !== undefined);
  if (given.length === 0) return node.failKey("a route needs one of app, files, redirect and respond");
  if (given.length > 1) return node.failKey(`a route does one thing, not ${given.join(" and ")}`);
  if (table.app === undefined && table.mount !== false)
    node.member("mount")?.failKey("only an app can be mounted");
  if (table.app !== undefined) return appAction(node, table, table.app, match);
  if (table.files !== undefined) return filesAction(node, table.files, match, world);
  if (table.redirect !== undefined) return redirectAction(node, table.redirect);
  return table.respond === undefined ? undefined : respondAction(table.respond);
}

function appAction(node: TomlNode, table: ActionTable, app: string, match: RouteMatch): RouteAction {
  const mount = prefixOf(node.member("mount"), table.mount, match) ?? "";
  return { kind: "app", app, mount };
}

function filesAction(
  node: TomlNode,
  table: FilesTable,
  match: RouteMatch,
  world: SiteWorld,
): RouteAction | undefined {
  const place = node.member("files");
  const root = place?.member("root") ?? place;
  if (table.root === "") return root?.failKey("files needs a root: the folder");
  const strip = place?.member("strip");
  const asked = table.strip === true && strip === undefined ? whereClear(match) : table.strip;
  const files: FilesConfig = {
    strip: prefixOf(strip ?? place, asked, match) ?? "",
    root: placeOf(root, table.root, "folder", world),
    index: table.index,
    fallback: table.fallback,
    isOptional: table.optional,
    precompressed: table.precompressed,
    symlinks: table.symlinks,
    dotfiles: table.dotfiles,
    maxAgeSeconds: table.max_age,
    immutableHashed: table.immutable,
  };
  return { kind: "files", files };
}

/** Paths that name single files have no prefix to take off. */
function whereClear({ paths }: RouteMatch): boolean {
  return paths.some(({ kind }) => kind === "prefix");
}

function redirectAction(node: TomlNode, { to, status }: RedirectTable): RouteAction | undefined {
  if (to === "") return node.member("redirect")?.failKey("redirect needs a target");
  return { kind: "redirect", to, status };
}

function respondAction({ status, body, type }: RespondTable): RouteAction {
  return { kind: "respond", status, body, contentType: type };
}

/** The prefix that `asked` means; all that the route takes must lie below it. */
function prefixOf(
  node: TomlNode | undefined,
  asked: boolean | string,
  { paths }: RouteMatch,
): string | undefined {
  if (asked === false || asked === "") return "";
  if (typeof asked === "string") {
    if (paths.length > 0 && paths.every(({ path }) => isBelow(asked, path))) return asked;
    return node?.failKey(`not every path that the route takes lies below ${asked}`);
  }
  const [only, ...others] = paths;
  if (only === undefined) return "";
  if (only.kind === "exact" || others.length > 0)
    return node?.failKey("the prefix is only clear where match.path is one path with /* at its end; name it");
  if (only.path !== "" && !PREFIX.test(only.path))
    return node?.failKey("a prefix that needs escapes cannot be taken off");
  return only.path;
}

function defaults<T>(shape: Shape<T>): T {
  const entries = Object.entries<{ readonly byDefault: unknown }>(shape).map(([key, { byDefault }]) => [
    key,
    byDefault,
  ]);
  return Object.fromEntries(entries) as T; // one for each member
}
