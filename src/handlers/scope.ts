// What an ASGI application is told of a request: the scope, as uvicorn has it.

import type { Peer, RequestHead } from "../http/exchange.ts";
import type { RouteFacts } from "../http/route-facts.ts";
import { makeScopeEncoder } from "../link/request-encoder.ts";
import type { AppConfig } from "./app-ports.ts";
import { type FieldsMemo, KEPT_CHARS_MAX, lastValue, type PeerMemo, pathBehind } from "./trust.ts";

const WEBSOCKET_SCHEMES = { http: "ws", https: "wss" } as const;
const BEYOND_ASCII = /[\u0080-\u00ff]/;
const NO_SUBPROTOCOLS: readonly string[] = [];

interface ScopeOptions {
  readonly method: string | undefined;
  readonly subprotocols: readonly string[];
  readonly route: RouteFacts | undefined;
}

export class ScopeMaker {
  readonly #rootPath: string;
  readonly #writer = makeScopeEncoder();

  constructor(config: AppConfig) {
    this.#rootPath = config.rootPath;
  }

  /** The client's address where it is not the peer's; else "". */
  clientAddress(memo: FieldsMemo): string {
    return memo.client?.host ?? "";
  }

  /** The marshalled scope of a request. */
  encodeHttp(head: RequestHead, memo: FieldsMemo, route?: RouteFacts): string {
    const last = memo.lastScope;
    const isSame = last !== undefined && last.target === head.target && last.method === head.method;
    if (isSame && last.route === route) return last.text;
    memo.scopePart ??= this.#part(memo, memo.scheme);
    const text =
      memo.scopePart +
      this.#requestPart(head, memo, { method: head.method, subprotocols: NO_SUBPROTOCOLS, route });
    if (text.length <= KEPT_CHARS_MAX) {
      memo.lastScope = { method: head.method, target: head.target, bodyBytes: 0, route, text };
    }
    return text;
  }

  /** The marshalled scope of a request that asks for a WebSocket. */
  encodeWebSocket(
    head: RequestHead,
    memo: FieldsMemo,
    subprotocols: readonly string[],
    route?: RouteFacts,
  ): string {
    const part = this.#part(memo, WEBSOCKET_SCHEMES[memo.scheme]);
    return part + this.#requestPart(head, memo, { method: undefined, subprotocols, route });
  }

  #part(memo: FieldsMemo, scheme: string): string {
    const start = memo.client === undefined ? this.#peerPart(memo.peer) : this.#clientPart(memo);
    const tls = this.#tlsPart(memo.peer);
    const fields = this.#writer.fieldsPart(memo.flat);
    const { variables } = memo;
    const own = variables === undefined ? "" : this.#writer.variablesPart(variables.map(utf8Text));
    return start + this.#writer.schemePart(scheme) + tls + fields + own;
  }

  #requestPart(head: RequestHead, memo: FieldsMemo, { method, subprotocols, route }: ScopeOptions): string {
    // A web server that speaks uwsgi or its like says where the application's paths begin.
    const scriptName = memo.variables === undefined ? undefined : memo.scriptName;
    const path =
      scriptName === undefined ? head.path : (pathBehind(head.path, scriptName, memo) ?? head.path);
    return this.#writer.requestPart({
      method,
      path,
      query: head.query,
      rootPath: scriptName === undefined ? this.#rootPath : utf8Text(scriptName),
      mount: route?.mount ?? "",
      user: route?.user ?? userOf(memo),
      version: head.version,
      subprotocols,
    });
  }

  #peerPart(memo: PeerMemo): string {
    const { peer } = memo;
    const client = peer.isUnix ? undefined : { host: peer.remoteAddress, port: peer.remotePort };
    memo.scopePart ??= this.#writer.connectionPart(client, serverOf(peer));
    return memo.scopePart;
  }

  #tlsPart(memo: PeerMemo): string {
    const { tls } = memo.peer;
    if (tls === undefined) return "";
    memo.scopeTls ??= this.#writer.tlsPart(tls);
    return memo.scopeTls;
  }

  #clientPart({ client, peer }: FieldsMemo): string {
    return this.#writer.connectionPart(client, serverOf(peer.peer));
  }
}

/** Whom the web server in front has let in. */
function userOf({ variables }: FieldsMemo): string | undefined {
  const user = variables === undefined ? "" : lastValue(variables, "REMOTE_USER");
  return user === "" ? undefined : utf8Text(user);
}

/** Latin-1 text that stands for bytes, as the text that these are. */
function utf8Text(text: string): string {
  return BEYOND_ASCII.test(text) ? Buffer.from(text, "latin1").toString("utf8") : text;
}

function serverOf(peer: Peer): { readonly host: string; readonly port: number | undefined } {
  return { host: peer.localAddress, port: peer.isUnix ? undefined : peer.localPort };
}
