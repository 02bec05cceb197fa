// One client's HTTP/2 connection: the shell that gives the protocol bytes and time and carries out what follows from them.
// Each stream is an exchange of its own. The socket may be any Duplex (TCP, Unix socket, TLS). Milliseconds, bytes.
//
//   serving ── drained and nothing open, a fault, idle for too long ──► lingering ── the client closed, time is up ──► closed
//
// A drain is said twice (RFC 9113 §6.8): first that there will be an end, so that requests under way are still served; then,
// when the client has answered a ping or time is up, that nothing more is taken.

import type { Duplex } from "node:stream";
import type { Flushable } from "../base/flush-queue.ts";
import { IdMap } from "../base/id-map.ts";
import { Place } from "../base/roll.ts";
import { systemErrorCode } from "../base/system-error.ts";
import { faultMessage, faultStatus, type H2Fault } from "../h2/fault.ts";
import { CANCEL } from "../h2/frames.ts";
import { H2Protocol, type H2Sink } from "../h2/protocol.ts";
import type { H2Request } from "../h2/request-reader.ts";
import type { H2Stream } from "../h2/stream.ts";
import type { AbortCause, Peer } from "../http/exchange.ts";
import { recordBadRequest, recordExchange } from "./access.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import { listenTo, type SocketSink } from "./client-socket.ts";
import { ClientWriter, type ClientWriterOwner } from "./client-writer.ts";
import type { FrontContext } from "./context.ts";
import { increment } from "./counters.ts";
import { Deadline, type DeadlineOwner } from "./deadlines.ts";
import { Farewell } from "./farewell.ts";
import { H2Carrier, type H2Shell } from "./h2-carrier.ts";
import { ResponseBlocks } from "./h2-response.ts";
import { H2Tunnels } from "./h2-tunnels.ts";
import { H2WsDoor } from "./h2-ws-door.ts";
import { describeInFlight, type InFlight } from "./in-flight.ts";
import { ownPage } from "./own-page.ts";
import { WsOffer } from "./ws-offer.ts";

/** Frames are made while less than this waits for the client. */
const AHEAD_BYTES_MAX = 65_536;
/** Beyond this nothing more is read from a client that does not read. */
const UNREAD_BYTES_MAX = 262_144;
/** How long a client may take to see that it should send no more requests. */
const LEAVING_MS = 1_000;
/** How often streams are looked at that wait for their client's windows. */
const SWEEP_MS = 1_000;

type Phase = "serving" | "lingering" | "closed";

export class H2Connection
  implements ClientConnection, H2Shell, H2Sink, ClientWriterOwner, DeadlineOwner, Flushable, SocketSink
{
  readonly place: Place<ClientConnection> = new Place();
  readonly context: FrontContext;
  readonly peer: Peer;
  readonly protocol: H2Protocol;
  readonly blocks: ResponseBlocks;

  readonly #socket: Duplex;
  readonly #owner: ConnectionOwner;
  readonly #writer: ClientWriter;
  readonly #farewell: Farewell;
  /** What the client is given time for: a head, the next request, its goodbye; one at a time. */
  readonly #deadline: Deadline;
  readonly #sweep: Deadline;
  readonly #carriers = new IdMap<H2Carrier>();
  readonly #tunnels: H2Tunnels;
  #owed: H2Carrier[] = [];

  #phase: Phase = "serving";
  #isFresh = true;
  #drainState: "no" | "leaving" | "gone" = "no";
  /** Whether a flush is under way, or will come. */
  #flushState: "none" | "queued" | "running" = "none";
  #isInputPaused = false;
  #hasEof = false;
  /** The frame that the deadline is for, while one is half received; -1: it is for the next request. */
  #midwayFrame = -1;

  constructor(context: FrontContext, socket: Duplex, peer: Peer, owner: ConnectionOwner) {
    this.context = context;
    this.peer = peer;
    this.#socket = socket;
    this.#owner = owner;
    this.#writer = new ClientWriter(context, socket, this);
    this.#farewell = new Farewell(socket, this.#writer.output);
    this.#deadline = new Deadline(context.deadlines, this);
    this.#sweep = new Deadline(context.deadlines, this);
    this.#tunnels = new H2Tunnels(this);
    this.blocks = new ResponseBlocks(context.common);
    const { http2, wsEnabled } = context.config;
    this.protocol = new H2Protocol({
      limits: context.limits,
      settings: { ...http2, takesWebSockets: wsEnabled },
      output: this.#writer.output,
      sink: this,
    });
    listenTo(socket, this);
    this.protocol.start();
    this.#arm(context.config.headTimeoutMs);
    this.changed();
  }

  /** Waits for a further request and has received nothing of it. */
  get isIdle(): boolean {
    return this.#phase === "serving" && !this.#isFresh && this.protocol.openStreams === 0;
  }

  inFlight(nowMs: number): readonly InFlight[] {
    const requests = this.#carriers.values().map(({ exchange }) => describeInFlight(exchange, "http", nowMs));
    return [...requests, ...this.#tunnels.inFlight(nowMs)];
  }

  /** Finish what runs, begin nothing new. */
  drain(withinMs: number): void {
    this.#tunnels.drain(withinMs);
    this.#leave();
    this.#settle();
    this.flush();
  }

  destroy(cause: AbortCause): void {
    if (this.#phase === "closed") return;
    this.#finishAll(cause);
    this.#tunnels.destroy(cause);
    if (this.#phase === "serving") {
      this.protocol.goAway();
      this.#writer.flush();
    }
    this.#phase = "closed";
    this.#writer.stop();
    this.#socket.destroy();
  }

  // The socket.

  onData(bytes: Buffer): void {
    this.context.counters.bytesReceived += bytes.length;
    if (this.#phase === "closed") return;
    if (this.#phase === "lingering") {
      if (!this.#farewell.discard(bytes.length)) this.destroy("client-left");
      return;
    }
    const before = this.#flushState;
    this.#flushState = "running";
    this.protocol.receive(bytes, this.context.clock.nowMs());
    this.#flushState = before;
    this.flush();
  }

  onEnd(): void {
    this.#hasEof = true;
    for (const { exchange, stream } of this.#carriers.values()) {
      exchange.events?.onHalfClose?.();
      // Its body, or the windows for its response, would have to come from the client.
      if (!stream.isRemoteEnded) this.#giveUp(stream, "client-left");
    }
    this.#tunnels.destroy("client-left");
    this.flush();
    this.#giveUpStalled(Number.POSITIVE_INFINITY, "client-left");
  }

  onError(error: Error): void {
    const fields = { code: systemErrorCode(error), peer: this.peer.remoteAddress, phase: this.#phase };
    this.context.log.debug("client socket failed", fields);
  }

  onClose(): void {
    this.#finishAll("client-left");
    this.#tunnels.destroy("client-left");
    this.#phase = "closed";
    this.#deadline.release();
    this.#sweep.release();
    this.#writer.stop();
    this.#owner.onConnectionClosed(this);
  }

  // For the protocol.

  onRequest(stream: H2Stream, request: H2Request): void {
    const { context } = this;
    context.counters.requests++;
    context.counters.exchangesOpen++;
    this.#isFresh = false;
    this.#deadline.disarm();
    const carrier = new H2Carrier(this, stream, request);
    stream.sink = carrier;
    this.#carriers.set(stream.id, carrier);
    if (context.isDraining || context.config.keepAliveMs === 0) this.#leave();
    if (request.protocol !== "") this.#offer(carrier);
    context.handler.handle(carrier.exchange);
  }

  #offer(carrier: H2Carrier): void {
    if (!this.context.config.wsEnabled) return;
    const door = new H2WsDoor(this, carrier, this.#tunnels);
    carrier.exchange.webSocket = new WsOffer(carrier.exchange, door);
  }

  onRefusal(stream: H2Stream, fault: H2Fault, requestLine: string): void {
    const status = faultStatus(fault);
    this.#noteBad(fault, status);
    const detail = `${sentence(faultMessage(fault))}.`;
    const { head, block, body } = ownPage(this.context.handler, status, detail);
    this.protocol.respond(stream, this.blocks.respond(head, block));
    const isBodyless = requestLine.startsWith("HEAD ");
    if (!isBodyless) this.protocol.write(stream, body, 0, body.length);
    this.protocol.end(stream, "");
    recordBadRequest(this.context, this.peer, {
      status,
      requestLine,
      bodyBytes: isBodyless ? 0 : body.length,
    });
  }

  onMalformed(fault: H2Fault, requestLine: string): void {
    this.#noteBad(fault, 0);
    if (requestLine === "") return;
    recordBadRequest(this.context, this.peer, { status: 400, requestLine, bodyBytes: 0 });
  }

  onFailure(fault: H2Fault, message: string): void {
    this.#noteBad(fault, 0);
    if (fault === "ERR_H2_FLOOD") {
      const { remoteAddress: peer } = this.peer;
      this.context.log.warning("HTTP/2 client cut off for flooding", { peer, code: fault, message });
    }
    this.#finishAll("bad-request");
    this.#tunnels.destroy("bad-request");
    this.#close();
  }

  onPong(): void {
    if (this.#drainState === "leaving") this.#refuseMore();
  }

  #noteBad(code: H2Fault, status: number): void {
    increment(this.context.counters.badRequests, code);
    this.context.log.debug("bad request", { code, status, peer: this.peer.remoteAddress });
  }

  // For exchanges.

  changed(): void {
    if (this.#flushState !== "none" || this.#phase === "closed") return;
    this.#flushState = "queued";
    this.context.flushQueue.add(this);
  }

  owes(carrier: H2Carrier): void {
    this.#owed.push(carrier);
  }

  finish(carrier: H2Carrier, cause: AbortCause | undefined): void {
    if (!this.#carriers.delete(carrier.stream.id)) return;
    this.context.counters.exchangesOpen--;
    if (cause !== undefined) increment(this.context.counters.aborts, cause);
    carrier.finish(cause);
    recordExchange(this.context, carrier.exchange);
  }

  /** The exchange became a WebSocket, which has its own line in the log. */
  upgraded(carrier: H2Carrier): void {
    this.#carriers.delete(carrier.stream.id);
    this.context.counters.exchangesOpen--;
    carrier.finish(undefined);
  }

  // The writing side.

  /** Writes what may be written. Handlers that are told of what left may have more. */
  flush(): void {
    if (this.#flushState === "running" || this.#phase === "closed") return;
    this.#flushState = "running";
    const { output } = this.#writer;
    do {
      this.protocol.pump(AHEAD_BYTES_MAX, this.context.clock.nowMs());
      this.#writer.flush();
      this.#tellFramed();
    } while (this.protocol.canPump && output.pendingBytes < AHEAD_BYTES_MAX);
    this.#flushState = "none";
    this.#settle();
  }

  #tellFramed(): void {
    for (const { sink } of this.protocol.takeFramed()) sink?.onFramed();
    if (this.#owed.length === 0) return;
    const owed = this.#owed;
    this.#owed = [];
    for (const carrier of owed) carrier.onFramed();
  }

  onSent(): void {}

  onRoom(): void {
    if (this.#phase === "lingering") this.#linger();
    else this.flush();
  }

  onStalled(pendingBytes: number): void {
    if (this.#phase === "closed") return;
    this.context.log.debug("client stopped reading", { peer: this.peer.remoteAddress, pendingBytes });
    this.destroy("response-stalled");
  }

  /** Others may share the connection: if its client takes anything at all, only streams that stand still are given up. */
  onMemoryShort(): void {
    const isStuck = this.#writer.output.pendingBytes > AHEAD_BYTES_MAX / 2;
    if (isStuck || !this.protocol.hasStalled) {
      this.destroy("memory-short");
      return;
    }
    const nowMs = this.context.clock.nowMs();
    const isAnyOld = this.protocol.stalledStreams(nowMs - SWEEP_MS).length > 0;
    this.#giveUpStalled(isAnyOld ? nowMs - SWEEP_MS : nowMs, "memory-short");
    this.flush();
  }

  // What holds after a turn.

  #settle(): void {
    if (this.#phase !== "serving") return;
    this.#throttleInput();
    const { hasStalled } = this.protocol;
    this.#writer.holdOther(hasStalled ? this.protocol.waitingBytes : 0);
    if (this.protocol.isDone || (this.#hasEof && this.protocol.openStreams === 0)) {
      this.#close();
      return;
    }
    this.#settleDeadline();
    if (hasStalled && !this.#sweep.isArmed) this.#armSweep();
  }

  #settleDeadline(): void {
    const { config } = this.context;
    if (this.protocol.isMidway) {
      const frame = this.protocol.framesReceived;
      if (frame !== this.#midwayFrame) this.#arm(config.headTimeoutMs);
      this.#midwayFrame = frame;
      return;
    }
    if (this.protocol.openStreams > 0) {
      this.#deadline.disarm();
      this.#midwayFrame = -1;
    } else if (this.#midwayFrame >= 0 || !this.#deadline.isArmed) {
      this.#midwayFrame = -1;
      this.#arm(this.#isFresh ? config.headTimeoutMs : config.keepAliveMs);
    }
  }

  /** A client that lets us talk and does not listen is not listened to. */
  #throttleInput(): void {
    const isFull = this.#phase === "serving" && this.#writer.output.pendingBytes > UNREAD_BYTES_MAX;
    if (isFull === this.#isInputPaused) return;
    this.#isInputPaused = isFull;
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }

  // Endings.

  #leave(): void {
    if (this.#drainState !== "no" || this.#phase !== "serving") return;
    this.#drainState = "leaving";
    this.protocol.leave();
    this.#armSweep();
    this.changed();
  }

  #refuseMore(): void {
    this.#drainState = "gone";
    this.protocol.goAway();
    this.changed();
    this.#settle();
  }

  #finishAll(cause: AbortCause): void {
    for (const carrier of this.#carriers.values()) this.finish(carrier, cause);
  }

  /** Orderly: what is gathered is sent, then our side is closed, then the client's is awaited. */
  #close(): void {
    if (this.#phase !== "serving") return;
    this.#finishAll("front-stops");
    this.protocol.goAway();
    this.#phase = "lingering";
    this.#deadline.disarm();
    this.#sweep.disarm();
    this.#writer.flush();
    this.#throttleInput();
    this.#linger();
  }

  /** The time for the client's goodbye begins when it has everything. */
  #linger(): void {
    this.#farewell.endWhenSent();
    if (this.#writer.output.pendingBytes === 0 && !this.#deadline.isArmed) {
      this.#arm(this.context.config.lingerMs);
    }
  }

  // Deadlines.

  onDeadline(deadline: Deadline): void {
    if (this.#phase === "closed") return;
    if (this.#phase === "lingering") {
      this.destroy("client-left");
    } else if (deadline === this.#sweep) {
      this.#onSweep();
    } else if (this.#midwayFrame >= 0) {
      this.#noteBad("ERR_H2_FRAME", 408);
      this.#finishAll("deadline");
      this.#close();
    } else if (this.protocol.openStreams === 0) {
      this.#close();
    }
  }

  #onSweep(): void {
    if (this.#drainState === "leaving") this.#refuseMore();
    const { clock, config } = this.context;
    if (this.#hasEof) this.#giveUpStalled(Number.POSITIVE_INFINITY, "client-left");
    else this.#giveUpStalled(clock.nowMs() - config.responseStallMs, "response-stalled");
    if (this.#phase === "serving" && this.protocol.hasStalled) this.#armSweep();
    this.flush();
  }

  /** Streams of which the client has taken nothing since, though it may take others. */
  #giveUpStalled(sinceMs: number, cause: AbortCause): void {
    for (const stream of this.protocol.stalledStreams(sinceMs)) {
      const { pendingBytes } = stream;
      const { remoteAddress: peer } = this.peer;
      this.context.log.debug("client stopped reading", { peer, pendingBytes, cause });
      this.#giveUp(stream, cause);
    }
    this.#settle();
  }

  #giveUp(stream: H2Stream, cause: AbortCause): void {
    const { sink } = stream;
    this.protocol.reset(stream, CANCEL);
    if (sink instanceof H2Carrier) this.finish(sink, cause);
    else sink?.onReset("client-left");
  }

  #armSweep(): void {
    this.#sweep.armAt(this.context.clock.nowMs() + Math.min(SWEEP_MS, LEAVING_MS));
  }

  #arm(delayMs: number): void {
    this.#deadline.armAt(this.context.clock.nowMs() + delayMs);
  }
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
