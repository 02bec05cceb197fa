// What an accepted client goes through before requests are read from it, as its listener's settings say:
//
//   accepted ──► preface (PROXY protocol) ──► TLS ──► protocol (by listener and ALPN)
//
// Each step hands on to the next, or ends the client. A step that has to wait for bytes is a ClientConnection of its own, so
// that limits, drain and destroy count it, and its owner is told what takes its place. What a step has read too much it puts
// back by `socket.unshift`.

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ListenerConfig } from "../config/site.ts";
import type { Peer } from "../http/exchange.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import type { FrontContext } from "./context.ts";
import { H1Connection } from "./h1-connection.ts";
import { lendReads } from "./lent-reads.ts";
import { peerOf } from "./peer.ts";

export interface EntranceOptions {
  readonly settings: ListenerConfig;
  /** What the listener's connections share. */
  readonly context: FrontContext;
  readonly owner: ConnectionOwner;
}

export class Entrance {
  readonly #settings: ListenerConfig;
  readonly #context: FrontContext;
  readonly #owner: ConnectionOwner;

  constructor({ settings, context, owner }: EntranceOptions) {
    this.#settings = settings;
    this.#context = context;
    this.#owner = owner;
  }

  /** The connection that the client has now; `owner` is told of others that take its place. */
  admit(socket: Socket, unixPath: string | undefined): ClientConnection {
    return this.#secure(socket, peerOf(socket, unixPath, this.#settings.name));
  }

  #secure(socket: Socket, peer: Peer): ClientConnection {
    return this.#speak(socket.readableLength > 0 ? socket : lendReads(socket), peer);
  }

  #speak(socket: Duplex, peer: Peer): ClientConnection {
    return new H1Connection(this.#context, socket, peer, this.#owner);
  }
}
