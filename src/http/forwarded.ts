// Which header fields of a request are believed, and what they then say (gunicorn's rules). Pure.
// A peer is trusted when it came over a Unix socket or its address is in `forwarded_allow_ips`: the caller knows that.

import type { AddressSet } from "./address-set.ts";

export interface HeaderRules {
  /** Name → the value that means https. Names in any case; values exact. */
  readonly secureSchemeHeaders: Readonly<Record<string, string>>;
  /** Names with an underscore that a trusted peer may set; "*" for any. */
  readonly forwarderHeaders: readonly string[];
  /** What becomes of other names with an underscore. */
  readonly headerMap: "drop" | "refuse" | "dangerous";
  /** What becomes of forwarding fields of peers that are not trusted. */
  readonly forwardedUntrusted: "pass" | "strip";
}

export interface Judgement {
  /** The fields that go on to the app: name, value, …; the given array itself when nothing had to go. */
  readonly flat: readonly string[];
  /** As a trusted peer says; undefined: nobody said. */
  readonly scheme: "http" | "https" | undefined;
  /** The SCRIPT_NAME field of a trusted peer. */
  readonly scriptName: string | undefined;
  /** A forwarding field that would have counted had the peer been trusted; "" for none. */
  readonly ignored: string;
}

export interface Refusal {
  /** Why the request gets 400. */
  readonly refused: string;
}

/** `ordinary` fields pass; the others need a look. */
type NameKind = "ordinary" | "forwarding" | "scheme" | "underscore" | "dropped";

/** What proxies say of a client; believed or not, they say nothing of a client that has none in between. */
const FORWARDING = /^(?:FORWARDED|X-FORWARDED-[A-Z-]+|X-REAL-IP)$/;
/** Those of them that count. */
const COUNTING: ReadonlySet<string> = new Set(["FORWARDED", "X-FORWARDED-FOR"]);

interface NameRule {
  readonly kind: NameKind;
  readonly upper: string;
}

const NAMES_MAX = 1024;
const NAME_CHARS_MAX = 65_536;

export class HeaderJudge {
  readonly #rules: HeaderRules;
  readonly #schemeValues: ReadonlyMap<string, string>;
  readonly #forwarderNames: ReadonlySet<string>;
  /** What each name is to the rules. Clients choose names, so it is emptied beyond a bound. */
  readonly #names = new Map<string, NameRule>();
  #nameChars = 0;

  constructor(rules: HeaderRules) {
    this.#rules = rules;
    const schemes = Object.entries(rules.secureSchemeHeaders);
    this.#schemeValues = new Map(schemes.map(([name, value]) => [name.toUpperCase(), value]));
    this.#forwarderNames = new Set(rules.forwarderHeaders.map((name) => name.toUpperCase()));
  }

  judge(flat: readonly string[], isTrusted: boolean): Judgement | Refusal {
    for (let i = 0; i < flat.length; i += 2) {
      const { kind } = this.#rule(flat[i] as string); // even indices below length exist
      const isPlain = kind === "ordinary" || (kind === "forwarding" && isTrusted);
      if (!isPlain) return this.#judgeClosely(flat, isTrusted);
    }
    return { flat, scheme: undefined, scriptName: undefined, ignored: "" };
  }

  #judgeClosely(flat: readonly string[], isTrusted: boolean): Judgement | Refusal {
    const kept: string[] = [];
    const admitted = new Set<string>();
    let scheme: Judgement["scheme"];
    let scriptName: string | undefined;
    let ignored = "";
    for (let i = 0; i < flat.length; i += 2) {
      const name = flat[i] as string; // as above; so does the value behind it
      const value = flat[i + 1] as string;
      const { kind, upper } = this.#rule(name);
      if (kind === "dropped") continue;
      if (kind === "scheme" && isTrusted) {
        const told = value === this.#schemeValues.get(upper) ? "https" : "http";
        if (scheme !== undefined && scheme !== told) return { refused: "Contradictory scheme headers" };
        scheme = told;
      }
      if (!isTrusted && isForwarding(kind, upper)) {
        if (ignored === "" && (kind === "scheme" || COUNTING.has(upper))) ignored = name;
        if (this.#rules.forwardedUntrusted === "strip") continue;
      }
      if (upper.includes("_")) {
        const fate = this.#fateOfUnderscore(upper, isTrusted);
        if (fate === "refuse") return { refused: `Invalid HTTP header name: ${name}` };
        if (fate === "drop") continue;
        if (fate === "believe") admitted.add(upper);
        if (fate === "believe" && upper === "SCRIPT_NAME") {
          scriptName = value;
          continue;
        }
      }
      kept.push(name, value);
    }
    return { flat: admitted.size === 0 ? kept : withoutTwins(kept, admitted), scheme, scriptName, ignored };
  }

  /** `X_Y` and `X-Y` become the same environ key, so a name with an underscore can pose as one that a proxy has checked. */
  #fateOfUnderscore(upper: string, isTrusted: boolean): "believe" | "pass" | "refuse" | "drop" {
    const isForwarders = this.#forwarderNames.has(upper) || this.#forwarderNames.has("*");
    if (isTrusted && isForwarders) return "believe";
    if (this.#rules.headerMap === "dangerous") return "pass";
    return this.#rules.headerMap;
  }

  #rule(name: string): NameRule {
    return this.#names.get(name) ?? this.#learn(name);
  }

  #learn(name: string): NameRule {
    if (this.#names.size >= NAMES_MAX || this.#nameChars > NAME_CHARS_MAX) {
      this.#names.clear();
      this.#nameChars = 0;
    }
    const upper = name.toUpperCase();
    const rule: NameRule = { kind: this.#kindOf(upper), upper };
    this.#names.set(name, rule);
    this.#nameChars += name.length;
    return rule;
  }

  #kindOf(upper: string): NameKind {
    // HTTP_PROXY would steer the outgoing requests of CGI-minded libraries (httpoxy, CVE-2016-5385).
    if (upper === "PROXY") return "dropped";
    if (this.#schemeValues.has(upper)) return "scheme";
    if (FORWARDING.test(upper)) return "forwarding";
    return upper.includes("_") ? "underscore" : "ordinary";
  }
}

function isForwarding(kind: NameKind, upper: string): boolean {
  if (kind === "underscore") return FORWARDING.test(upper.replaceAll("_", "-"));
  return kind === "forwarding" || kind === "scheme";
}

/** What the forwarder says in `X_Y` is not to be mixed with what its client said in `X-Y`. */
function withoutTwins(flat: readonly string[], admitted: ReadonlySet<string>): readonly string[] {
  const kept: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const upper = (flat[i] as string).toUpperCase(); // even indices below length exist
    const isTwin = !admitted.has(upper) && admitted.has(upper.replaceAll("-", "_"));
    if (!isTwin) kept.push(flat[i] as string, flat[i + 1] as string);
  }
  return kept;
}

/** One end of a connection, as a proxy tells of it. */
export interface ForwardedAddress {
  /** "" when nobody is named. */
  readonly host: string;
  /** 0 when none is said. */
  readonly port: number;
}

/**
 * The client of a chain of proxies, by a list as in X-Forwarded-For: from the right, the first address that is not a trusted
 * proxy's; the leftmost when all are (uvicorn's rule). To be asked only when the peer itself is trusted.
 */
export function forwardedClient(forwardedFor: string, trusted: AddressSet): ForwardedAddress {
  const addresses = forwardedFor.split(",").map((host) => parseHostPort(host.trim()));
  const first = addresses[0] ?? NOBODY;
  if (trusted.isEverything) return first;
  return addresses.findLast(({ host }) => !trusted.has(host)) ?? first;
}

const NOBODY: ForwardedAddress = { host: "", port: 0 };
const WITH_PORT = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/;

/** `1.2.3.4:80` and `[::1]:80` are addresses with a port; `::1` is none. */
function parseHostPort(text: string): ForwardedAddress {
  const match = WITH_PORT.exec(text);
  if (match === null) return { host: text, port: 0 };
  const port = Number(match[3] ?? 0);
  return { host: match[1] ?? match[2] ?? "", port: port <= PORT_MAX ? port : 0 };
}

const PORT_MAX = 65_535;

/** What a Forwarded field (RFC 7239) says: its `for` values as X-Forwarded-For has them, and the last `proto`. */
export interface Forwarded {
  readonly forwardedFor: string;
  readonly proto: string;
}

/** One element's `name=value`, the value a token or a quoted string. */
const FORWARDED_PAIR = /([^=;,\s]+)=(?:"((?:[^"\\]|\\.)*)"|([^;,\s]*))/g;

export function parseForwarded(field: string): Forwarded {
  const nodes: string[] = [];
  let proto = "";
  for (const [, name = "", quoted, token = ""] of field.matchAll(FORWARDED_PAIR)) {
    const value = quoted === undefined ? token : quoted.replace(/\\(.)/g, "$1");
    if (name.toLowerCase() === "for") nodes.push(value.replaceAll(",", ""));
    if (name.toLowerCase() === "proto") proto = value.toLowerCase();
  }
  return { forwardedFor: nodes.join(","), proto };
}
