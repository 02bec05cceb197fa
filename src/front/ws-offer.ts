// A client's wish to speak WebSocket, as part of an HTTP/1.1 exchange: what handlers see until they accept, and how that is done.

import type { Duplex } from "node:stream";
import { assert } from "../base/assert.ts";
import { errorPage } from "../http/error-page.ts";
import type { Peer, WebSocketChannel, WebSocketEvents, WebSocketOffer } from "../http/exchange.ts";
import { ownHead, sendWhole } from "../http/own-response.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import type { ClientExchange } from "./client-exchange.ts";
import type { ClientWriter } from "./client-writer.ts";
import type { FrontContext } from "./context.ts";
import { WsConnection } from "./ws-connection.ts";
import { type Deflate, negotiateDeflate } from "./ws-deflate.ts";
import { acceptValue, type Handshake, isFault, readHandshake } from "./ws-handshake.ts";

/** What the HTTP connection hands over. */
export interface Passage {
  readonly socket: Duplex;
  readonly writer: ClientWriter;
  readonly owner: ConnectionOwner;
  /** What came behind the request. */
  readonly received: Buffer;
}

/** The connection as its exchange's offer sees it. */
export interface UpgradeShell extends ClientConnection {
  readonly context: FrontContext;
  readonly peer: Peer;
  /** The client sends no more. */
  readonly hasEof: boolean;
  /** The socket is somebody else's from now on, and the exchange is over. */
  leave(): Passage;
}

/** Lines that only the handshake itself may write. */
const OWN_LINES = /^sec-websocket-[^:\r\n]*:[^\r\n]*\r\n/gim;

export function withoutOwnLines(lines: string): string {
  return lines.replace(OWN_LINES, "");
}

export class WsOffer implements WebSocketOffer {
  readonly #shell: UpgradeShell;
  readonly #exchange: ClientExchange;
  #handshake: Handshake | undefined = undefined;

  constructor(shell: UpgradeShell, exchange: ClientExchange) {
    this.#shell = shell;
    this.#exchange = exchange;
  }

  get subprotocols(): readonly string[] {
    return this.#handshake?.subprotocols ?? [];
  }

  admit(): boolean {
    const { response, head } = this.#exchange;
    const result = readHandshake(head, this.#shell.context.config.wsAllowedOrigins);
    if (!isFault(result)) {
      this.#handshake = result;
      return true;
    }
    const page = errorPage(result.status, { detail: result.detail, lines: result.lines });
    const ownLast = { ...ownHead(result.status, page.body.length), close: true };
    sendWhole(response, ownLast, page.block, Buffer.from(page.body, "latin1"));
    return false;
  }

  accept(subprotocol: string, block: Buffer, events: WebSocketEvents): WebSocketChannel | undefined {
    const handshake = this.#handshake;
    assert(handshake !== undefined, "a handshake is admitted before it is accepted");
    const { context, peer } = this.#shell;
    // A client that closed its side cannot speak WebSocket any more.
    if (this.#shell.hasEof) this.#shell.destroy("client-left");
    if (!this.#exchange.isWaiting) return undefined;
    const appLines = withoutOwnLines(block.toString("latin1"));
    const deflate = this.#negotiate(handshake);
    const isLogged = context.accessLog !== undefined;
    const request = isLogged ? this.#exchange.upgraded(appLines) : this.#exchange.upgradedInShort();
    const { socket, writer, owner, received } = this.#shell.leave();
    const from = { socket, writer, owner, peer, request, deflate, events };
    const connection = new WsConnection(context, from);
    owner.onConnectionReplaced(this.#shell, connection);
    connection.start(responseHead(context, handshake, { subprotocol, deflate, appLines }), received);
    return connection;
  }

  #negotiate(handshake: Handshake): Deflate | undefined {
    const { wsPerMessageDeflate, wsMaxSize } = this.#shell.context.config;
    return wsPerMessageDeflate ? negotiateDeflate(handshake.deflateOffers, wsMaxSize) : undefined;
  }
}

/** RFC 6455 §4.2.2. */
function responseHead(
  { common }: FrontContext,
  { key }: Handshake,
  agreed: { subprotocol: string; deflate: Deflate | undefined; appLines: string },
): string {
  const { subprotocol, deflate, appLines } = agreed;
  let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  text += `Sec-WebSocket-Accept: ${acceptValue(key)}\r\n`;
  if (subprotocol !== "") text += `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
  if (deflate !== undefined) text += `Sec-WebSocket-Extensions: ${deflate.value}\r\n`;
  if (!/^server:/im.test(appLines)) text += common.serverLine;
  if (!/^date:/im.test(appLines)) text += common.dateLine;
  return text + common.extraLines + appLines;
}
