// What a route changes for its requests, whatever answers them: limits, fields, pages, who may come.

import { duration, size } from "../quantity.ts";
import { parseRate, RATE_EXPECTED, type Rate } from "../rate.ts";
import { SECURITY_HEADERS } from "../response-policy.ts";
import type { CompressionConfig, RoutePolicy } from "../route.ts";
import { COMPRESS_MIN_SIZE_DEFAULT, COMPRESS_TYPES_DEFAULT } from "../settings/responses.ts";
import {
  choiceKind,
  type Kind,
  listKind,
  member,
  namedKind,
  type Shape,
  shortKind,
  TEXT,
  TRUTH,
  tableKind,
  textKind,
  valueKind,
} from "../shape.ts";
import type { TomlNode } from "../toml-node.ts";
import { isNetwork } from "../trust.ts";
import { judgeFieldName } from "./match.ts";
import { placeOf, type SiteWorld } from "./world.ts";

export interface BasicAuthTable {
  readonly users: string;
  readonly realm: string;
}

export interface CompressTable {
  readonly codings: readonly ("br" | "zstd" | "gzip")[];
  readonly types: readonly string[];
  readonly min_size: number;
}

export interface PolicyTable {
  readonly max_body: number | null;
  readonly timeout: number | null;
  readonly headers: readonly (readonly [string, string])[];
  readonly security_headers: boolean;
  readonly error_pages: readonly (readonly [string, string])[];
  readonly basic_auth: BasicAuthTable | null;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly compress: CompressTable | null;
  readonly rate: Rate | null;
}

const SIZE: Kind<number> = valueKind(size(0), {
  anyOf: [{ type: "integer", minimum: 0 }, { type: "string" }],
});
const SECONDS: Kind<number> = valueKind(duration(0), {
  anyOf: [{ type: "number", minimum: 0 }, { type: "string" }],
});

const FIELD_VALUE: Kind<string> = textKind((text) =>
  /^[\t -~\u0080-\u00ff]*$/.test(text)
    ? { value: text.trim() }
    : { reason: "expected the text of a header field, in one line of latin-1" },
);

const NETWORK: Kind<string> = textKind((text) => {
  const entry = text.trim();
  const isKnown = entry === "unix" || entry === "private" || isNetwork(entry);
  return isKnown
    ? { value: entry }
    : { reason: "expected an IP address, a network such as 10.0.0.0/8, private, unix or *" };
});

function judgeStatus(name: string): string | undefined {
  return /^[45](?:\d\d|xx)$/.test(name) ? undefined : "expected a status such as 404, or 4xx or 5xx";
}

const BASIC_AUTH_LONG: Shape<BasicAuthTable> = {
  users: member(
    TEXT,
    "",
    "A file of NAME:HASH lines, as htpasswd -B makes it (bcrypt), or with scrypt hashes.",
  ),
  realm: member(FIELD_VALUE, "Restricted", "What the client is told that it needs a password for."),
};

const BASIC_AUTH: Kind<BasicAuthTable> = shortKind(tableKind(BASIC_AUTH_LONG), { type: "string" }, (node) =>
  typeof node.value === "string"
    ? { users: node.value, realm: BASIC_AUTH_LONG.realm.byDefault }
    : node.fail("expected a file of users, or a table with users and realm"),
);

const MEDIA_TYPE: Kind<string> = textKind((text) =>
  /^[\w.+-]+\/(?:[\w.+-]+|\*)$/.test(text)
    ? { value: text.toLowerCase() }
    : { reason: "expected a content type without parameters, such as text/html or text/*" },
);

const COMPRESS_LONG: Shape<CompressTable> = {
  codings: member(
    listKind(choiceKind(["br", "zstd", "gzip"])),
    ["zstd", "br", "gzip"],
    "Codings, the most wanted first.",
  ),
  types: member(listKind(MEDIA_TYPE), COMPRESS_TYPES_DEFAULT, "Content types that are compressed."),
  min_size: member(SIZE, COMPRESS_MIN_SIZE_DEFAULT, "Shorter bodies are sent as they are."),
};

const COMPRESS: Kind<CompressTable> = shortKind(tableKind(COMPRESS_LONG), { type: "boolean" }, (node) => {
  const { codings, types, min_size } = COMPRESS_LONG;
  if (typeof node.value !== "boolean") return node.fail("expected true, false or a table");
  return {
    codings: node.value ? codings.byDefault : [],
    types: types.byDefault,
    min_size: min_size.byDefault,
  };
});

const RATE: Kind<Rate | null> = textKind<Rate | null>((text) => {
  const rate = parseRate(text);
  return rate === undefined ? { reason: RATE_EXPECTED } : { value: rate };
});

export const POLICY: Shape<PolicyTable> = {
  max_body: member<number | null>(
    SIZE,
    null,
    "Largest request body, as 10M; 0 for no limit. Beyond it: 413.",
  ),
  timeout: member<number | null>(SECONDS, null, "How long a request may take, as 30 or 2m; 0 for no limit."),
  headers: member(
    namedKind(FIELD_VALUE, judgeFieldName),
    [],
    'Header fields of every response; "" removes one.',
  ),
  security_headers: member(
    TRUTH,
    false,
    "Send X-Content-Type-Options, X-Frame-Options, Referrer-Policy and, over https, Strict-Transport-Security where the response has no such field of its own; headers can change or remove each.",
  ),
  error_pages: member(
    namedKind(TEXT, judgeStatus),
    [],
    "A file for each status (404, 4xx, 5xx), sent in place of the page.",
  ),
  basic_auth: member<BasicAuthTable | null>(
    BASIC_AUTH,
    null,
    "Ask for a name and a password: a file of users, or a table.",
  ),
  allow: member(
    listKind(NETWORK),
    [],
    "Only these clients: addresses, networks, private, unix. Others get 403.",
  ),
  deny: member(listKind(NETWORK), [], "Not these clients, whatever allow says."),
  compress: member<CompressTable | null>(
    COMPRESS,
    null,
    "Compress responses: true, false, or a table that says which.",
  ),
  rate: member<Rate | null>(
    RATE,
    null,
    "How often one client may come: 10/s, 100/m or 1000/h, and ,burst=20 for how many at once. Beyond it: 429.",
  ),
};

export function policyOf(node: TomlNode, table: PolicyTable, world: SiteWorld): RoutePolicy {
  return {
    bodyBytesMax: table.max_body,
    timeoutMs: table.timeout,
    headers: table.headers.map(([name, value]) => [name.toLowerCase(), value] as const),
    ...(table.security_headers ? { headerDefaults: SECURITY_HEADERS } : {}),
    errorPages: errorPagesOf(node.member("error_pages"), table, world),
    basicAuth: basicAuthOf(node.member("basic_auth"), table.basic_auth, world),
    allow: table.allow,
    deny: table.deny,
    compression: compressionOf(table.compress),
    rate: table.rate,
  };
}

function errorPagesOf(
  node: TomlNode | undefined,
  { error_pages }: PolicyTable,
  world: SiteWorld,
): RoutePolicy["errorPages"] {
  return error_pages.map(([status, file]) => ({
    status,
    file: placeOf(node?.member(status), file, "file", world),
  }));
}

function basicAuthOf(
  node: TomlNode | undefined,
  table: BasicAuthTable | null,
  world: SiteWorld,
): RoutePolicy["basicAuth"] {
  if (table === null || node === undefined) return null;
  if (table.users === "") node.failKey("basic_auth needs users: a file of NAME:HASH lines");
  else
    return {
      realm: table.realm,
      usersFile: placeOf(node.member("users") ?? node, table.users, "file", world),
    };
  return null;
}

function compressionOf(table: CompressTable | null): CompressionConfig | null {
  return table === null ? null : { codings: table.codings, types: table.types, bytesMin: table.min_size };
}
