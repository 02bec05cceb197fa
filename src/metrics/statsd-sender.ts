// Sends a batch once a second, if there is anything to send. UDP by itself; a Unix datagram socket, which Node cannot open, by
// whoever it is given. Metrics are worth no delay and no failure: what cannot be sent is dropped, and said once in a while.

import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns";
import type { Clock, Timer } from "../base/ports.ts";
import type { Config } from "../config/config.ts";
import { StatsdBatch } from "./statsd-batch.ts";

const FLUSH_MS = 1_000;
/** What passes an Ethernet with IPv6 and statsd's own advice in one piece. */
const UDP_BYTES_MAX = 1_432;
/** What dogstatsd reads from a Unix socket at once. */
const UNIX_BYTES_MAX = 8_192;
/** A name is looked up again after so long, and a socket that failed is opened again. */
const RENEW_MS = 60_000;
const PROBLEM_LINE_MS = 60_000;

export interface StatsdOptions {
  readonly config: Config["statsd"];
  readonly clock: Clock;
  /** Takes what goes to a Unix datagram socket. */
  sendUnix(address: string, text: string): void;
  /** At most once a minute. */
  onProblem(message: string): void;
}

export class StatsdSender {
  readonly batch: StatsdBatch;
  readonly #options: StatsdOptions;
  #socket: Socket | undefined = undefined;
  #isOpening = false;
  #isClosed = false;
  #renewAtMs = 0;
  #timer: Timer | undefined = undefined;
  #problemAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: StatsdOptions) {
    const { prefix, tags, target } = options.config;
    const bytesMax = target.kind === "unix" ? UNIX_BYTES_MAX : UDP_BYTES_MAX;
    this.#options = options;
    this.batch = new StatsdBatch({ prefix, tags, bytesMax });
    this.#renew();
  }

  /** Something is in the batch: it will leave within a second. */
  want(): void {
    this.#timer ??= this.#options.clock.after(FLUSH_MS, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const datagram of this.batch.take()) this.#send(datagram);
    this.#renew();
  }

  /** The last batch leaves; harmless when repeated. */
  close(): void {
    this.flush();
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isClosed = true;
    if (socket !== undefined) setImmediate(() => socket.close()); // sends of this turn are under way then
  }

  #send(datagram: string): void {
    const { target } = this.#options.config;
    if (target.kind === "unix") this.#options.sendUnix(target.path, datagram);
    else this.#socket?.send(datagram, (error) => this.#onSent(error));
  }

  #onSent(error: Error | null): void {
    if (error !== null) this.#complain(error.message);
  }

  #renew(): void {
    const { config, clock } = this.#options;
    if (config.target.kind !== "udp" || this.#isOpening || this.#isClosed) return;
    if (clock.nowMs() < this.#renewAtMs) return;
    const { host, port } = config.target;
    this.#isOpening = true;
    this.#renewAtMs = clock.nowMs() + RENEW_MS;
    lookup(host, (error, address, family) => {
      if (error !== null) this.#giveUpOpening(error.message);
      else if (!this.#isClosed) this.#connect(address, family, port);
    });
  }

  #connect(address: string, family: number, port: number): void {
    const socket = createSocket(family === 6 ? "udp6" : "udp4");
    socket.unref();
    socket.on("error", (error) => this.#onError(socket, error));
    // Its type knows nothing of the error with which Node calls it where no route leads there.
    const onConnect = (error?: Error): void => this.#onConnect(socket, error);
    socket.connect(port, address, onConnect);
  }

  #onConnect(socket: Socket, error: Error | undefined): void {
    if (error !== undefined) this.#giveUpOpening(error.message);
    if (error !== undefined || this.#isClosed) {
      socket.close();
      return;
    }
    this.#isOpening = false;
    const old = this.#socket;
    this.#socket = socket;
    old?.close();
    this.flush();
  }

  /** Of a datagram that nobody took, or of a socket that could not be made. */
  #onError(socket: Socket, error: Error): void {
    if (this.#isClosed) return;
    if (socket === this.#socket) {
      this.#complain(error.message);
      return;
    }
    this.#giveUpOpening(error.message);
    socket.close();
  }

  #giveUpOpening(message: string): void {
    this.#isOpening = false;
    if (!this.#isClosed) this.#complain(message);
  }

  #complain(message: string): void {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - this.#problemAtMs < PROBLEM_LINE_MS) return;
    this.#problemAtMs = nowMs;
    this.#options.onProblem(message);
  }
}
