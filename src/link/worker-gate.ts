// Where workers attach to this front: a Unix socket that only holders of its token get past. Joins the two sockets of each
// worker. On Linux the socket has an abstract name, so no writable folder is needed; elsewhere it lies in a private folder.

import { randomBytes, timingSafeEqual } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FlushQueue } from "../base/flush-queue.ts";
import type { Log } from "../log/log.ts";
import { type Frame, HELLO, WIRE_VERSION } from "../wire/frame.ts";
import { type Hello, parseHello } from "../wire/hello.ts";
import { Aside } from "./aside.ts";
import type { AttachedWorker } from "./attached-worker.ts";
import { type FrameSink, FrameSocket } from "./frame-socket.ts";
import { Link } from "./link.ts";

export interface WorkerGateOptions {
  readonly log: Log;
  /**
   * Reads of the given socket without fresh memory for each: a socket that lends its chunks until their listeners return, in
   * place of the one that was accepted; or that one itself. undefined: there is no such thing.
   */
  readonly lendReads?: (accepted: Socket) => Socket;
  /** A worker's wire and aside are both there. */
  readonly attached: (worker: AttachedWorker) => void;
}

/** What the arbiter passes on to workers in `attach`. */
export interface GateAddress {
  /** A path; one that begins with NUL is an abstract name. */
  readonly address: string;
  readonly token: string;
}

const HELLO_TIMEOUT_MS = 5_000;
/** Connections that have not said who they are, or whose other half is missing. */
const STRANGERS_MAX = 256;
const BACKLOG = 512;

export class WorkerGate {
  readonly #options: WorkerGateOptions;
  /**
   * Every socket that was written to is flushed once, when all sockets that were readable in this turn of the event loop have been
   * read. setImmediate runs exactly there (behind the poll phase); process.nextTick would run after each single socket's read and
   * so send one small write per request.
   */
  readonly #flushQueue = new FlushQueue(setImmediate);
  readonly #server: Server;
  readonly #token = randomBytes(24).toString("hex");
  readonly #strangers = new Set<Stranger>();
  #folder: string | undefined;

  constructor(options: WorkerGateOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#admit(socket));
    this.#server.on("error", (error) => options.log.error("worker gate failed", { error: error.message }));
  }

  async listen(): Promise<GateAddress> {
    const address = await this.#chooseAddress();
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ path: address, backlog: BACKLOG }, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    return { address, token: this.#token };
  }

  /** No further worker may attach; attached ones stay. */
  async close(): Promise<void> {
    for (const stranger of this.#strangers) stranger.turnAway();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #chooseAddress(): Promise<string> {
    const name = `tunicorn-${randomBytes(12).toString("hex")}`;
    if (process.platform === "linux") return `\0${name}`;
    this.#folder = await mkdtemp(join(tmpdir(), "tunicorn-"));
    return join(this.#folder, "gate");
  }

  #admit(socket: Socket): void {
    if (this.#strangers.size >= STRANGERS_MAX) {
      socket.destroy();
      this.#options.log.warning("too many connections wait at the worker gate", { max: STRANGERS_MAX });
      return;
    }
    const lending = this.#options.lendReads?.(socket) ?? socket;
    const stranger = new Stranger(lending, {
      isLending: lending !== socket,
      flushQueue: this.#flushQueue,
      log: this.#options.log,
      token: this.#token,
      introduced: (hello) => this.#pair(stranger, hello),
      gone: () => this.#strangers.delete(stranger),
    });
    this.#strangers.add(stranger);
  }

  #pair(one: Stranger, hello: Hello): void {
    const other = this.#findOther(hello);
    if (other === undefined) return; // its other half is still on the way, and bound to come before the deadline
    this.#strangers.delete(one);
    this.#strangers.delete(other);
    const [wire, aside] = hello.role === "wire" ? [one, other] : [other, one];
    const link = new Link(wire.leave());
    // Only the link's says all.
    this.#options.attached({ hello: wire.hello ?? hello, link, aside: new Aside(aside.leave()) });
  }

  #findOther(hello: Hello): Stranger | undefined {
    for (const stranger of this.#strangers) {
      const known = stranger.hello;
      if (known?.pid === hello.pid && known.role !== hello.role) return stranger;
    }
    return undefined;
  }
}

interface StrangerOptions {
  readonly isLending: boolean;
  readonly flushQueue: FlushQueue;
  readonly log: Log;
  readonly token: string;
  readonly introduced: (hello: Hello) => void;
  readonly gone: () => void;
}

/** A connection that has not yet become part of an attached worker. */
class Stranger implements FrameSink {
  hello: Hello | undefined;
  readonly #options: StrangerOptions;
  readonly #socket: FrameSocket;
  readonly #deadline: NodeJS.Timeout;

  constructor(socket: Socket, options: StrangerOptions) {
    this.#options = options;
    const { flushQueue, log, isLending } = options;
    this.#socket = new FrameSocket(socket, { sink: this, flushQueue, log, isLending });
    this.#deadline = setTimeout(() => this.#overdue(), HELLO_TIMEOUT_MS);
    this.#deadline.unref();
  }

  /** Hands the socket over: from now on it has another owner. */
  leave(): FrameSocket {
    clearTimeout(this.#deadline);
    return this.#socket;
  }

  turnAway(): void {
    this.#socket.destroy();
  }

  onFrame(frame: Frame): string | undefined {
    if (this.hello !== undefined) return "a frame before both sockets of the worker were there";
    if (frame.type !== HELLO || frame.stream !== 0) return `a first frame of type ${frame.type}`;
    const hello = parseHello(frame.bytes.subarray(frame.from, frame.to));
    if ("problem" in hello) return hello.problem;
    if (!isSameToken(hello.token, this.#options.token)) return "a wrong token";
    if (hello.version !== WIRE_VERSION) return `wire version ${hello.version}`;
    this.hello = hello;
    this.#options.introduced(hello);
    return undefined;
  }

  onClosed(): void {
    clearTimeout(this.#deadline);
    this.#options.gone();
  }

  #overdue(): void {
    this.#options.log.warning("a worker's connection was not completed in time", {
      pid: this.hello?.pid ?? 0,
    });
    this.turnAway();
  }
}

/** In constant time: whoever may connect must not learn the token byte by byte. */
function isSameToken(given: string, expected: string): boolean {
  const bytes = Buffer.from(given, "utf8");
  const wanted = Buffer.from(expected, "utf8");
  return bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
}
