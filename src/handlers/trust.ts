// What is believed of a request, whatever the interface of the worker that gets it: the policy over http/forwarded.ts.
// What a connection repeats is kept in `peer.memo`, what a header block repeats in `fields.memo`; the writers for each
// interface (environ.ts, scope.ts) keep their parts there too.

import { AddressSet } from "../http/address-set.ts";
import type { Peer, RequestHead } from "../http/exchange.ts";
import type { Fields } from "../http/fields.ts";
import { type ForwardedAddress, forwardedClient, HeaderJudge, parseForwarded } from "../http/forwarded.ts";
import type { RouteFacts } from "../http/route-facts.ts";
import type { AppConfig } from "./app-ports.ts";
import type { IgnoredForwarding } from "./ignored-forwarding.ts";

/** What stays the same for a client's connection, as long as it is judged by the same rules. */
export class PeerMemo {
  /** Whose rules these are: applications have their own, and a reload makes others. */
  readonly trust: Trust;
  readonly peer: Peer;
  readonly isTrusted: boolean;
  /** The parts of environ and scope that name both ends; made when first needed. */
  environPart: string | undefined = undefined;
  scopePart: string | undefined = undefined;
  /** What both say of TLS. */
  environTls: string | undefined = undefined;
  scopeTls: string | undefined = undefined;

  constructor(trust: Trust, peer: Peer, isTrusted: boolean) {
    this.trust = trust;
    this.peer = peer;
    this.isTrusted = isTrusted;
  }
}

/** A request head as it was encoded last, for clients that ask the same again. */
export interface KeptHead {
  readonly method: string;
  readonly target: string;
  readonly bodyBytes: number;
  /** Its mount and its user are in the text. */
  readonly route: RouteFacts | undefined;
  readonly text: string;
}

/** A head is kept with its header block only up to this length. */
export const KEPT_CHARS_MAX = 4096;

/** What stays the same for a header block on a connection. */
export class FieldsMemo {
  readonly peer: PeerMemo;
  /** The fields that the app sees. */
  readonly flat: readonly string[];
  readonly scheme: "http" | "https";
  /** The SCRIPT_NAME field of a trusted peer. */
  readonly scriptName: string | undefined;
  /** The client, as trusted proxies tell; undefined: nobody told. */
  readonly client: ForwardedAddress | undefined;
  /** Why the request is refused with 400; "" when it is not. */
  readonly refused: string;
  environPart: string | undefined = undefined;
  scopePart: string | undefined = undefined;
  lastEnviron: KeptHead | undefined = undefined;
  lastScope: KeptHead | undefined = undefined;
  /** As RequestHead.variables. */
  readonly variables: readonly string[] | undefined;

  constructor(peer: PeerMemo, values: Judged, variables?: readonly string[]) {
    this.peer = peer;
    this.variables = variables;
    this.flat = values.flat;
    this.scheme = values.scheme;
    this.scriptName = values.scriptName;
    this.client = values.client;
    this.refused = values.refused;
  }
}

type Judged = Pick<FieldsMemo, "flat" | "scheme" | "scriptName" | "client" | "refused">;

const SLASH = 47;
const ASTERISK = 42;

export class Trust {
  readonly #judge: HeaderJudge;
  readonly #trusted: AddressSet;
  readonly #isAnybodyBelieved: boolean;
  readonly #ignored: IgnoredForwarding | undefined;

  /** `ignored` is told of what would count, had a trusted peer sent it. */
  constructor(config: AppConfig, ignored?: IgnoredForwarding) {
    this.#ignored = ignored;
    this.#judge = new HeaderJudge(config);
    this.#trusted = new AddressSet(config.forwardedAllowIps);
    this.#isAnybodyBelieved = config.proxyHeaders !== "off";
  }

  /** What the trust rules make of a request's fields. */
  judge(head: RequestHead, peer: Peer): FieldsMemo {
    const met = peer.memo;
    const peerMemo = met instanceof PeerMemo && met.trust === this ? met : this.#meet(peer);
    if (head.variables !== undefined) return this.#judgeGateway(head.fields, head.variables, peerMemo);
    const host = overridingHost(head);
    if (host !== undefined) return this.#judgeFields(withHost(head.fields, host), peerMemo);
    const known = head.fields.memo;
    if (known instanceof FieldsMemo && known.peer === peerMemo) return known;
    const memo = this.#judgeFields(head.fields.flat, peerMemo);
    head.fields.memo = memo;
    return memo;
  }

  /** A web server that speaks uwsgi or its like was known when it connected: what it says of the request is so. */
  #judgeGateway(fields: Fields, variables: readonly string[], peer: PeerMemo): FieldsMemo {
    const judged = this.#judgeFields(fields.flat, peer);
    const scriptName = lastValue(variables, "SCRIPT_NAME") || undefined;
    return new FieldsMemo(peer, { ...judged, scriptName }, variables);
  }

  #meet(peer: Peer): PeerMemo {
    const isKnown = peer.isUnix || this.#trusted.has(peer.remoteAddress);
    const memo = new PeerMemo(this, peer, isKnown && this.#isAnybodyBelieved);
    peer.memo = memo;
    return memo;
  }

  #judgeFields(flat: readonly string[], peer: PeerMemo): FieldsMemo {
    const judgement = this.#judge.judge(flat, peer.isTrusted);
    const plain = peer.peer.isTls ? "https" : "http";
    if ("refused" in judgement) {
      const { refused } = judgement;
      return new FieldsMemo(peer, { flat, scheme: plain, scriptName: undefined, client: undefined, refused });
    }
    if (judgement.ignored !== "") this.#noteIgnored(judgement.ignored, peer.peer);
    const told = peer.isTrusted ? this.#toldByProxies(flat) : NOTHING_TOLD;
    return new FieldsMemo(peer, {
      flat: judgement.flat,
      scheme: judgement.scheme ?? told.scheme ?? plain,
      scriptName: judgement.scriptName,
      client: told.client,
      refused: "",
    });
  }

  /** Of a request that a web server brought over uwsgi or its like, the peer is the client: its own to invent such fields. */
  #noteIgnored(field: string, peer: Peer): void {
    if (this.#isAnybodyBelieved && !peer.isTold) this.#ignored?.tell(field, peer.remoteAddress);
  }

  /** X-Forwarded-For; a Forwarded field only where no proxy speaks the older language, so that its client cannot. */
  #toldByProxies(flat: readonly string[]): Told {
    const forwardedFor = joinedValues(flat, "x-forwarded-for");
    if (forwardedFor !== undefined) return { client: this.#client(forwardedFor), scheme: undefined };
    const forwarded = joinedValues(flat, "forwarded");
    if (forwarded === undefined || joinedValues(flat, "x-forwarded-proto") !== undefined) return NOTHING_TOLD;
    const { forwardedFor: nodes, proto } = parseForwarded(forwarded);
    return { client: this.#client(nodes), scheme: proto === "https" || proto === "http" ? proto : undefined };
  }

  #client(forwardedFor: string): ForwardedAddress | undefined {
    const client = forwardedClient(forwardedFor, this.#trusted);
    return client.host === "" ? undefined : client;
  }
}

interface Told {
  readonly client: ForwardedAddress | undefined;
  readonly scheme: "http" | "https" | undefined;
}

const NOTHING_TOLD: Told = { client: undefined, scheme: undefined };

/** RFC 9112 §3.2.2: an absolute target's authority overrules Host. HTTP/2 may name none at all (RFC 9113 §8.3.1). */
function overridingHost(head: RequestHead): string | undefined {
  const first = head.target.charCodeAt(0);
  const isOrigin = first === SLASH || first === ASTERISK;
  if (head.authority === "" || (isOrigin && head.version !== "2")) return undefined;
  return head.fields.get("host") === head.authority ? undefined : head.authority;
}

function withHost(fields: Fields, host: string): readonly string[] {
  const kept: string[] = ["Host", host];
  for (let i = 0; i < fields.flat.length; i += 2) {
    const name = fields.flat[i] as string; // even indices below length exist, and so do their successors
    if (name.toLowerCase() !== "host") kept.push(name, fields.flat[i + 1] as string);
  }
  return kept;
}

/** What of a path is behind `scriptName`; of a web server's request, whose path may be spelled otherwise but means that. */
export function pathBehind(path: string, scriptName: string, memo: FieldsMemo): string | undefined {
  if (memo.variables === undefined || memo.scriptName === undefined) {
    return path.startsWith(scriptName) ? path.slice(scriptName.length) : undefined;
  }
  let at = 0;
  for (let count = scriptName.length; count > 0; count--) at += path[at] === "%" ? "%XX".length : 1;
  return path.slice(at);
}

/** Of flat names and values, the last one of a name. */
export function lastValue(flat: readonly string[], name: string): string {
  for (let i = flat.length - 2; i >= 0; i -= 2) if (flat[i] === name) return flat[i + 1] as string; // it is even
  return "";
}

/** The values of a field, joined (RFC 9110 §5.3); undefined when it is not there. */
function joinedValues(flat: readonly string[], lowerName: string): string | undefined {
  let joined: string | undefined;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string; // as above
    if (name.length !== lowerName.length || name.toLowerCase() !== lowerName) continue;
    joined = joined === undefined ? flat[i + 1] : `${joined}, ${flat[i + 1]}`;
  }
  return joined;
}
