// A client's wish to speak WebSocket on a stream of HTTP/2 (RFC 8441): what handlers see until they accept, and how that is done.

import { assert } from "../base/assert.ts";
import { errorPage } from "../http/error-page.ts";
import type { WebSocketChannel, WebSocketEvents, WebSocketOffer } from "../http/exchange.ts";
import { ownHead, sendWhole } from "../http/own-response.ts";
import type { H2Carrier } from "./h2-carrier.ts";
import type { H2Tunnels, TunnelShell } from "./h2-tunnels.ts";
import { WsConnection } from "./ws-connection.ts";
import { type Deflate, negotiateDeflate } from "./ws-deflate.ts";
import { type Handshake, isFault, readExtendedConnect } from "./ws-handshake.ts";
import { withoutOwnLines } from "./ws-offer.ts";

export class H2WsOffer implements WebSocketOffer {
  readonly #shell: TunnelShell;
  readonly #carrier: H2Carrier;
  readonly #tunnels: H2Tunnels;
  #handshake: Handshake | undefined = undefined;

  constructor(shell: TunnelShell, carrier: H2Carrier, tunnels: H2Tunnels) {
    this.#shell = shell;
    this.#carrier = carrier;
    this.#tunnels = tunnels;
  }

  get subprotocols(): readonly string[] {
    return this.#handshake?.subprotocols ?? [];
  }

  admit(): boolean {
    const { response, head } = this.#carrier.exchange;
    const result = readExtendedConnect(head, this.#shell.context.config.wsAllowedOrigins);
    if (!isFault(result)) {
      this.#handshake = result;
      return true;
    }
    const page = errorPage(result.status, { detail: result.detail, lines: result.lines });
    sendWhole(
      response,
      ownHead(result.status, page.body.length),
      page.block,
      Buffer.from(page.body, "latin1"),
    );
    return false;
  }

  accept(subprotocol: string, block: Buffer, events: WebSocketEvents): WebSocketChannel | undefined {
    const handshake = this.#handshake;
    assert(handshake !== undefined, "a handshake is admitted before it is accepted");
    const carrier = this.#carrier;
    if (!carrier.exchange.isWaiting) return undefined;
    const { context, peer } = this.#shell;
    const appLines = withoutOwnLines(block.toString("latin1"));
    const deflate = this.#negotiate(handshake);
    const request = carrier.exchange.upgraded(appLines);
    const received = carrier.takeHeldBody();
    this.#respond(subprotocol, deflate, appLines);
    const passage = this.#tunnels.pass(carrier, received);
    const { socket, writer, owner } = passage;
    const connection = new WsConnection(context, { socket, writer, owner, peer, request, deflate, events });
    this.#tunnels.add(connection);
    connection.start("", received);
    return connection;
  }

  /** RFC 8441 §5: a 200 in place of the 101; no key is answered. */
  #respond(subprotocol: string, deflate: Deflate | undefined, appLines: string): void {
    let lines = "";
    if (subprotocol !== "") lines += `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
    if (deflate !== undefined) lines += `Sec-WebSocket-Extensions: ${deflate.value}\r\n`;
    const hasServer = /^server:/im.test(appLines);
    const hasDate = /^date:/im.test(appLines);
    const head = { ...ownHead(200, -1), hasServer, hasDate };
    const { protocol, blocks } = this.#shell;
    protocol.respond(this.#carrier.stream, blocks.respond(head, lines + appLines));
    this.#shell.changed();
  }

  #negotiate(handshake: Handshake): Deflate | undefined {
    const { wsPerMessageDeflate, wsMaxSize } = this.#shell.context.config;
    return wsPerMessageDeflate ? negotiateDeflate(handshake.deflateOffers, wsMaxSize) : undefined;
  }
}
