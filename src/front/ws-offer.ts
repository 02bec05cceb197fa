// A client's wish to speak WebSocket: what handlers see until they accept. How it is done depends on what carries the exchange.

import type { Duplex } from "node:stream";
import { assert } from "../base/assert.ts";
import { errorPage } from "../http/error-page.ts";
import type { RequestHead, WebSocketChannel, WebSocketEvents, WebSocketOffer } from "../http/exchange.ts";
import { ownHead, sendWhole } from "../http/own-response.ts";
import type { ConnectionOwner } from "./client-connection.ts";
import type { ClientExchange } from "./client-exchange.ts";
import type { ClientWriter } from "./client-writer.ts";
import type { FrontContext } from "./context.ts";
import { type Deflate, negotiateDeflate } from "./ws-deflate.ts";
import { type Handshake, type HandshakeFault, isFault } from "./ws-handshake.ts";

/** What both sides will speak. */
export interface WsAgreement {
  readonly handshake: Handshake;
  /** "" for none. */
  readonly subprotocol: string;
  readonly deflate: Deflate | undefined;
  /** The handler's header lines and a blank line. */
  readonly lines: string;
  readonly events: WebSocketEvents;
}

/** What HTTP hands over to a WebSocket. */
export interface Passage {
  readonly socket: Duplex;
  readonly writer: ClientWriter;
  readonly owner: ConnectionOwner;
  /** What came behind the request. */
  readonly received: Buffer;
}

/** How a WebSocket begins on what carries its exchange. */
export interface WsDoor {
  readonly context: FrontContext;
  /** Who asks in vain loses the connection. */
  readonly closesRefused: boolean;
  /** `origins`: those that are allowed. */
  read(head: RequestHead, origins: readonly string[]): Handshake | HandshakeFault;
  /** In place of a response. Undefined when the client left meanwhile. */
  open(exchange: ClientExchange, agreement: WsAgreement): WebSocketChannel | undefined;
}

/** Lines that only the handshake itself may write. */
const OWN_LINES = /^sec-websocket-[^:\r\n]*:[^\r\n]*\r\n/gim;

export class WsOffer implements WebSocketOffer {
  readonly #exchange: ClientExchange;
  readonly #door: WsDoor;
  #handshake: Handshake | undefined = undefined;

  constructor(exchange: ClientExchange, door: WsDoor) {
    this.#exchange = exchange;
    this.#door = door;
  }

  get subprotocols(): readonly string[] {
    return this.#handshake?.subprotocols ?? [];
  }

  admit(): boolean {
    const { head } = this.#exchange;
    const result = this.#door.read(head, this.#door.context.config.wsAllowedOrigins);
    if (isFault(result)) {
      this.#refuse(result);
      return false;
    }
    this.#handshake = result;
    return true;
  }

  #refuse({ status, detail, lines }: HandshakeFault): void {
    const page = errorPage(status, { detail, lines });
    const head = { ...ownHead(status, page.body.length), close: this.#door.closesRefused };
    sendWhole(this.#exchange.response, head, page.block, Buffer.from(page.body, "latin1"));
  }

  accept(subprotocol: string, block: Buffer, events: WebSocketEvents): WebSocketChannel | undefined {
    const handshake = this.#handshake;
    assert(handshake !== undefined, "a handshake is admitted before it is accepted");
    const lines = block.toString("latin1").replace(OWN_LINES, "");
    const deflate = this.#negotiate(handshake);
    return this.#door.open(this.#exchange, { handshake, subprotocol, deflate, lines, events });
  }

  #negotiate({ deflateOffers }: Handshake): Deflate | undefined {
    const { wsPerMessageDeflate, wsMaxSize } = this.#door.context.config;
    return wsPerMessageDeflate ? negotiateDeflate(deflateOffers, wsMaxSize) : undefined;
  }
}

/** What the handshake agreed upon, as the fields of its answer say it. */
export function agreementLines({ subprotocol, deflate }: WsAgreement): string {
  let lines = "";
  if (subprotocol !== "") lines += `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
  if (deflate !== undefined) lines += `Sec-WebSocket-Extensions: ${deflate.value}\r\n`;
  return lines;
}
