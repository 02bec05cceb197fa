// [[listeners]]: where clients come in, and what is spoken there.

import { resolve as resolvePath } from "node:path";
import { ADDRESS, showAddress } from "../address.ts";
import type { Address, ListenerConfig, TlsConfig } from "../listener.ts";
import { duration } from "../quantity.ts";
import {
  choiceKind,
  type Kind,
  listKind,
  member,
  readShape,
  type Shape,
  shortKind,
  TEXT,
  TRUTH,
  tableKind,
  textKind,
  valueKind,
} from "../shape.ts";
import type { TomlNode } from "../toml-node.ts";
import { placeOf, type SiteWorld } from "./world.ts";

export interface CertificateTable {
  readonly certificate: string;
  readonly key: string;
  readonly password: string;
}

export interface TlsTable extends CertificateTable {
  readonly certificates: readonly CertificateTable[];
  readonly client_ca: string;
  readonly client_certificate: TlsConfig["clientCertificate"];
  readonly ciphers: string;
  readonly min_version: TlsConfig["versionMin"];
  readonly handshake_timeout: number;
}

export interface ListenerTable {
  readonly address: Address | undefined;
  readonly name: string;
  readonly protocol: ListenerConfig["protocol"];
  readonly tls: TlsTable | null;
  readonly proxy_protocol: ListenerConfig["proxyProtocol"];
  readonly redirect_to_tls: number;
  readonly http: readonly ("h2" | "h1")[] | undefined;
  readonly h2_cleartext: boolean;
}

const CERTIFICATE: Shape<CertificateTable> = {
  certificate: member(TEXT, "", "A PEM file: the certificate, then those between it and the authority."),
  key: member(TEXT, "", "A PEM file with the private key; not needed where the certificate's file holds it."),
  password: member(TEXT, "", "The private key's password."),
};

const TLS: Shape<TlsTable> = {
  ...CERTIFICATE,
  certificates: member(
    listKind(tableKind(CERTIFICATE)),
    [],
    "Several certificates, chosen by the name that the client asks for; the first serves all others.",
  ),
  client_ca: member(TEXT, "", "A PEM file of the authorities that sign clients' certificates."),
  client_certificate: member(
    choiceKind(["none", "optional", "required"]),
    "none",
    "Whether clients must show a certificate.",
  ),
  ciphers: member(TEXT, "", "Allowed ciphers, as OpenSSL writes them."),
  min_version: member(choiceKind(["TLSv1.2", "TLSv1.3"]), "TLSv1.2", "The oldest version that is spoken."),
  handshake_timeout: member(
    valueKind(duration(1), { anyOf: [{ type: "number" }, { type: "string" }] }),
    10_000,
    "How long a handshake may take.",
  ),
};

const NAME: Kind<string> = textKind((text) =>
  /^[\w.-]+$/.test(text) ? { value: text } : { reason: "expected a name of letters, digits, _ . and -" },
);

const PROXY_PROTOCOL: Kind<ListenerConfig["proxyProtocol"]> = shortKind(
  choiceKind(["off", "v1", "v2", "auto"]),
  { type: "boolean" },
  (node) => {
    if (typeof node.value === "boolean") return node.value ? "auto" : "off";
    return choiceKind(["off", "v1", "v2", "auto"]).read(node);
  },
);

const PORT_TLS = 443;

const REDIRECT: Kind<number> = {
  schema: { anyOf: [{ type: "boolean" }, { type: "integer", minimum: 1, maximum: 65535 }] },
  read: (node) => {
    const { value } = node;
    if (typeof value === "boolean") return value ? PORT_TLS : 0;
    const isPort = typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65535;
    return isPort ? value : node.fail("expected true, false or the port of https");
  },
};

export const LISTENER: Shape<ListenerTable> = {
  address: member<Address | undefined>(
    valueKind(ADDRESS, { type: "string" }),
    undefined,
    "Where to listen: HOST:PORT, :PORT, [IPV6]:PORT, unix:PATH, unix:@NAME or fd://N.",
  ),
  name: member(NAME, "", "What match.listener calls it."),
  protocol: member(
    choiceKind(["http", "uwsgi", "fastcgi", "scgi"]),
    "http",
    "What is spoken; uwsgi, fastcgi and scgi are for a web server in front.",
  ),
  tls: member<TlsTable | null>(tableKind(TLS), null, "Certificates: then https is spoken here."),
  proxy_protocol: member(
    PROXY_PROTOCOL,
    "off",
    "A load balancer in front sends a PROXY header; true takes version 1 and 2.",
  ),
  redirect_to_tls: member(REDIRECT, 0, "Send every client to https: true, or the port of it."),
  http: member<ListenerTable["http"]>(
    listKind(choiceKind(["h2", "h1"])),
    undefined,
    "Versions of HTTP, the most wanted first; h2 and h1 with TLS, else h1.",
  ),
  h2_cleartext: member(TRUTH, false, "Take HTTP/2 without TLS from clients that begin with it."),
};

/** Undefined after complaints. */
export function listenersOf(node: TomlNode, world: SiteWorld): readonly ListenerConfig[] {
  if (node.isTable) {
    node.failKey('each listener begins with [[listeners]]; its name is a key: name = "public"');
    return [];
  }
  if (!Array.isArray(node.value)) node.fail("expected [[listeners]]");
  const seen = new Map<string, string>();
  return node.items().flatMap((item) => {
    const table = readShape(LISTENER, item);
    const listener = table === undefined ? undefined : listenerOf(item, table, world);
    if (listener !== undefined) judgeTwice(item, listener, seen);
    return listener === undefined ? [] : [listener];
  });
}

function listenerOf(node: TomlNode, table: ListenerTable, world: SiteWorld): ListenerConfig | undefined {
  const { address, protocol } = table;
  if (address === undefined) {
    if (node.member("address") === undefined)
      node.failKey('a listener needs an address: address = "0.0.0.0:8000"');
    return undefined;
  }
  const tls = table.tls === null ? null : tlsOf(node.member("tls"), table.tls, world);
  if (protocol !== "http") judgeGateway(node, table);
  if (tls !== null && table.redirect_to_tls > 0)
    node.member("redirect_to_tls")?.failKey("this listener speaks https itself");
  return {
    address:
      address.kind === "unix" && !address.path.startsWith("@")
        ? { kind: "unix", path: resolvePath(world.folder, address.path) }
        : address,
    name: table.name,
    protocol,
    tls,
    proxyProtocol: table.proxy_protocol,
    redirectToTlsPort: table.redirect_to_tls,
    servesMetrics: false,
    versions: table.http ?? (tls === null ? ["h1"] : ["h2", "h1"]),
    cleartextH2: table.h2_cleartext,
  };
}

/** Only HTTP has versions and redirections. */
function judgeGateway(node: TomlNode, { protocol }: ListenerTable): void {
  for (const key of ["tls", "redirect_to_tls", "http", "h2_cleartext"])
    node.member(key)?.failKey(`${protocol} has no ${key}; that is HTTP's`);
}

function judgeTwice(node: TomlNode, listener: ListenerConfig, seen: Map<string, string>): void {
  const { address, name } = listener;
  const hasFreePort = address.kind === "tcp" && address.port === 0;
  const keys = hasFreePort ? [] : [["address", showAddress(address)] as const];
  if (name !== "") keys.push(["name", name] as never);
  for (const [key, value] of keys) {
    const earlier = seen.get(`${key} ${value}`);
    if (earlier === undefined) seen.set(`${key} ${value}`, node.name);
    else node.member(key)?.fail(`${earlier} has the same ${key}`);
  }
}

function tlsOf(node: TomlNode | undefined, table: TlsTable, world: SiteWorld): TlsConfig | null {
  if (node === undefined) return null;
  const own = table.certificate === "" && table.key === "" ? [] : [{ place: node, ...table }];
  const listed = node.member("certificates");
  const others = table.certificates.map((one, index) => ({
    place: listed?.items()[index] ?? listed ?? node,
    ...one,
  }));
  const certificates = [...own, ...others].flatMap(({ place, certificate, key, password }) => {
    if (certificate === "") {
      place.failKey("a certificate is missing: certificate = FILE");
      return [];
    }
    const file = placeOf(place.member("certificate"), certificate, "file", world);
    return [
      {
        certificate: file,
        key: key === "" ? file : placeOf(place.member("key"), key, "file", world),
        password,
      },
    ];
  });
  if (own.length + others.length === 0)
    node.failKey("tls needs a certificate: certificate = FILE, key = FILE");
  const { client_ca, client_certificate } = table;
  if (client_certificate !== "none" && client_ca === "")
    node.member("client_certificate")?.failKey("client_ca must say who signs clients' certificates");
  return {
    certificates,
    clientCa: client_ca === "" ? "" : placeOf(node.member("client_ca"), client_ca, "file", world),
    clientCertificate: client_certificate,
    ciphers: table.ciphers,
    versionMin: table.min_version,
    handshakeTimeoutMs: table.handshake_timeout,
  };
}
