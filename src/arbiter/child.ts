// A child process with its control stream on file descriptor 3. It is gone when it was reaped and its last message was
// read; a descriptor that a grandchild still holds does not delay that for long.

import { type ChildProcess, type SendHandle, type StdioOptions, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { assert } from "../base/assert.ts";
import type { Line } from "../control/json-lines.ts";
import type { HandedSocket } from "../control/messages.ts";
import { Channel } from "./channel.ts";
import type { SocketHandle } from "./listeners.ts";

const LAST_MESSAGE_WAIT_MS = 250;
/** A child whose control stream ended exits by itself within so long, or is killed. */
const ALONE_MAX_MS = 1_000;

export interface ChildSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: "inherit" | "ignore";
  /** It is a Node process that is given listening sockets. */
  readonly takesSockets?: boolean;
  /** Who it runs as; -1 keeps. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The process could not even be started (ENOENT, EACCES, EAGAIN). */
  readonly error: Error | undefined;
}

export interface ChildSink {
  onLine(line: Line): void;
  /** Once, the last call. */
  onGone(exit: ChildExit): void;
}

export interface Child {
  /** 0 when it could not be started. */
  readonly pid: number;
  send(message: { readonly type: string }): void;
  /** To one that takes sockets: the listener with this id. It has its own descriptor from then on. */
  sendSocket(id: number, socket: SocketHandle): void;
  kill(signal: "SIGKILL" | "SIGTERM"): void;
}

/** The door through which the arbiter makes processes; a test gives another one. */
export type SpawnChild = (spec: ChildSpec, sink: ChildSink) => Child;

export function spawnChild(spec: ChildSpec, sink: ChildSink): Child {
  const more = spec.takesSockets === true ? (["ipc"] as const) : [];
  const stdio: StdioOptions = [spec.stdin, "inherit", "inherit", "pipe", ...more];
  const who = { ...only("uid", spec.uid), ...only("gid", spec.gid) };
  return new ProcessChild(spawn(spec.command, spec.args, { env: spec.env, stdio, ...who }), sink);
}

function only(name: "uid" | "gid", id: number = -1): { readonly uid?: number; readonly gid?: number } {
  return id < 0 ? {} : { [name]: id };
}

class ProcessChild implements Child {
  readonly #process: ChildProcess;
  readonly #sink: ChildSink;
  readonly #channel: Channel | undefined;
  #exit: ChildExit | undefined;
  #state: "running" | "gone" = "running";

  constructor(process: ChildProcess, sink: ChildSink) {
    this.#process = process;
    this.#sink = sink;
    process.on("error", (error) => this.#onError(error));
    process.on("exit", (code, signal) => this.#onExit({ code, signal, error: undefined }));
    if (process.pid !== undefined) this.#channel = new Channel(controlStream(process), this.#channelSink());
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  send(message: { readonly type: string }): void {
    this.#channel?.send(message);
  }

  /** Node's own channel between its processes: the one door that it has for sockets. */
  sendSocket(id: number, socket: SocketHandle): void {
    // Its type knows none of Node's own objects, which it takes all the same.
    const handle = socket as unknown as SendHandle;
    if (this.#channel === undefined) return;
    this.#process.send({ listener: id } satisfies HandedSocket, handle, {}, (error) => {
      // What has no channel any more is about to end; if it is not, it cannot be governed.
      if (error !== null) this.#onChannelClosed();
    });
  }

  kill(signal: "SIGKILL" | "SIGTERM"): void {
    this.#process.kill(signal);
  }

  #channelSink(): { onLine(line: Line): void; onClosed(): void } {
    return { onLine: (line) => this.#sink.onLine(line), onClosed: () => this.#onChannelClosed() };
  }

  /** A child without its control stream cannot be governed: it must end, and it does so by itself if it can. */
  #onChannelClosed(): void {
    if (this.#exit !== undefined) this.#gone(this.#exit);
    else setTimeout(() => this.kill("SIGKILL"), ALONE_MAX_MS).unref();
  }

  #onExit(exit: ChildExit): void {
    this.#exit = exit;
    if (this.#channel?.isOpen === true) setTimeout(() => this.#gone(exit), LAST_MESSAGE_WAIT_MS);
    else this.#gone(exit);
  }

  #onError(error: Error): void {
    // Also emitted when a signal could not be sent; only a failed start is an end.
    if (this.#process.pid === undefined) this.#gone({ code: null, signal: null, error });
  }

  #gone(exit: ChildExit): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    this.#channel?.destroy();
    this.#sink.onGone(exit);
  }
}

/** Node makes a socket pair for "pipe": both directions, although the type says readable or writable. */
function controlStream(process: ChildProcess): Duplex {
  const stream = process.stdio[3];
  assert(stream != null && "write" in stream && "read" in stream, "descriptor 3 is a socket pair");
  return stream as Duplex;
}
