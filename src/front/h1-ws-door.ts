// How a WebSocket begins on HTTP/1.1 (RFC 6455 §4.2): the connection is its own from then on.

import type { Peer, RequestHead, WebSocketChannel } from "../http/exchange.ts";
import { hasField } from "../http/header-block.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { ClientExchange } from "./client-exchange.ts";
import type { FrontContext } from "./context.ts";
import { WsConnection } from "./ws-connection.ts";
import { acceptValue, type Handshake, type HandshakeFault, readHandshake } from "./ws-handshake.ts";
import { agreementLines, type Passage, type WsAgreement, type WsDoor } from "./ws-offer.ts";

/** The connection as its door sees it. */
export interface UpgradeShell extends ClientConnection {
  readonly context: FrontContext;
  readonly peer: Peer;
  /** The client sends no more. */
  readonly hasEof: boolean;
  /** The socket is somebody else's from now on, and the exchange is over. */
  leave(): Passage;
}

export class H1WsDoor implements WsDoor {
  readonly closesRefused = true;
  readonly #shell: UpgradeShell;

  constructor(shell: UpgradeShell) {
    this.#shell = shell;
  }

  get context(): FrontContext {
    return this.#shell.context;
  }

  read(head: RequestHead, origins: readonly string[]): Handshake | HandshakeFault {
    return readHandshake(head, origins);
  }

  open(exchange: ClientExchange, agreement: WsAgreement): WebSocketChannel | undefined {
    const { context, peer } = this.#shell;
    // A client that closed its side cannot speak WebSocket any more.
    if (this.#shell.hasEof) this.#shell.destroy("client-left");
    if (!exchange.isWaiting) return undefined;
    const isLogged = context.accessLog !== undefined;
    const request = isLogged ? exchange.upgraded(agreement.lines) : exchange.upgradedInShort();
    const { received, ...passage } = this.#shell.leave();
    const { deflate, events } = agreement;
    const connection = new WsConnection(context, { ...passage, peer, request, deflate, events });
    passage.owner.onConnectionReplaced(this.#shell, connection);
    connection.start(responseHead(context, agreement), received);
    return connection;
  }
}

/** RFC 6455 §4.2.2. */
function responseHead({ common }: FrontContext, agreement: WsAgreement): string {
  const { handshake, lines } = agreement;
  let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  text += `Sec-WebSocket-Accept: ${acceptValue(handshake.key)}\r\n`;
  text += agreementLines(agreement);
  if (!hasField(lines, "server")) text += common.serverLine;
  if (!hasField(lines, "date")) text += common.dateLine;
  return text + common.extraLines + lines;
}
