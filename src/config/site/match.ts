// Which requests a route takes: host, path, method, header, listener.

import { domainToASCII } from "node:url";
import { readPattern } from "../../http/route-path.ts";
import type { PathPattern, RouteMatch } from "../route.ts";
import { type Kind, listKind, member, namedKind, type Shape, TEXT, TRUTH, textKind } from "../shape.ts";

export interface MatchTable {
  readonly host: readonly string[];
  readonly path: readonly PathPattern[];
  readonly method: readonly string[];
  readonly header: readonly (readonly [string, string])[];
  readonly listener: readonly string[];
  readonly internal: boolean;
}

const HOST: Kind<string> = textKind((text) => {
  const host = text.trim().toLowerCase().replace(/\.$/, "");
  if (/:\d*$/.test(host) && !host.endsWith("]"))
    return { reason: "a host stands without its port here; match.listener tells listeners apart" };
  if (/^\[[0-9a-f:.]+\]$/.test(host)) return { value: host };
  const isWildcard = host.startsWith("*.");
  const ascii = domainToASCII(isWildcard ? host.slice(2) : host);
  if (ascii === "" || !/^[\w.-]+$/.test(ascii))
    return { reason: "expected a host such as example.org, or *.example.org for all hosts below it" };
  return { value: isWildcard ? `*.${ascii}` : ascii };
});

const PATH: Kind<PathPattern> = textKind((text) => {
  const isPrefix = text.endsWith("/*");
  const path = isPrefix ? text.slice(0, -1) : text;
  if (path.includes("*"))
    return { reason: "* can only stand at the end, behind a slash: /static/* is /static and all below it" };
  const read = readPattern(path);
  if ("reason" in read) return read;
  return {
    value: isPrefix ? { kind: "prefix", path: read.path.slice(0, -1) } : { kind: "exact", path: read.path },
  };
});

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const METHOD: Kind<string> = textKind((text) =>
  TOKEN.test(text) ? { value: text.toUpperCase() } : { reason: "expected a method such as GET or POST" },
);

export function judgeFieldName(name: string): string | undefined {
  return TOKEN.test(name) ? undefined : "expected the name of a header field, such as X-Version";
}

export const MATCH: Shape<MatchTable> = {
  host: member(
    listKind(HOST),
    [],
    "Hosts, without port, in any case: example.org, or *.example.org for every host below it.",
  ),
  path: member(
    listKind(PATH),
    [],
    "Paths: /about is that path alone, /static/* is /static and everything below it, /* is everything.",
  ),
  method: member(listKind(METHOD), [], "Methods: GET (HEAD goes with it), POST."),
  header: member(
    namedKind(TEXT, judgeFieldName),
    [],
    "Header fields with the value that they must have; * for any value.",
  ),
  listener: member(listKind(TEXT), [], "Names of listeners."),
  internal: member(
    TRUTH,
    false,
    "Only an application's X-Accel-Redirect leads here, no client's request does.",
  ),
};

export function matchOf(table: MatchTable): RouteMatch {
  return {
    hosts: table.host,
    paths: table.path,
    methods: table.method,
    fields: table.header.map(([name, value]) => ({ name: name.toLowerCase(), value })),
    listeners: table.listener,
    isInternal: table.internal,
  };
}

/** Whether `one` takes each request that `other` takes. */
export function covers(one: RouteMatch, other: RouteMatch): boolean {
  return (
    one.isInternal === other.isInternal &&
    coversAll(one.hosts, other.hosts, coversHost) &&
    coversAll(one.paths, other.paths, coversPath) &&
    coversAll(one.methods, other.methods, (a, b) => a === b || (a === "GET" && b === "HEAD")) &&
    coversAll(one.listeners, other.listeners, (a, b) => a === b) &&
    one.fields.every((field) =>
      other.fields.some(
        ({ name, value }) => name === field.name && (field.value === "*" || value === field.value),
      ),
    )
  );
}

/** Nothing given fits anything. */
function coversAll<T>(
  ones: readonly T[],
  others: readonly T[],
  covers: (one: T, other: T) => boolean,
): boolean {
  if (ones.length === 0) return true;
  return others.length > 0 && others.every((other) => ones.some((one) => covers(one, other)));
}

function coversHost(one: string, other: string): boolean {
  return one === other || (one.startsWith("*.") && other.endsWith(one.slice(1)));
}

function coversPath(one: PathPattern, other: PathPattern): boolean {
  if (one.kind === "exact") return other.kind === "exact" && one.path === other.path;
  return other.path === one.path || other.path.startsWith(`${one.path}/`);
}
