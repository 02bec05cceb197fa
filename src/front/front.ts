// A front: owns the clients' sockets and gives their requests to a handler. It knows nothing of handlers or workers.
//
//   const front = new Front({ config, handler, log, accessLog, clock });
//   await front.listen(plainListener({ kind: "fd", fd: 4 }));
//   await front.drain(config.gracefulTimeoutMs);

import type { Socket } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { Deferred } from "../base/deferred.ts";
import { FlushQueue } from "../base/flush-queue.ts";
import type { Clock, Timer } from "../base/ports.ts";
import { Roll } from "../base/roll.ts";
import type { ListenerConfig } from "../config/listener.ts";
import type { TlsMaterial } from "../config/tls-material.ts";
import type { Handler } from "../http/exchange.ts";
import type { MessageLimits } from "../http/limits.ts";
import type { CommonLines } from "../http/message-protocol.ts";
import type { AccessLog } from "../log/access-record.ts";
import type { Log } from "../log/log.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import { ClientCounts } from "./client-counts.ts";
import { CurrentLines, type FrontConfig, type FrontContext } from "./context.ts";
import { type FrontCounters, newCounters } from "./counters.ts";
import { Deadlines } from "./deadlines.ts";
import { Entrance } from "./entrance.ts";
import { HeldMemory } from "./held-memory.ts";
import type { InFlight } from "./in-flight.ts";
import { type BoundAddress, Listener } from "./listener.ts";
import { ListenerContext } from "./listener-context.ts";
import { messageLimits } from "./message-limits.ts";
import { Slab } from "./output.ts";

/** When draining, WebSockets are closed at random over a time of so much for each connection: their clients will come back. */
const SPREAD_MS = 2;
/** A full house is told of once in this time. */
const FULL_LINE_MS = 60_000;
/** How many connections are looked at to find an idle one when a new one needs room. */
const EVICTION_LOOK_MAX = 256;
const REFUSAL =
  "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";

export interface FrontOptions {
  readonly config: FrontConfig;
  readonly handler: Handler;
  readonly log: Log;
  readonly accessLog: AccessLog | undefined;
  readonly clock: Clock;
}

export interface ListenOptions {
  /** What `unlisten` and `renewTls` call it; without one, how many there were before it. */
  readonly id?: number | undefined;
  /** That of a Unix socket which comes as a descriptor. */
  readonly unixPath?: string | undefined;
  /** Certificates, where the settings ask for TLS. */
  readonly material?: TlsMaterial | undefined;
  /** Answers the listener's exchanges in place of the front's handler. */
  readonly handler?: Handler | undefined;
}

interface Listening {
  readonly listener: Listener;
  readonly settings: ListenerConfig;
  readonly handler: Handler | undefined;
  material: TlsMaterial | undefined;
  entrance: Entrance;
}

/** What entrances were made by. */
function termsOf({
  tlsHandshakesMax,
  hsts,
  proxyAllowIps,
  gatewayAllowIps,
}: FrontConfig): readonly unknown[] {
  return [tlsHandshakesMax, hsts, proxyAllowIps, gatewayAllowIps];
}

export class Front implements FrontContext, ConnectionOwner {
  #config: FrontConfig;
  #limits: MessageLimits;
  #common: CommonLines;
  #handler: Handler;
  #accessLog: AccessLog | undefined;
  #isLeaving = false;
  readonly log: Log;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly slab: Slab = new Slab();
  readonly flushQueue: FlushQueue = new FlushQueue(process.nextTick);
  readonly counters: FrontCounters = newCounters();
  readonly memory: HeldMemory;
  /** Where their connections are limited. */
  #clients: ClientCounts | undefined;

  readonly #listeners = new Map<number, Listening>();
  /** Oldest first. */
  readonly #connections = new Roll<ClientConnection>((connection) => connection.place);
  #exchangeIds = 0;
  #fullSaidAtMs = Number.NEGATIVE_INFINITY;
  #drained: Deferred<void> | undefined = undefined;
  #graceTimer: Timer | undefined = undefined;

  constructor(options: FrontOptions) {
    this.#config = options.config;
    this.#limits = messageLimits(options.config);
    this.#handler = options.handler;
    this.log = options.log;
    this.#accessLog = options.accessLog;
    this.clock = options.clock;
    this.deadlines = new Deadlines(options.clock);
    this.#clients = this.#countClients();
    const { clock, log, counters } = this;
    this.memory = new HeldMemory({ bytesMax: options.config.clientMemoryBytes, clock, log, counters });
    this.#common = new CurrentLines(options.config, options.clock);
  }

  get config(): FrontConfig {
    return this.#config;
  }

  get limits(): MessageLimits {
    return this.#limits;
  }

  get common(): CommonLines {
    return this.#common;
  }

  get handler(): Handler {
    return this.#handler;
  }

  get accessLog(): AccessLog | undefined {
    return this.#accessLog;
  }

  /** From now on. Connections that are open keep the limits of a message that they began with. */
  reconfigure(config: FrontConfig, handler: Handler, accessLog: AccessLog | undefined): void {
    const before = this.#config;
    this.#config = this.#isLeaving ? { ...config, keepAliveMs: 0 } : config;
    this.#limits = messageLimits(config);
    this.memory.bytesMax = config.clientMemoryBytes;
    if (!isDeepStrictEqual(clientLimitOf(before), clientLimitOf(config)))
      this.#clients = this.#countClients();
    this.#common = new CurrentLines(config, this.clock);
    this.#handler = handler;
    this.#accessLog = accessLog;
    if (isDeepStrictEqual(termsOf(before), termsOf(config))) return;
    for (const listening of this.#listeners.values()) listening.entrance = this.#openEntrance(listening);
  }

  get isDraining(): boolean {
    return this.#drained !== undefined;
  }

  nextExchangeId(): number {
    return ++this.#exchangeIds;
  }

  /** Accepts clients of one more socket. */
  async listen(settings: ListenerConfig, options: ListenOptions = {}): Promise<BoundAddress> {
    const { material, handler, unixPath } = options;
    const listener: Listener = new Listener({
      address: settings.address,
      unixPath,
      backlog: this.config.backlog,
      lends: settings.tls === null && settings.proxyProtocol === "off",
      clock: this.clock,
      log: this.log,
      onSocket: (socket, path) => this.#onSocket(listening.entrance, socket, path),
      onAcceptError: () => {
        this.counters.acceptErrors++;
      },
    });
    const entrance = this.#openEntrance({ settings, handler, material });
    const listening: Listening = { listener, settings, handler, material, entrance };
    await listener.listen();
    this.#listeners.set(options.id ?? this.#listeners.size, listening);
    return listener.bound;
  }

  #openEntrance({ settings, handler, material }: Omit<Listening, "listener" | "entrance">): Entrance {
    return new Entrance({ settings, context: this.#contextOf(settings, handler), owner: this, material });
  }

  /** Takes no more clients there; those that it has go on. Resolves when the socket is closed. */
  async unlisten(id: number): Promise<void> {
    const listening = this.#listeners.get(id);
    this.#listeners.delete(id);
    await listening?.listener.close();
  }

  #contextOf({ tls, servesMetrics }: ListenerConfig, handler: Handler | undefined): FrontContext {
    // RFC 6797 §7.2: not over plain text.
    const lines =
      tls === null || this.config.hsts === "" ? "" : `Strict-Transport-Security: ${this.config.hsts}\r\n`;
    if (handler === undefined && lines === "") return this;
    return new ListenerContext(this, { handler, lines, isUnrecorded: servesMetrics });
  }

  /** Other certificates for a listener. Connections go on with what they have. */
  renewTls(id: number, material: TlsMaterial): void {
    const listening = this.#listeners.get(id);
    listening?.entrance.renewTls(material);
    if (listening !== undefined) listening.material = material;
  }

  /** A stop is near: clients are still taken, but each response is the last one of its connection. */
  leave(): void {
    this.#isLeaving = true;
    this.#config = { ...this.#config, keepAliveMs: 0 };
  }

  /** What runs and waits now, oldest first, at most so many. */
  inFlight(countMax: number): InFlight[] {
    const nowMs = this.clock.nowMs();
    const found: InFlight[] = [];
    for (const connection of this.#connections.toArray()) {
      const requests = connection.inFlight(nowMs);
      if (requests !== undefined) found.push(...[requests].flat());
    }
    return found.sort((a, b) => b.elapsedMs - a.elapsedMs).slice(0, countMax);
  }

  /**
   * Takes no more clients, lets what runs finish, closes idle connections, and after `graceMs` all others. Resolves when the
   * last connection is gone. A second call only shortens the grace.
   */
  async drain(graceMs: number): Promise<void> {
    this.#graceTimer?.cancel();
    this.#graceTimer = this.clock.after(graceMs, () => this.#destroyConnections());
    if (this.#drained !== undefined) return this.#drained.promise;
    const drained = new Deferred<void>();
    this.#drained = drained;
    await Promise.all([...this.#listeners.values()].map(({ listener }) => listener.close()));
    // Requests that were in the kernel when the drain began have been read by now.
    const withinMs = Math.min(graceMs / 2, this.#connections.size * SPREAD_MS);
    for (const connection of this.#connections.toArray()) connection.drain(withinMs);
    this.#resolveWhenEmpty();
    return drained.promise;
  }

  /** Ends everything now. Harmless when repeated. */
  destroy(): void {
    for (const { listener } of this.#listeners.values()) listener.destroy();
    this.#drained ??= new Deferred<void>();
    this.#destroyConnections();
    this.#resolveWhenEmpty();
  }

  onConnectionClosed(connection: ClientConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.counters.connectionsOpen--;
    if (this.isDraining) this.#resolveWhenEmpty();
  }

  onConnectionReplaced(connection: ClientConnection, successor: ClientConnection): void {
    this.#connections.delete(connection);
    this.#connections.add(successor);
    if (this.isDraining) successor.drain(0);
  }

  #onSocket(entrance: Entrance, socket: Socket, unixPath: string | undefined): void {
    if (this.#clients !== undefined && !entrance.isForProxies && !this.#clients.admit(socket)) {
      this.#turnAway(socket);
      return;
    }
    if (this.#connections.size >= this.config.connectionsMax) {
      this.#sayFull();
      if (!this.#makeRoom()) {
        this.#turnAway(socket);
        return;
      }
    }
    const connection = entrance.admit(socket, unixPath);
    if (connection === undefined) return;
    this.#connections.add(connection);
    this.counters.connectionsOpen++;
    this.counters.connectionsTotal++;
    if (this.isDraining) connection.drain(0);
  }

  #sayFull(): void {
    const nowMs = this.clock.nowMs();
    if (nowMs < this.#fullSaidAtMs + FULL_LINE_MS) return;
    this.#fullSaidAtMs = nowMs;
    const { connectionsMax } = this.config;
    this.log.warning("the house is full: idle clients are closed, new ones get 503", { connectionsMax });
  }

  /** Closes the oldest idle connection: its client loses nothing but a handshake. */
  #makeRoom(): boolean {
    let oldest = this.#connections.first;
    for (let looks = 0; oldest !== undefined && looks < EVICTION_LOOK_MAX; looks++) {
      if (oldest.isIdle) {
        oldest.destroy("front-stops");
        this.counters.connectionsEvicted++;
        return true;
      }
      oldest = this.#connections.after(oldest);
    }
    return false;
  }

  #countClients(): ClientCounts | undefined {
    const { connectionsPerClient: most, forwardedAllowIps: trusted } = this.config;
    return most === 0 ? undefined : new ClientCounts({ most, trusted, clock: this.clock, log: this.log });
  }

  #turnAway(socket: Socket): void {
    this.counters.connectionsRefused++;
    socket.on("error", (error) => this.log.debug("refused client failed", { message: error.message }));
    socket.end(REFUSAL, "latin1", () => socket.destroy());
  }

  #destroyConnections(): void {
    for (const connection of this.#connections.toArray()) connection.destroy("front-stops");
  }

  #resolveWhenEmpty(): void {
    if (this.#connections.size > 0) return;
    this.#graceTimer?.cancel();
    this.#drained?.resolve();
  }
}

function clientLimitOf({ connectionsPerClient, forwardedAllowIps }: FrontConfig): readonly unknown[] {
  return [connectionsPerClient, forwardedAllowIps];
}
