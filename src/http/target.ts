// The request target (RFC 9112 §3.2) and the authority (RFC 9110 §7.2), for every HTTP version. Nothing is decoded or merged:
// the application gets the path as the client sent it.

export interface Target {
  /** Still percent-encoded; "*" for the asterisk form, "" for CONNECT. */
  readonly path: string;
  /** What follows the first "?", without it. */
  readonly query: string;
  /** Of an absolute or authority form; "" otherwise. */
  readonly authority: string;
}

const ASTERISK: Target = { path: "*", query: "", authority: "" };
const SLASH = 0x2f;

/** Scheme, authority and the rest of an absolute form. User information is no part of http URIs (RFC 9110 §4.2.4). */
const ABSOLUTE_FORM = /^https?:\/\/([^/?]*)(.*)$/i;
/** uri-host [ ":" port ] of RFC 3986, where the host is a name, an IPv4 address or a bracketed literal. */
const AUTHORITY = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=%]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?$/;
const AUTHORITY_WITH_PORT = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=%]+|\[[0-9A-Fa-f:.]+\]):[0-9]+$/;

/** `target` is printable ASCII. Undefined when it is malformed or does not suit the method. */
export function parseTarget(method: string, target: string): Target | undefined {
  if (target.includes("#")) return undefined;
  if (method === "CONNECT") return AUTHORITY_WITH_PORT.test(target) ? authorityForm(target) : undefined;
  if (target.charCodeAt(0) === SLASH) return originForm(target, "");
  if (target === "*") return method === "OPTIONS" ? ASTERISK : undefined;
  return absoluteForm(target);
}

/** True for what a Host field may say; the empty value is allowed (RFC 9112 §3.2). */
export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text);
}

/** True when two authorities name the same host and port, case aside; the default ports may be left out. */
export function isSameAuthority(one: string, other: string): boolean {
  return withoutDefaultPort(one) === withoutDefaultPort(other);
}

function withoutDefaultPort(authority: string): string {
  return authority.toLowerCase().replace(/:(?:80|443)?$/, "");
}

function originForm(target: string, authority: string): Target {
  const mark = target.indexOf("?");
  if (mark < 0) return { path: target, query: "", authority };
  return { path: target.slice(0, mark), query: target.slice(mark + 1), authority };
}

function authorityForm(target: string): Target {
  return { path: "", query: "", authority: target };
}

/** An empty path means "/" (RFC 9110 §4.2.3). */
function absoluteForm(target: string): Target | undefined {
  const match = ABSOLUTE_FORM.exec(target);
  if (match === null) return undefined;
  const [, authority = "", rest = ""] = match;
  if (authority === "" || authority.startsWith(":") || !isAuthority(authority)) return undefined;
  return originForm(rest.startsWith("/") ? rest : `/${rest}`, authority);
}
