// What an accepted client goes through before requests are read from it, as its listener's settings say:
//
//   accepted ──► known? ──► preface (PROXY protocol) ──► TLS ──► protocol (by listener and ALPN)
//
// Each step hands on to the next, or ends the client. A step that has to wait for bytes is a ClientConnection of its own, so
// that limits, drain and destroy count it, and its owner is told what takes its place. What a step has read too much it puts
// back by `socket.unshift`.

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ListenerConfig } from "../config/listener.ts";
import type { TlsMaterial } from "../config/tls-material.ts";
import { AddressSet } from "../http/address-set.ts";
import type { Peer } from "../http/exchange.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import type { FrontContext } from "./context.ts";
import { GATEWAY_TITLES, GatewayProtocols } from "./gateway-protocol.ts";
import { H1Connection } from "./h1-connection.ts";
import { H2Connection } from "./h2-connection.ts";
import { H2Preface } from "./h2-preface.ts";
import { lendReads } from "./lent-reads.ts";
import { peerOf } from "./peer.ts";
import { ProxyPreface } from "./proxy-preface.ts";
import { StrangerLog } from "./stranger-log.ts";
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
  /** undefined: HTTP. */
  readonly #gateway: GatewayProtocols | undefined;
  /** Who may connect at all, for which protocol and by which option; none where everybody may. */
  readonly #guards: readonly Guard[];
  readonly #strangers: StrangerLog;

  /** Throws what OpenSSL says of certificates that it does not take. */
  constructor(options: EntranceOptions) {
    const { settings, context, owner } = options;
    this.#settings = settings;
    this.#context = context;
    this.#owner = owner;
    this.#tls = this.#openTls(options);
    this.#gateway = gatewayOf(settings, context);
    this.#guards = guardsOf(settings, context);
    this.#strangers = new StrangerLog(context.clock, context.log);
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

  /** Who connects here speaks for others. */
  get isForProxies(): boolean {
    const { proxyProtocol, protocol } = this.#settings;
    return proxyProtocol !== "off" || protocol !== "http";
  }

  /** The connection that the client has now; `owner` is told of others that take its place. undefined: turned away. */
  admit(socket: Socket, unixPath: string | undefined): ClientConnection | undefined {
    const peer = peerOf(socket, unixPath, this.#settings.name);
    const guard = peer.isUnix ? undefined : this.#guards.find(({ known }) => !known.has(peer.remoteAddress));
    if (guard !== undefined) {
      this.#turnAway(socket, peer, guard);
      return undefined;
    }
    const { proxyProtocol } = this.#settings;
    if (proxyProtocol === "off") return this.#secure(socket, peer);
    const admit = (passed: Socket, client: Peer) => this.#secure(passed, client);
    return new ProxyPreface(socket, {
      context: this.#context,
      owner: this.#owner,
      accepts: proxyProtocol,
      peer,
      admit,
    });
  }

  /** Whoever may say who the client is must be known: not even an answer for others. */
  #turnAway(socket: Socket, peer: Peer, guard: Guard): void {
    this.#context.counters.connectionsRefused++;
    // Health checks connect and reset: who is gone already has no address, and there is nobody to let in.
    if (peer.remoteAddress !== "") this.#strangers.refused(peer.remoteAddress, guard);
    socket.on("error", (error) =>
      this.#context.log.debug("stranger's socket failed", { message: error.message }),
    );
    socket.destroy();
  }

  #secure(socket: Socket, peer: Peer): ClientConnection | undefined {
    if (this.#tls !== undefined) return this.#tls.shake(socket, peer);
    if (socket.readableLength === 0) return this.#speak(lendReads(socket), peer, "");
    const connection = this.#speak(socket, peer, "");
    socket.resume(); // who has put something back has paused it
    return connection;
  }

  /** `protocol`: what ALPN agreed upon, "" for nothing. */
  #speak(socket: Duplex, peer: Peer, protocol: string): ClientConnection {
    if (protocol === ALPN_NAMES.h2) return this.#speakVersion("h2", socket, peer);
    const mayBegin = this.#settings.cleartextH2 && this.#settings.tls === null && this.#gateway === undefined;
    if (!mayBegin) return this.#speakVersion("h1", socket, peer);
    if (!this.#settings.versions.includes("h1")) return this.#speakVersion("h2", socket, peer);
    const speak = (version: "h2" | "h1"): ClientConnection => this.#speakVersion(version, socket, peer);
    return new H2Preface({ context: this.#context, socket, owner: this.#owner, speak });
  }

  #speakVersion(version: "h2" | "h1", socket: Duplex, peer: Peer): ClientConnection {
    if (version === "h2") return new H2Connection(this.#context, socket, peer, this.#owner);
    return new H1Connection(this.#context, socket, peer, this.#owner, this.#gateway?.make());
  }
}

interface Guard {
  readonly known: AddressSet;
  readonly protocol: string;
  readonly option: string;
}

function gatewayOf(
  { protocol }: ListenerConfig,
  { limits, log }: FrontContext,
): GatewayProtocols | undefined {
  return protocol === "http" ? undefined : new GatewayProtocols(protocol, limits, log);
}

function guardsOf({ protocol, proxyProtocol }: ListenerConfig, { config }: FrontContext): readonly Guard[] {
  const guards: Guard[] = [];
  if (proxyProtocol !== "off") {
    const known = new AddressSet(config.proxyAllowIps);
    guards.push({ known, protocol: "the PROXY protocol", option: "--proxy-allow-from" });
  }
  if (protocol !== "http") {
    const known = new AddressSet(config.gatewayAllowIps);
    guards.push({ known, protocol: GATEWAY_TITLES[protocol], option: "--gateway-allow-from" });
  }
  return guards;
}
