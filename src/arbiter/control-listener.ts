// Where workers connect to the arbiter: an abstract Unix socket on Linux, which needs no writable path; elsewhere a
// socket in a folder that only this user can enter. Whoever connects must say the token in its first message, soon.

import { randomBytes, timingSafeEqual } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Line } from "../control/json-lines.ts";
import type { Hello, Meeting, WorkerCommand } from "../control/messages.ts";
import { readWorkerReport } from "../control/shapes.ts";
import type { Log } from "../log/log.ts";
import { Channel } from "./channel.ts";
import type { WorkerHandle, WorkerSink } from "./worker-handle.ts";

const HELLO_TIMEOUT_MS = 5_000;
/** Connections that have not said hello; more are refused, so that a stranger cannot use up descriptors. */
const STRANGERS_MAX = 256;

export interface ControlListener {
  readonly meeting: Meeting;
  /** Ends every worker's control connection too. Harmless when repeated. */
  close(): void;
}

export async function openControlListener(sink: WorkerSink, log: Log): Promise<ControlListener> {
  const place = choosePlace();
  const listener = new SocketListener(place, sink, log);
  await listener.listen();
  return listener;
}

interface Place {
  /** As it travels: a path, or `@name`. */
  readonly address: string;
  /** Made for this socket and removed with it; "" when none is needed. */
  readonly folder: string;
}

function choosePlace(): Place {
  const name = `tunicorn-control-${process.pid}-${randomBytes(8).toString("hex")}`;
  if (process.platform === "linux") return { address: `@${name}`, folder: "" };
  const folder = mkdtempSync(join(tmpdir(), "tunicorn-"));
  return { address: join(folder, "control.sock"), folder };
}

class SocketListener implements ControlListener {
  readonly meeting: Meeting;
  readonly #place: Place;
  readonly #sink: WorkerSink;
  readonly #log: Log;
  readonly #server: Server;
  readonly #channels = new Set<Channel>();
  #strangers = 0;

  constructor(place: Place, sink: WorkerSink, log: Log) {
    this.#place = place;
    this.#sink = sink;
    this.#log = log;
    this.meeting = { address: place.address, token: randomBytes(24).toString("hex") };
    this.#server = createServer((socket) => this.#onConnection(socket));
  }

  listen(): Promise<void> {
    const path = this.#place.address.replace(/^@/, "\0");
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ path, backlog: 511 }, () => {
        this.#server.off("error", reject);
        this.#server.on("error", (error) =>
          this.#log.error("control listener failed", { error: error.message }),
        );
        resolve();
      });
    });
  }

  close(): void {
    this.#server.close();
    for (const channel of this.#channels) channel.destroy();
    if (this.#place.folder !== "") rmSync(this.#place.folder, { recursive: true, force: true });
  }

  #onConnection(socket: Socket): void {
    if (this.#strangers >= STRANGERS_MAX) {
      socket.destroy();
      return;
    }
    this.#strangers += 1;
    const channel = new Channel(socket, {
      onLine: (line) => this.#onFirstLine(channel, timer, line),
      onClosed: () => this.#forgetStranger(channel, timer),
    });
    const timer = setTimeout(() => channel.destroy(), HELLO_TIMEOUT_MS).unref();
    this.#channels.add(channel);
  }

  #onFirstLine(channel: Channel, timer: NodeJS.Timeout, line: Line): void {
    const hello = readHello(line);
    if (hello === undefined || !isSameText(hello.token, this.meeting.token)) {
      this.#log.warning("control connection refused", { type: line.type });
      channel.destroy();
      return;
    }
    clearTimeout(timer);
    this.#strangers -= 1;
    const worker = new ConnectedWorker(hello, channel);
    channel.sink = {
      onLine: (next) => this.#onWorkerLine(worker, next),
      onClosed: (reason) => this.#onWorkerGone(worker, channel, reason),
    };
    this.#sink.onHello(worker);
  }

  #onWorkerLine(worker: ConnectedWorker, line: Line): void {
    const reading = readWorkerReport(line);
    const about = { pid: worker.hello.pid, type: line.type };
    if (reading.kind === "report") this.#sink.onReport(worker, reading.report);
    else if (reading.kind === "unknown") this.#log.debug("unknown message from a worker", about);
    else {
      this.#log.error("malformed message from a worker", { ...about, field: reading.field });
      worker.destroy();
    }
  }

  #onWorkerGone(worker: ConnectedWorker, channel: Channel, reason: string): void {
    this.#channels.delete(channel);
    this.#sink.onGone(worker, reason);
  }

  #forgetStranger(channel: Channel, timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.#strangers -= 1;
    this.#channels.delete(channel);
  }
}

class ConnectedWorker implements WorkerHandle {
  readonly hello: Hello;
  readonly #channel: Channel;

  constructor(hello: Hello, channel: Channel) {
    this.hello = hello;
    this.#channel = channel;
  }

  send(command: WorkerCommand): void {
    this.#channel.send(command);
  }

  destroy(): void {
    this.#channel.destroy();
  }
}

function readHello(line: Line): Hello | undefined {
  const reading = readWorkerReport(line);
  return reading.kind === "report" && reading.report.type === "hello" ? reading.report : undefined;
}

function isSameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
