// Settings: how strictly HTTP is read, what responses carry, and which proxies in front are believed.

import { inert, type SettingsOf, SUPPORTED } from "../setting.ts";
import { NETWORKS, PROXIES } from "../trust.ts";
import {
  accept,
  choice,
  commaList,
  type Given,
  oneOf,
  reject,
  repeated,
  SWITCH,
  scalar,
  type ValueType,
} from "../value-type.ts";

export interface HttpValues {
  readonly permit_obsolete_folding: boolean;
  readonly strip_header_spaces: boolean;
  readonly permit_unconventional_http_method: boolean;
  readonly permit_unconventional_http_version: boolean;
  readonly casefold_http_method: boolean;
  readonly header_map: "drop" | "refuse" | "dangerous";
  readonly server_header: boolean;
  readonly date_header: boolean;
  readonly header: readonly (readonly [string, string])[];
  readonly sendfile: boolean;
  readonly http_parser: string;
  readonly http: string;
}

/** Framing and connection are the front's (RFC 9112 §6); such a field in every response would break some of them. */
const OWN_FIELDS: readonly string[] = [
  "connection",
  "content-length",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

const RESPONSE_FIELD: ValueType<readonly [string, string]> = scalar<readonly [string, string]>(
  "NAME:VALUE",
  `expected NAME:VALUE of a header field, not of ${oneOf(OWN_FIELDS)}`,
  (value) => {
    const colon = value.indexOf(":");
    const name = value.slice(0, Math.max(0, colon)).toLowerCase();
    const content = value.slice(colon + 1).trim();
    const isName = /^[-!#$%&'*+.^_`|~0-9a-z]+$/.test(name) && !OWN_FIELDS.includes(name);
    // RFC 9110 §5.5: visible characters, spaces and tabs; beyond ASCII as Latin-1, which is all that a field can hold.
    return isName && /^[\t\x20-\x7e\x80-\xff]*$/.test(content) ? [name, content] : undefined;
  },
  ([name, content]) => `${name}:${content}`,
);

/** gunicorn's setting was a switch before it had modes, and still takes what a switch did. */
const TRUTH_OF_PROXY_PROTOCOL: Readonly<Record<string, "off" | "auto">> = {
  ...{ true: "auto", "1": "auto" },
  ...{ false: "off", "0": "off", none: "off", "": "off" },
};

export const HTTP_SETTINGS: SettingsOf<HttpValues> = {
  permit_obsolete_folding: {
    section: "HTTP",
    flags: ["--permit-obsolete-folding"],
    type: SWITCH,
    byDefault: false,
    doc: "Accept header fields folded over several lines (RFC 9112 §5.2). Dangerous behind proxies that read them otherwise.",
    status: SUPPORTED,
  },
  strip_header_spaces: {
    section: "HTTP",
    flags: ["--strip-header-spaces"],
    type: SWITCH,
    byDefault: false,
    doc: "Accept spaces between a field's name and its colon. Dangerous behind proxies that read them otherwise.",
    status: SUPPORTED,
  },
  permit_unconventional_http_method: {
    section: "HTTP",
    flags: ["--permit-unconventional-http-method"],
    type: SWITCH,
    byDefault: false,
    doc: "Accept methods in lower case, with #, shorter than 3 or longer than 20 characters.",
    status: SUPPORTED,
  },
  permit_unconventional_http_version: {
    section: "HTTP",
    flags: ["--permit-unconventional-http-version"],
    type: SWITCH,
    byDefault: false,
    doc: "Accept HTTP/1.x versions other than 1.0 and 1.1.",
    status: SUPPORTED,
  },
  casefold_http_method: {
    section: "HTTP",
    flags: ["--casefold-http-method"],
    type: SWITCH,
    byDefault: false,
    doc: "Turn methods into upper case.",
    status: SUPPORTED,
  },
  header_map: {
    section: "HTTP",
    flags: ["--header-map"],
    type: choice(["drop", "refuse", "dangerous"]),
    byDefault: "drop",
    doc: "What to do with header names that hold an underscore, which CGI names cannot tell from a dash: leave the field out, answer 400, or let it through.",
    status: SUPPORTED,
  },
  server_header: {
    section: "HTTP",
    flags: [],
    uvicorn: ["--server-header", "--no-server-header"],
    fixed: { "--no-server-header": false },
    type: SWITCH,
    byDefault: true,
    doc: "Send a Server field where the application sends none.",
    status: SUPPORTED,
  },
  date_header: {
    section: "HTTP",
    flags: [],
    uvicorn: ["--date-header", "--no-date-header"],
    fixed: { "--no-date-header": false },
    type: SWITCH,
    byDefault: true,
    doc: "Send a Date field where the application sends none (RFC 9110 §6.6.1 asks for it).",
    status: SUPPORTED,
  },
  header: {
    section: "HTTP",
    flags: [],
    uvicorn: ["--header"],
    type: repeated(RESPONSE_FIELD),
    byDefault: [],
    doc: "As uvicorn has it: a field for every response of the application, beside its own. Can be given several times. Server replaces ours.",
    status: SUPPORTED,
  },
  sendfile: {
    section: "HTTP",
    flags: ["--no-sendfile"],
    platformEnv: ["SENDFILE"],
    fixed: { "--no-sendfile": false },
    type: SWITCH,
    byDefault: true,
    doc: "Have the front send the files that an application returns in wsgi.file_wrapper, so that no worker is held by them. Without it their bytes come through the worker.",
    status: SUPPORTED,
  },
  http_parser: {
    section: "HTTP",
    flags: ["--http-parser"],
    type: choice(["auto", "fast", "python"]),
    byDefault: "auto",
    doc: "gunicorn's choice of a parser.",
    status: inert("the front reads HTTP itself; there is one parser"),
  },
  http: {
    section: "HTTP",
    flags: [],
    uvicorn: ["--http"],
    type: choice(["auto", "h11", "httptools", "zttp"]),
    byDefault: "auto",
    doc: "uvicorn's choice of a parser.",
    status: inert("the front reads HTTP itself; there is one parser"),
  },
};

export interface ProxyValues {
  readonly forwarded_allow_ips: readonly string[];
  readonly secure_scheme_headers: Readonly<Record<string, string>>;
  readonly forwarder_headers: readonly string[];
  readonly proxy_headers: "auto" | "on" | "off";
  readonly proxy_protocol: "off" | "v1" | "v2" | "auto";
  readonly proxy_allow_ips: readonly string[];
  readonly protocol: "http" | "uwsgi" | "fastcgi" | "scgi";
  readonly uwsgi_allow_ips: readonly string[];
  readonly forwarded_untrusted: "pass" | "strip";
}

const FIELD_NAME = scalar("NAME", "expected a header name, or *", (value) => {
  const name = value.trim().toUpperCase();
  return /^(?:\*|[-!#$%&'*+.^_`|~0-9A-Z]+)$/.test(name) ? name : undefined;
});

/** NAME=VALUE, repeated, or an object from a configuration file. Names in upper case, as gunicorn has them. */
const SCHEME_HEADERS: ValueType<Readonly<Record<string, string>>> = {
  placeholder: "NAME=VALUE",
  repeats: true,
  read: (given) => readPairs(pairsOf(given)),
  show: (pairs) =>
    Object.entries(pairs)
      .map(([name, value]) => `${name}=${value}`)
      .join(","),
};

function pairsOf(given: Given): readonly (readonly [string, Given])[] {
  if (given !== null && typeof given === "object" && !Array.isArray(given)) return Object.entries(given);
  const items = Array.isArray(given) ? given : [given];
  return items.map((item) => {
    const pair = String(item);
    const equals = pair.indexOf("=");
    return equals < 1 ? ["", pair] : [pair.slice(0, equals), pair.slice(equals + 1)];
  });
}

function readPairs(pairs: readonly (readonly [string, Given])[]): ReturnType<typeof SCHEME_HEADERS.read> {
  const result: [string, string][] = [];
  for (const [name, value] of pairs) {
    const upper = FIELD_NAME.read(name);
    if (!upper.ok || upper.value === "*" || typeof value !== "string") return reject("expected HEADER=VALUE");
    result.push([upper.value, value]);
  }
  return accept(Object.fromEntries(result));
}

const LOCAL: readonly string[] = ["127.0.0.1", "::1"];

export const PROXY_SETTINGS: SettingsOf<ProxyValues> = {
  forwarded_allow_ips: {
    section: "Proxies in front",
    flags: ["--forwarded-allow-ips"],
    uvicorn: ["--forwarded-allow-ips"],
    platformEnv: ["FORWARDED_ALLOW_IPS"],
    type: PROXIES,
    byDefault: LOCAL,
    defaultText: "$FORWARDED_ALLOW_IPS, else 127.0.0.1,::1",
    doc: "Addresses, networks (10.0.0.0/8) and other names of proxies whose forwarding fields are believed; private means all private networks, * believes everybody. Clients of Unix sockets are always believed.",
    status: SUPPORTED,
  },
  secure_scheme_headers: {
    section: "Proxies in front",
    flags: ["--secure-scheme-header"],
    type: SCHEME_HEADERS,
    byDefault: { "X-FORWARDED-PROTOCOL": "ssl", "X-FORWARDED-PROTO": "https", "X-FORWARDED-SSL": "on" },
    doc: "A field and the value by which a trusted proxy says that the client came over https. Giving any replaces the default ones; two that disagree are answered 400.",
    status: SUPPORTED,
  },
  forwarder_headers: {
    section: "Proxies in front",
    flags: ["--forwarder-headers"],
    type: commaList(FIELD_NAME),
    byDefault: ["SCRIPT_NAME", "PATH_INFO"],
    doc: "Names with an underscore that a trusted proxy may set; * allows any.",
    status: SUPPORTED,
  },
  proxy_headers: {
    section: "Proxies in front",
    flags: [],
    uvicorn: ["--proxy-headers", "--no-proxy-headers"],
    fixed: { "--proxy-headers": "on", "--no-proxy-headers": "off" },
    type: choice(["auto", "on", "off"]),
    byDefault: "auto",
    defaultText: "on for ASGI; for WSGI as gunicorn has it",
    doc: "Whether X-Forwarded-For and X-Forwarded-Proto of trusted proxies say who the client is. For WSGI, gunicorn takes the scheme only and leaves REMOTE_ADDR the proxy's; --proxy-headers takes both, --no-proxy-headers believes nobody.",
    status: SUPPORTED,
  },
  proxy_protocol: {
    section: "Proxies in front",
    flags: ["--proxy-protocol"],
    bare: "auto",
    type: choice(["off", "v1", "v2", "auto"], {}, TRUTH_OF_PROXY_PROTOCOL),
    byDefault: "off",
    doc: "Expect a PROXY protocol header in front of each connection, and before TLS: v1 (text), v2 (binary), or auto for either. Connections without one are closed.",
    status: SUPPORTED,
  },
  proxy_allow_ips: {
    section: "Proxies in front",
    flags: ["--proxy-allow-from"],
    type: NETWORKS,
    byDefault: LOCAL,
    doc: "Addresses and networks of those who may connect where --proxy-protocol is on; private means all private networks, * everybody. Clients of Unix sockets always may.",
    status: SUPPORTED,
  },
  protocol: {
    section: "Proxies in front",
    flags: ["--protocol"],
    type: choice(["http", "uwsgi", "fastcgi", "scgi"]),
    byDefault: "http",
    doc: "What is spoken on the listeners: http, or what web servers speak to applications: uwsgi (nginx: uwsgi_pass), fastcgi (fastcgi_pass) or scgi (scgi_pass).",
    status: SUPPORTED,
  },
  uwsgi_allow_ips: {
    section: "Proxies in front",
    flags: ["--uwsgi-allow-from", "--gateway-allow-from"],
    type: NETWORKS,
    byDefault: LOCAL,
    doc: "Addresses and networks of web servers that may speak uwsgi, FastCGI or SCGI to us; private means all private networks, * everybody, which lets anybody pose as any client. Clients of Unix sockets always may.",
    status: SUPPORTED,
  },
  forwarded_untrusted: {
    section: "Proxies in front",
    flags: ["--forwarded-untrusted"],
    type: choice(["pass", "strip"]),
    byDefault: "pass",
    doc: "What becomes of forwarding fields (X-Forwarded-*, X-Real-IP, Forwarded) that are not believed: the application sees them as any other field, as with gunicorn and uvicorn, or they are taken off.",
    status: SUPPORTED,
  },
};
