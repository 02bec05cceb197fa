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
import type { TlsMaterial } from "../config/tls-material.ts";
import type { Peer } from "../http/exchange.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import type { FrontContext } from "./context.ts";
import { H1Connection } from "./h1-connection.ts";
import { lendReads } from "./lent-reads.ts";
import { peerOf } from "./peer.ts";
import { TlsTerminal } from "./tls-terminal.ts";

export interface EntranceOptions {
  readonly settings: ListenerConfig;
  /** What the listener's connections share. */
  readonly context: FrontContext;
  readonly owner: ConnectionOwner;
  /** Where the settings ask for TLS. */
  readonly material: TlsMaterial | undefined;
}

/** What ALPN calls versions of HTTP (RFC 7301 §6). */
const ALPN_NAMES = { h2: "h2", h1: "http/1.1" } as const;

export class Entrance {
  readonly #settings: ListenerConfig;
  readonly #context: FrontContext;
  readonly #owner: ConnectionOwner;
  readonly #tls: TlsTerminal | undefined;

  /** Throws what OpenSSL says of certificates that it does not take. */
  constructor(options: EntranceOptions) {
    this.#settings = options.settings;
    this.#context = options.context;
    this.#owner = options.owner;
    this.#tls = this.#openTls(options);
  }

  #openTls({ settings, context, material }: EntranceOptions): TlsTerminal | undefined {
    if (settings.tls === null) return undefined;
    if (material === undefined) throw new Error("a listener with TLS needs its certificates");
    return new TlsTerminal({
      settings: settings.tls,
      material,
      alpn: settings.protocol === "http" ? settings.versions.map((version) => ALPN_NAMES[version]) : [],
      handshakesMax: context.config.tlsHandshakesMax,
      context,
      onSecured: (handshake, secured, peer, protocol) => {
        this.#owner.onConnectionReplaced(handshake, this.#speak(secured, peer, protocol));
      },
      onFailed: (handshake) => this.#owner.onConnectionClosed(handshake),
    });
  }

  /** Other certificates, for handshakes that begin from now on. Throws as the constructor does, and keeps the old ones. */
  renewTls(material: TlsMaterial): void {
    this.#tls?.replace(material);
  }

  /** The connection that the client has now; `owner` is told of others that take its place. undefined: turned away. */
  admit(socket: Socket, unixPath: string | undefined): ClientConnection | undefined {
    return this.#secure(socket, peerOf(socket, unixPath, this.#settings.name));
  }

  #secure(socket: Socket, peer: Peer): ClientConnection | undefined {
    if (this.#tls !== undefined) return this.#tls.shake(socket, peer);
    return this.#speak(socket.readableLength > 0 ? socket : lendReads(socket), peer, "");
  }

  /** `protocol`: what ALPN agreed upon, "" for nothing. */
  #speak(socket: Duplex, peer: Peer, _protocol: string): ClientConnection {
    return new H1Connection(this.#context, socket, peer, this.#owner);
  }
}
