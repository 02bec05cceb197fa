// What the app is told of a request, after the trust rules: the policy over http/forwarded.ts and link/request-encoder.ts.
// What a connection repeats is kept in `peer.memo`, what a header block repeats in `fields.memo`.

import { AddressSet } from "../http/address-set.ts";
import type { HttpVersion, Peer, RequestHead } from "../http/exchange.ts";
import type { Fields } from "../http/fields.ts";
import { HeaderJudge } from "../http/forwarded.ts";
import { makeEnvironEncoder } from "../link/request-encoder.ts";
import type { AppConfig } from "./app-ports.ts";

/** What stays the same for a client's connection. */
class PeerMemo {
  readonly isTrusted: boolean;
  readonly part: string;

  constructor(isTrusted: boolean, part: string) {
    this.isTrusted = isTrusted;
    this.part = part;
  }
}

/** What stays the same for a header block on a connection. */
export class FieldsMemo {
  readonly peer: PeerMemo;
  readonly scheme: string;
  readonly scriptName: string;
  /** Why the request is refused with 400; "" when it is not. */
  readonly refused: string;
  readonly hasContentLength: boolean;
  readonly part: string;
  /** The last whole environ made of it, for clients that ask the same again. */
  last:
    | { readonly method: string; readonly target: string; readonly length: number; readonly environ: string }
    | undefined;

  constructor(peer: PeerMemo, values: Omit<FieldsMemo, "peer" | "last">) {
    this.peer = peer;
    this.scheme = values.scheme;
    this.scriptName = values.scriptName;
    this.refused = values.refused;
    this.hasContentLength = values.hasContentLength;
    this.part = values.part;
    this.last = undefined;
  }
}

/** An environ is kept with its header block only up to this length. */
const KEPT_CHARS_MAX = 4096;
const SLASH = 47;
const ASTERISK = 42;

export class EnvironMaker {
  readonly #judge: HeaderJudge;
  readonly #trusted: AddressSet;
  readonly #scriptName: string;
  readonly #writer = makeEnvironEncoder();

  constructor(config: AppConfig) {
    this.#judge = new HeaderJudge(config);
    this.#trusted = new AddressSet(config.forwardedAllowIps);
    this.#scriptName = config.scriptName;
  }

  /** What the trust rules make of a request's fields. */
  judge(head: RequestHead, peer: Peer): FieldsMemo {
    const peerMemo = peer.memo instanceof PeerMemo ? peer.memo : this.#meet(peer);
    const host = overridingHost(head);
    if (host !== undefined) return this.#judgeFields(withHost(head.fields, host), peer, peerMemo);
    const known = head.fields.memo;
    if (known instanceof FieldsMemo && known.peer === peerMemo) return known;
    const memo = this.#judgeFields(head.fields.flat, peer, peerMemo);
    head.fields.memo = memo;
    return memo;
  }

  /** The path that the app sees; undefined when it does not lie under SCRIPT_NAME. */
  appPath(head: RequestHead, memo: FieldsMemo): string | undefined {
    if (memo.scriptName === "") return head.path;
    return head.path.startsWith(memo.scriptName) ? head.path.slice(memo.scriptName.length) : undefined;
  }

  /** The marshalled dict. `bodyBytes` is the true length of the body, or 0. */
  encode(head: RequestHead, memo: FieldsMemo, bodyBytes: number): string {
    const last = memo.last;
    const isSame = last !== undefined && last.target === head.target && last.method === head.method;
    if (isSame && last.length === bodyBytes) return last.environ;
    const length = bodyBytes > 0 || memo.hasContentLength || head.bodyLength !== 0 ? bodyBytes : -1;
    const environ =
      memo.part +
      this.#writer.requestPart({
        method: head.method,
        target: head.target,
        path: this.appPath(head, memo) ?? head.path,
        query: head.query,
        scriptName: memo.scriptName,
        protocol: PROTOCOLS[head.version],
        contentLength: length,
      });
    if (environ.length <= KEPT_CHARS_MAX) {
      memo.last = { method: head.method, target: head.target, length: bodyBytes, environ };
    }
    return environ;
  }

  #meet(peer: Peer): PeerMemo {
    const isTrusted = peer.isUnix || this.#trusted.has(peer.remoteAddress);
    const start = this.#writer.connectionPart({
      remoteAddress: peer.isUnix ? "" : peer.remoteAddress,
      remotePort: peer.isUnix ? undefined : peer.remotePort,
    });
    // Over a Unix socket the server's name is what the client calls it: part of the header block.
    const server = peer.isUnix ? "" : this.#writer.serverPart(peer.localAddress, `${peer.localPort}`);
    const memo = new PeerMemo(isTrusted, start + server);
    peer.memo = memo;
    return memo;
  }

  #judgeFields(flat: readonly string[], peer: Peer, peerMemo: PeerMemo): FieldsMemo {
    const judgement = this.#judge.judge(flat, peerMemo.isTrusted);
    const plain = peer.isTls ? "https" : "http";
    const nothing = { scheme: plain, scriptName: "", refused: "", hasContentLength: false, part: "" };
    if ("refused" in judgement) return new FieldsMemo(peerMemo, { ...nothing, refused: judgement.refused });
    const scheme = judgement.scheme ?? plain;
    const server = peer.isUnix ? this.#serverOfHost(fieldValue(flat, "host") ?? "", scheme) : "";
    const fieldsPart = this.#writer.fieldsPart(judgement.flat);
    return new FieldsMemo(peerMemo, {
      scheme,
      scriptName: judgement.scriptName ?? this.#scriptName,
      refused: "",
      hasContentLength: fieldValue(flat, "content-length") !== undefined,
      part: peerMemo.part + server + this.#writer.schemePart(scheme) + fieldsPart,
    });
  }

  #serverOfHost(host: string, scheme: string): string {
    const colon = host.lastIndexOf(":");
    const hasPort = colon > host.lastIndexOf("]");
    const port = hasPort ? host.slice(colon + 1) : "";
    return this.#writer.serverPart(
      hasPort ? host.slice(0, colon) : host,
      port || DEFAULT_PORTS[scheme] || "80",
    );
  }
}

const PROTOCOLS: Readonly<Record<HttpVersion, string>> = {
  "1.0": "HTTP/1.0",
  "1.1": "HTTP/1.1",
  "2": "HTTP/2",
};
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: "80", https: "443" };

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

function fieldValue(flat: readonly string[], lowerName: string): string | undefined {
  for (let i = 0; i < flat.length; i += 2) if (flat[i]?.toLowerCase() === lowerName) return flat[i + 1];
  return undefined;
}
