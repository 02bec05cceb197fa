// How a WebSocket begins on a stream of HTTP/2 (RFC 8441): a 200 in place of the 101, and no key is answered.

import type { RequestHead, WebSocketChannel } from "../http/exchange.ts";
import { hasField } from "../http/header-block.ts";
import { ownHead } from "../http/own-response.ts";
import type { ClientExchange } from "./client-exchange.ts";
import type { FrontContext } from "./context.ts";
import type { H2Carrier } from "./h2-carrier.ts";
import type { H2Tunnels, TunnelShell } from "./h2-tunnels.ts";
import { WsConnection } from "./ws-connection.ts";
import { type Handshake, type HandshakeFault, readExtendedConnect } from "./ws-handshake.ts";
import { agreementLines, type WsAgreement, type WsDoor } from "./ws-offer.ts";

export class H2WsDoor implements WsDoor {
  readonly closesRefused = false;
  readonly #shell: TunnelShell;
  readonly #carrier: H2Carrier;
  readonly #tunnels: H2Tunnels;

  constructor(shell: TunnelShell, carrier: H2Carrier, tunnels: H2Tunnels) {
    this.#shell = shell;
    this.#carrier = carrier;
    this.#tunnels = tunnels;
  }

  get context(): FrontContext {
    return this.#shell.context;
  }

  read(head: RequestHead, origins: readonly string[]): Handshake | HandshakeFault {
    return readExtendedConnect(head, origins);
  }

  open(exchange: ClientExchange, agreement: WsAgreement): WebSocketChannel | undefined {
    if (!exchange.isWaiting) return undefined;
    const { context, peer } = this.#shell;
    const request = exchange.upgraded(agreement.lines);
    const held = this.#carrier.takeHeldBody();
    this.#respond(agreement);
    const { received, ...passage } = this.#tunnels.pass(this.#carrier, held);
    const { deflate, events } = agreement;
    const connection = new WsConnection(context, { ...passage, peer, request, deflate, events });
    this.#tunnels.add(connection);
    connection.start("", received);
    return connection;
  }

  #respond(agreement: WsAgreement): void {
    const { lines } = agreement;
    const head = {
      ...ownHead(200, -1),
      hasServer: hasField(lines, "server"),
      hasDate: hasField(lines, "date"),
    };
    const { protocol, blocks } = this.#shell;
    protocol.respond(this.#carrier.stream, blocks.respond(head, agreementLines(agreement) + lines));
    this.#shell.changed();
  }
}
