// One client's WebSocket (RFC 6455) on a socket of its own: ws reads and writes frames, this file lives and dies. Milliseconds.
//
//   open ── close frame sent ──► closing ── the client's, or time is up ──► lingering ── both sides closed ──► closed
//     └──── the client's close frame, answered; its fault; its EOF ─────────────▲
//
// There is one deadline: of the next ping or its answer or a restart while open, of the client's part after that.

import type { Duplex } from "node:stream";
import { unreachable } from "../base/assert.ts";
import { Place } from "../base/roll.ts";
import { systemErrorCode } from "../base/system-error.ts";
import type { AbortCause, Peer, WebSocketChannel, WebSocketEvents } from "../http/exchange.ts";
import { recordWebSocket, type UpgradedRequest } from "./access.ts";
import type { ClientConnection, ConnectionOwner } from "./client-connection.ts";
import { listenTo, type SocketSink } from "./client-socket.ts";
import type { ClientWriter, ClientWriterOwner } from "./client-writer.ts";
import type { FrontContext } from "./context.ts";
import { increment } from "./counters.ts";
import { Deadline, type DeadlineOwner } from "./deadlines.ts";
import { Farewell } from "./farewell.ts";
import { describeInFlight, type InFlight } from "./in-flight.ts";
import type { Deflate } from "./ws-deflate.ts";
import { WsInput, type WsInputSink } from "./ws-input.ts";
import { KeepAlive } from "./ws-keep-alive.ts";
import { WsOutput } from "./ws-output.ts";

/** As uvicorn: how long a client may take to answer a close frame; a stop waits no longer than for any stream. */
const CLOSE_TIMEOUT_MS = 10_000;
const NO_REASON: Buffer = Buffer.alloc(0);
/** Close codes (RFC 6455 §7.4.1). */
const BROKEN = 1006;
const INTERNAL_ERROR = 1011;
const RESTART = 1012;

type Phase = "open" | "closing" | "lingering" | "closed";

/** What the connection was before, and what was agreed on. */
export interface WsBeginning {
  readonly socket: Duplex;
  readonly writer: ClientWriter;
  readonly owner: ConnectionOwner;
  readonly peer: Peer;
  readonly request: UpgradedRequest;
  readonly deflate: Deflate | undefined;
  readonly events: WebSocketEvents;
}

export class WsConnection
  implements ClientConnection, WebSocketChannel, WsInputSink, ClientWriterOwner, DeadlineOwner, SocketSink
{
  readonly place: Place<ClientConnection> = new Place();
  readonly isIdle = false;

  readonly #context: FrontContext;
  readonly #socket: Duplex;
  readonly #writer: ClientWriter;
  readonly #owner: ConnectionOwner;
  readonly #peer: Peer;
  readonly #request: UpgradedRequest;
  readonly #input: WsInput;
  readonly #output: WsOutput;
  readonly #deadline: Deadline;
  readonly #keepAlive: KeepAlive;
  #farewell: Farewell | undefined = undefined;
  /** Until they were told of the end. */
  #events: WebSocketEvents | undefined;
  #phase: Phase = "open";
  /** 0: no restart is planned. */
  #restartAtMs = 0;
  #isCloseSent = false;
  #isCloseReceived = false;
  #isPaused = false;
  #receivedBytes = 0;
  #sentBytes = 0;
  #abortCause: AbortCause | undefined = undefined;

  constructor(context: FrontContext, from: WsBeginning) {
    const { config, clock } = context;
    this.#context = context;
    this.#socket = from.socket;
    this.#writer = from.writer;
    this.#owner = from.owner;
    this.#peer = from.peer;
    this.#request = from.request;
    this.#events = from.events;
    this.#input = new WsInput(this, config.wsMaxSize, from.deflate?.extension);
    this.#output = new WsOutput(from.writer, from.deflate?.extension);
    this.#deadline = new Deadline(context.deadlines, this);
    this.#keepAlive = new KeepAlive(
      { intervalMs: config.wsPingIntervalMs, timeoutMs: config.wsPingTimeoutMs },
      clock.nowMs(),
    );
    context.counters.webSocketsOpen++;
    context.counters.webSocketsTotal++;
    from.writer.handTo(this);
  }

  /** `head` completes the handshake; `received` is what came behind it. */
  start(head: string, received: Buffer): void {
    this.#writer.output.text(head);
    this.#writer.flushLater();
    this.#arm();
    listenTo(this.#socket, this);
    // Not before the handler has its channel.
    if (received.length > 0) process.nextTick(() => this.#receive(received));
  }

  inFlight(nowMs: number): InFlight {
    return describeInFlight({ ...this.#request, peer: this.#peer }, "websocket", nowMs);
  }

  // The channel, for the handler.

  get unsentBytes(): number {
    return this.#output.unsentBytes;
  }

  send(bytes: Buffer, isText: boolean, hasMore: boolean): void {
    if (this.#phase !== "open") return;
    this.#sentBytes += bytes.length;
    if (!hasMore) this.#context.counters.webSocketMessagesSent++;
    this.#output.message(bytes, isText, hasMore);
  }

  pause(): void {
    if (this.#phase !== "open") return;
    this.#input.hold();
    this.#throttle();
  }

  resume(): void {
    if (this.#phase !== "open") return;
    this.#input.release();
    this.#throttle();
  }

  close(code: number, reason: Buffer): void {
    if (this.#phase !== "open") return;
    this.#phase = "closing";
    this.#armClose();
    this.#sendClose(code, reason);
    // The client's close frame may stand behind messages that nobody wants any more.
    this.#input.release();
    this.#throttle();
  }

  closeForRestart(withinMs: number): void {
    if (this.#phase !== "open") return;
    const atMs = this.#context.clock.nowMs() + Math.random() * withinMs;
    if (this.#restartAtMs === 0 || atMs < this.#restartAtMs) this.#restartAtMs = atMs;
    this.#arm();
  }

  // For the front.

  drain(withinMs: number): void {
    this.closeForRestart(withinMs);
  }

  /** The client is told if its socket takes the few bytes at once. */
  destroy(cause: AbortCause): void {
    if (this.#phase === "closed") return;
    this.#abortCause ??= cause;
    if (this.#phase === "open" && cause === "front-stops") this.#sendClose(RESTART, NO_REASON);
    this.#writer.flush();
    this.#tell(cause === "front-stops" ? RESTART : BROKEN, NO_REASON);
    this.#enterClosed();
    this.#socket.destroy();
  }

  // The socket.

  onData(bytes: Buffer): void {
    if (this.#writer.isCounted) this.#context.counters.bytesReceived += bytes.length;
    if (this.#phase === "closed") return;
    if (this.#phase === "lingering") {
      if (this.#farewell?.discard(bytes.length) === false) this.destroy("client-left");
      return;
    }
    this.#receive(bytes);
  }

  #receive(bytes: Buffer): void {
    this.#keepAlive.excuse();
    this.#input.receive(bytes);
    this.#throttle();
  }

  /** Without a close frame the connection counts as broken (RFC 6455 §7.1.5). */
  onEnd(): void {
    if (this.#phase === "closed" || this.#phase === "lingering") return;
    this.#abortCause ??= "client-left";
    this.#tell(BROKEN, NO_REASON);
    this.#linger();
  }

  onError(error: Error): void {
    const fields = { code: systemErrorCode(error), peer: this.#peer.remoteAddress };
    this.#context.log.debug("WebSocket client's socket failed", fields);
  }

  onClose(): void {
    if (this.#phase === "open" || this.#phase === "closing") this.#abortCause ??= "client-left";
    this.#tell(BROKEN, NO_REASON);
    this.#enterClosed();
    this.#context.counters.webSocketsOpen--;
    if (this.#abortCause !== undefined) increment(this.#context.counters.aborts, this.#abortCause);
    recordWebSocket(this.#context, this.#request, {
      peer: this.#peer,
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
      abortCause: this.#abortCause,
    });
    this.#owner.onConnectionClosed(this);
  }

  /** Paused while received bytes wait; while the client cannot be heard it is not blamed for its silence. */
  #throttle(): void {
    this.#writer.holdOther(this.#input.heldBytes);
    const isFull = this.#input.isFull && (this.#phase === "open" || this.#phase === "closing");
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    this.#keepAlive.excuse();
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }

  // The client's frames.

  onMessage(bytes: Buffer, isText: boolean): void {
    if (this.#phase !== "open") return;
    this.#receivedBytes += bytes.length;
    this.#context.counters.webSocketMessagesReceived++;
    this.#events?.onMessage(bytes, isText);
  }

  onPing(bytes: Buffer): void {
    if (this.#phase === "open") this.#output.pong(bytes);
  }

  /** RFC 6455 §5.5.1: answered with the same code. */
  onCloseFrame(code: number, reason: Buffer): void {
    this.#isCloseReceived = true;
    this.#tell(code, reason);
    if (this.#phase === "open") {
      this.#phase = "closing";
      this.#armClose();
      this.#sendClose(code, NO_REASON);
    } else {
      this.#lingerWhenClosed();
    }
  }

  onFault(code: number, message: string): void {
    this.#context.log.debug("WebSocket client broke the protocol", {
      peer: this.#peer.remoteAddress,
      code,
      message,
    });
    this.#abortCause ??= "bad-request";
    const wasOpen = this.#phase === "open";
    this.#isCloseReceived = true; // nothing more is read, so no close frame is waited for (RFC 6455 §7.1.7)
    this.#tell(code, NO_REASON);
    if (!wasOpen) {
      this.#lingerWhenClosed();
      return;
    }
    this.#phase = "closing";
    this.#armClose();
    this.#sendClose(code, NO_REASON);
  }

  #armClose(): void {
    const { clock, config, isDraining } = this.#context;
    const timeoutMs = isDraining ? Math.min(CLOSE_TIMEOUT_MS, config.streamGraceMs) : CLOSE_TIMEOUT_MS;
    this.#deadline.armAt(clock.nowMs() + timeoutMs);
  }

  onTaken(): void {
    this.#throttle();
  }

  // The writing side.

  onSent(): void {
    this.#events?.onDrain();
  }

  onRoom(): void {
    if (this.#phase === "lingering") this.#farewell?.endWhenSent();
    else this.#output.sendDelayedPong();
  }

  onStalled(pendingBytes: number): void {
    if (this.#phase === "closed") return;
    this.#context.log.debug("WebSocket client stopped reading", {
      peer: this.#peer.remoteAddress,
      pendingBytes,
    });
    this.destroy("response-stalled");
  }

  onMemoryShort(): void {
    this.destroy("memory-short");
  }

  // Endings.

  #sendClose(code: number, reason: Buffer): void {
    this.#output.close(code, reason, () => {
      this.#isCloseSent = true;
      this.#lingerWhenClosed();
    });
  }

  #lingerWhenClosed(): void {
    if (this.#phase === "closing" && this.#isCloseSent && this.#isCloseReceived) this.#linger();
  }

  /** The server closes first (RFC 6455 §7.1.1), after what is gathered was sent. */
  #linger(): void {
    this.#phase = "lingering";
    this.#restartAtMs = 0;
    this.#deadline.armAt(this.#context.clock.nowMs() + this.#context.config.lingerMs);
    this.#writer.flush();
    this.#throttle();
    this.#farewell = new Farewell(this.#socket, this.#writer.output);
    this.#farewell.endWhenSent();
  }

  #tell(code: number, reason: Buffer): void {
    const events = this.#events;
    this.#events = undefined;
    events?.onClose(code, reason);
  }

  /** Frees what the connection holds; harmless when repeated. */
  #enterClosed(): void {
    this.#phase = "closed";
    this.#deadline.release();
    this.#output.end();
    this.#input.end();
    this.#writer.stop();
  }

  // Deadlines.

  onDeadline(): void {
    switch (this.#phase) {
      case "open":
        this.#onMoment();
        break;
      case "closing":
        this.destroy("deadline");
        break;
      case "lingering":
        this.destroy("client-left");
        break;
      case "closed":
        break;
      default:
        unreachable(this.#phase);
    }
  }

  #onMoment(): void {
    const nowMs = this.#context.clock.nowMs();
    if (this.#restartAtMs !== 0 && nowMs >= this.#restartAtMs) {
      this.#tell(RESTART, NO_REASON);
      this.close(RESTART, NO_REASON);
      return;
    }
    if (this.#isPaused) this.#keepAlive.excuse();
    const verdict = this.#keepAlive.judge(nowMs);
    if (verdict === "dead") {
      this.#abortCause ??= "deadline";
      this.#tell(BROKEN, NO_REASON);
      this.close(INTERNAL_ERROR, Buffer.from("keepalive ping timeout"));
      return;
    }
    if (verdict === "ping") this.#output.ping();
    this.#arm();
  }

  #arm(): void {
    const pingAtMs = this.#keepAlive.atMs;
    const atMs =
      this.#restartAtMs === 0 ? pingAtMs : Math.min(this.#restartAtMs, pingAtMs || this.#restartAtMs);
    if (atMs !== 0) this.#deadline.armAt(atMs);
  }
}
