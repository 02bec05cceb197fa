// What a WSGI application is told of a request: PEP 3333's environ, as gunicorn has it.

import type { HttpVersion, Peer, RequestHead } from "../http/exchange.ts";
import type { RouteFacts } from "../http/route-facts.ts";
import { makeEnvironEncoder } from "../link/request-encoder.ts";
import type { AppConfig } from "./app-ports.ts";
import { type FieldsMemo, KEPT_CHARS_MAX, lastValue, type PeerMemo, pathBehind } from "./trust.ts";

export class EnvironMaker {
  readonly #scriptName: string;
  /** SCRIPT_NAME where nothing else names one; the proxy has taken it off the path already (as uvicorn has it for WSGI). */
  readonly #rootPath: string;
  /** REMOTE_ADDR is the client that trusted proxies name. */
  readonly #namesClient: boolean;
  readonly #writer = makeEnvironEncoder();

  constructor(config: AppConfig) {
    this.#scriptName = config.scriptName;
    this.#rootPath = config.rootPath;
    this.#namesClient = config.proxyHeaders === "on";
  }

  /** What the path begins with, where no route says it: a trusted peer's SCRIPT_NAME before the configured one. */
  scriptName(memo: FieldsMemo): string {
    return memo.scriptName ?? this.#scriptName;
  }

  /** The path that the app sees; undefined when it does not lie under SCRIPT_NAME. */
  appPath(head: RequestHead, memo: FieldsMemo, route?: RouteFacts): string | undefined {
    if (route !== undefined && route.mount !== "") return head.path.slice(route.mount.length);
    const scriptName = this.scriptName(memo);
    if (scriptName === "") return head.path;
    return pathBehind(head.path, scriptName, memo);
  }

  /** The client's address where it is not the peer's; else "". */
  clientAddress(memo: FieldsMemo): string {
    return this.#namesClient ? (memo.client?.host ?? "") : "";
  }

  /** The marshalled dict. `bodyBytes` is the true length of the body, or 0. */
  encode(head: RequestHead, memo: FieldsMemo, bodyBytes: number, route?: RouteFacts): string {
    const last = memo.lastEnviron;
    const isSame = last !== undefined && last.target === head.target && last.method === head.method;
    if (isSame && last.bodyBytes === bodyBytes && last.route === route) return last.text;
    memo.environPart ??= this.#part(memo);
    const saysLength = bodyBytes > 0 || head.bodyLength !== 0 || hasContentLength(memo.flat);
    const text =
      memo.environPart +
      this.#writer.requestPart({
        method: head.method,
        target: head.target,
        path: this.appPath(head, memo, route) ?? head.path,
        query: head.query,
        scriptName: this.#wholeScriptName(memo, route),
        protocol: protocolOf(head),
        contentLength: saysLength ? bodyBytes : -1,
        user: route?.user,
      });
    if (text.length <= KEPT_CHARS_MAX) {
      memo.lastEnviron = { method: head.method, target: head.target, bodyBytes, route, text };
    }
    return text;
  }

  /** A proxy in front may have taken a prefix off before the route's own. */
  #wholeScriptName(memo: FieldsMemo, route: RouteFacts | undefined): string {
    if (route !== undefined && route.mount !== "") return this.#rootPath + route.mount;
    return this.scriptName(memo) || this.#rootPath;
  }

  #part(memo: FieldsMemo): string {
    const { peer, scheme } = memo;
    // Over a Unix socket the server's name is what the client calls it: part of the header block.
    // PEP 3333: SERVER_NAME is never empty, as it is behind an nginx without `server_name`.
    const server = isNameless(peer.peer) ? this.#serverOfHost(memo) : "";
    const start = this.#clientPart(memo) ?? this.#peerPart(peer);
    const own =
      memo.variables === undefined ? "" : this.#writer.variablesPart(memo.variables, SAID_ELSEWHERE);
    const tls = this.#tlsPart(peer);
    return start + server + this.#writer.schemePart(scheme) + tls + this.#writer.fieldsPart(memo.flat) + own;
  }

  #clientPart({ client, peer }: FieldsMemo): string | undefined {
    if (!this.#namesClient || client === undefined) return undefined;
    const remotePort = client.port === 0 ? undefined : client.port;
    const start = this.#writer.connectionPart({ remoteAddress: client.host, remotePort });
    return start + this.#serverPart(peer.peer);
  }

  #peerPart(memo: PeerMemo): string {
    const { peer } = memo;
    const client = {
      remoteAddress: peer.isUnix ? "" : peer.remoteAddress,
      remotePort: peer.isUnix ? undefined : peer.remotePort,
    };
    memo.environPart ??= this.#writer.connectionPart(client) + this.#serverPart(peer);
    return memo.environPart;
  }

  #tlsPart(memo: PeerMemo): string {
    const { tls } = memo.peer;
    if (tls === undefined) return "";
    memo.environTls ??= this.#writer.tlsPart(tls);
    return memo.environTls;
  }

  #serverPart(peer: Peer): string {
    return isNameless(peer) ? "" : this.#writer.serverPart(peer.localAddress, `${peer.localPort}`);
  }

  #serverOfHost({ flat, scheme, peer }: FieldsMemo): string {
    const host = fieldValue(flat, "host") ?? "";
    const colon = host.lastIndexOf(":");
    const hasPort = colon > host.lastIndexOf("]");
    const named = hasPort ? host.slice(colon + 1) : "";
    const told = peer.peer.isUnix || peer.peer.localPort === 0 ? "" : `${peer.peer.localPort}`;
    const port = told || named || DEFAULT_PORTS[scheme];
    return this.#writer.serverPart(hasPort ? host.slice(0, colon) : host, port);
  }
}

function isNameless(peer: Peer): boolean {
  return peer.isUnix || peer.localAddress === "";
}

const PROTOCOLS: Readonly<Record<HttpVersion, string>> = {
  "1.0": "HTTP/1.0",
  "1.1": "HTTP/1.1",
  "2": "HTTP/2",
};
/** Variables of a web server's that the request's head and peer hold already. */
const SAID_ELSEWHERE: ReadonlySet<string> = new Set([
  ...["REMOTE_ADDR", "REMOTE_PORT", "SERVER_NAME", "SERVER_PORT"],
  ...["SCRIPT_NAME", "PATH_INFO", "SERVER_PROTOCOL"],
]);

function protocolOf({ variables, version }: RequestHead): string {
  const told = variables === undefined ? "" : lastValue(variables, "SERVER_PROTOCOL");
  return told || PROTOCOLS[version];
}

const DEFAULT_PORTS = { http: "80", https: "443" } as const;

function hasContentLength(flat: readonly string[]): boolean {
  return fieldValue(flat, "content-length") !== undefined;
}

function fieldValue(flat: readonly string[], lowerName: string): string | undefined {
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string; // even indices below length exist
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return flat[i + 1];
  }
  return undefined;
}
