// One listening socket: accepts clients and hands them on. Opened by the arbiter and handed over (docs/control.md), or opened here by
// tests. Closing it here leaves the arbiter's descriptor, and so the kernel's backlog, alive.

import { createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { Deferred } from "../base/deferred.ts";
import type { Clock } from "../base/ports.ts";
import { systemErrorCode } from "../base/system-error.ts";
import type { Address } from "../config/listener.ts";
import type { Log } from "../log/log.ts";
import { acceptLending } from "./lent-reads.ts";

/** Accept errors come in floods (EMFILE): one line in this time. */
const ERROR_LINE_MS = 1_000;
/** When the kernel asks a silent peer whether it still exists. */
const TCP_KEEP_ALIVE_MS = 60_000;

export interface ListenerOptions {
  readonly address: Address;
  readonly backlog: number;
  /** Of a Unix socket that comes as a descriptor: Node has no name for it. */
  readonly unixPath?: string | undefined;
  /** The sockets lend their chunks (front/lent-reads.ts). */
  readonly lends: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** `unixPath`: where the listener listens, undefined for TCP. */
  onSocket(socket: Socket, unixPath: string | undefined): void;
  onAcceptError(): void;
}

/** Where a listener really listens. */
export interface BoundAddress {
  readonly host: string;
  readonly port: number;
  /** "" for TCP. */
  readonly path: string;
}

export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  #bound: BoundAddress = { host: "", port: 0, path: "" };
  #unixPath: string | undefined = undefined;
  #errorLineAtMs = Number.NEGATIVE_INFINITY;
  #errorsUntold = 0;
  #closed: Deferred<void> | undefined = undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = createServer({
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    });
    this.#server.on("connection", (socket) => options.onSocket(socket, this.#unixPath));
  }

  get bound(): BoundAddress {
    return this.#bound;
  }

  /** Resolves when clients are accepted; rejects with the system's error. */
  async listen(): Promise<void> {
    const listening = new Deferred<void>();
    this.#server.once("error", (error) => listening.reject(error));
    this.#server.listen(this.#listenOptions(), () => listening.resolve());
    await listening.promise;
    this.#server.on("error", (error) => this.#onAcceptError(error));
    this.#learnAddress();
    if (!this.#options.lends) return;
    const onSocket = (socket: Socket): void => this.#options.onSocket(socket, this.#unixPath);
    acceptLending(this.#server, { keepAliveMs: TCP_KEEP_ALIVE_MS, onSocket });
  }

  /**
   * Stops accepting, after what the kernel's backlog held was accepted: libuv accepts all of it in one poll phase, and two
   * turns of the loop see one. Harmless when repeated.
   */
  close(): Promise<void> {
    if (this.#closed !== undefined) return this.#closed.promise;
    const closed = new Deferred<void>();
    this.#closed = closed;
    setImmediate(() => setImmediate(() => this.#closeNow()));
    return closed.promise;
  }

  /** Stops accepting now; who waits in the backlog is left to whoever else holds the socket. */
  destroy(): void {
    this.#closed ??= new Deferred<void>();
    this.#closeNow();
  }

  #closeNow(): void {
    const closed = this.#closed;
    // server.close() calls back only when all connections ended; not accepting is immediate.
    if (this.#server.listening) this.#server.close();
    closed?.resolve();
  }

  #listenOptions(): ListenOptions & { fd?: number } {
    const { address, backlog } = this.#options;
    switch (address.kind) {
      case "fd":
        return { fd: address.fd, backlog };
      case "unix":
        return { path: address.path, backlog };
      case "tcp":
        return { host: address.host, port: address.port, backlog };
    }
  }

  #learnAddress(): void {
    const address = this.#server.address();
    if (typeof address === "string") {
      this.#unixPath = address;
      this.#bound = { host: "", port: 0, path: address };
    } else if (address !== null) {
      this.#bound = { host: address.address, port: address.port, path: "" };
    } else {
      this.#unixPath = this.#options.unixPath ?? "";
    }
  }

  /** The server lives on: libuv refuses what it cannot open, and tries again. */
  #onAcceptError(error: Error): void {
    const { clock, log } = this.#options;
    this.#options.onAcceptError();
    this.#errorsUntold++;
    if (clock.nowMs() - this.#errorLineAtMs < ERROR_LINE_MS) return;
    this.#errorLineAtMs = clock.nowMs();
    const code = systemErrorCode(error);
    log.error("accept failed", { code, times: this.#errorsUntold });
    this.#errorsUntold = 0;
  }
}
