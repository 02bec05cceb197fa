// A connection until its PROXY protocol header has come: who is at its other end is not known before. Milliseconds, bytes.

import type { Socket } from "node:net";
import { ERRORS } from "../base/errors.ts";
import { Place } from "../base/roll.ts";
import {
  PROXY_HEADER_BYTES_MAX,
  type ProxyAddresses,
  type ProxyFault,
  readProxyHeader,
} from "../gateway/proxy-header.ts";
import type { Peer } from "../http/exchange.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import { listenTo, type SocketSink } from "./client-socket.ts";
import type { FrontContext } from "./context.ts";
import { increment } from "./counters.ts";
import { Deadline, type DeadlineOwner } from "./deadlines.ts";

export interface ProxyPrefaceOptions {
  readonly context: FrontContext;
  readonly owner: ConnectionOwner;
  readonly accepts: "v1" | "v2" | "auto";
  /** The proxy. */
  readonly peer: Peer;
  /** The header has come: what the connection becomes; undefined: turned away, and closed. */
  admit(socket: Socket, peer: Peer): ClientConnection | undefined;
}

export class ProxyPreface implements ClientConnection, DeadlineOwner, SocketSink {
  /** Nothing was asked yet, but a client is on its way. */
  readonly place: Place<ClientConnection> = new Place();
  readonly isIdle = false;
  readonly #socket: Socket;
  readonly #options: ProxyPrefaceOptions;
  readonly #deadline: Deadline;
  readonly #stopListening: () => void;
  #received: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, options: ProxyPrefaceOptions) {
    const { context } = options;
    this.#socket = socket;
    this.#options = options;
    this.#deadline = new Deadline(context.deadlines, this);
    this.#deadline.armAt(context.clock.nowMs() + context.config.headTimeoutMs);
    this.#stopListening = listenTo(socket, this);
  }

  inFlight(): undefined {
    return undefined;
  }

  /** Its client has asked for nothing: it is let in, and asked to leave then. */
  drain(): void {}

  destroy(): void {
    this.#socket.destroy();
  }

  onDeadline(): void {
    this.#refuse("ERR_PROXY_MISSING", "in time");
  }

  onData(bytes: Buffer): void {
    const received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    // Only so much is looked at; what follows the header is put back.
    const reading = readProxyHeader(received.subarray(0, PROXY_HEADER_BYTES_MAX), this.#options.accepts);
    switch (reading.type) {
      case "incomplete":
        this.#received = received;
        break;
      case "fault":
        this.#refuse(reading.code, "");
        break;
      case "header":
        this.#pass(received.subarray(reading.length), reading.addresses);
        break;
    }
  }

  #pass(rest: Buffer, addresses: ProxyAddresses | undefined): void {
    const { owner, peer, admit } = this.#options;
    const socket = this.#socket;
    this.#stopListening();
    this.#deadline.release();
    socket.pause();
    if (rest.length > 0) socket.unshift(rest);
    const client = addresses === undefined ? peer : { ...peer, ...addresses, isUnix: false, isTold: true };
    const successor = admit(socket, client);
    if (successor === undefined) owner.onConnectionClosed(this);
    else owner.onConnectionReplaced(this, successor);
  }

  onEnd(): void {
    // A probe that says nothing is no fault.
    if (this.#received.length === 0) this.#socket.destroy();
    else this.#refuse("ERR_PROXY_MISSING", "to its end");
  }

  #refuse(code: ProxyFault, how: string): void {
    const { context, peer } = this.#options;
    increment(context.counters.badRequests, code);
    const message = how === "" ? ERRORS[code] : `${ERRORS[code]}, ${how}`;
    context.log.warning("closed a connection without a good PROXY header", {
      code,
      peer: peer.remoteAddress,
      message,
    });
    this.#socket.destroy();
  }

  onError(error: Error): void {
    this.#options.context.log.debug("proxy's socket failed", { message: error.message });
  }

  onClose(): void {
    this.#deadline.release();
    this.#options.owner.onConnectionClosed(this);
  }
}
