// The front's process: the arbiter's commands obeyed by what front-parts.ts puts together.
// Descriptor 3 is its life line: the end of that stream is the arbiter's death, and its own.

import { Socket } from "node:net";
import { Channel } from "../arbiter/channel.ts";
import { ARBITER_SIGNALS } from "../arbiter/signals.ts";
import { systemClock } from "../base/system-clock.ts";
import type { TlsMaterial } from "../config/tls-material.ts";
import type { Line } from "../control/json-lines.ts";
import type { FrontCommand, FrontReport } from "../control/messages.ts";
import { LogFileError } from "../log/log-file.ts";
import { type Configure, FrontParts } from "./front-parts.ts";
import { HandedSockets } from "./handed-sockets.ts";

const CONTROL_FD = 3;
const EXIT_CRASHED = 1;
const LAST_WORD_MS = 50;

/** Runs until the arbiter ends it, or is gone. */
export function runFront(): void {
  // A terminal's Ctrl-C reaches the whole process group, `pkill -USR1 tunicorn` all processes; what it means is the arbiter's to
  // say. Unheard, USR1 would have Node open its debugger's port, and others would end or stop this process.
  for (const signal of ARBITER_SIGNALS) process.on(signal, () => {});
  new FrontProcess();
}

class FrontProcess {
  readonly #control: Channel;
  readonly #materials = new Map<number, TlsMaterial>();
  readonly #sockets = new HandedSockets(systemClock);
  #parts: FrontParts | undefined;
  /** What was ordered of it is done one after the other. */
  #orders: Promise<void> = Promise.resolve();

  constructor() {
    const stream = new Socket({ fd: CONTROL_FD, readable: true, writable: true });
    this.#control = new Channel(stream, {
      onLine: (line) => this.#onLine(line),
      onClosed: () => this.#exit(0),
    });
    process.on("uncaughtException", (error) => this.#crash(error));
  }

  /** They come before their listener does. */
  #onCertificates(listener: number, material: TlsMaterial): void {
    this.#materials.set(listener, material);
    this.#parts?.renewTls(listener, material);
  }

  /** Throws LogFileError. */
  #start(order: Configure): void {
    const parts = new FrontParts(order, {
      materials: this.#materials,
      sockets: this.#sockets,
      report: (report) => this.#send(report),
    });
    this.#parts = parts;
    this.#inTurn(() => parts.start());
  }

  #inTurn(act: () => Promise<void>): void {
    this.#orders = this.#orders.then(act).catch((error: unknown) => this.#crash(error));
  }

  #onLine(line: Line): void {
    // The arbiter is this program's own; its twin of the type is the same file.
    const command = line as unknown as FrontCommand;
    switch (command.type) {
      case "configure":
        this.#start(command);
        break;
      case "reconfigure":
        this.#inTurn(async () => this.#parts?.reconfigure(command));
        break;
      case "certificates":
        this.#onCertificates(command.listener, command.material);
        break;
      case "drain-worker":
      case "expire-worker":
      case "app-broken":
      case "app-mended":
        this.#parts?.appOf(command.app)?.obey(command);
        break;
      case "drain":
        void this.#drain(command.quick ? 0 : command.graceMs);
        break;
      case "leave":
        this.#parts?.leave();
        break;
      case "reopen-logs":
        this.#parts?.reopenLogs();
        break;
      case "status":
        this.#send({ type: "status", id: command.id, counters: this.#parts?.counters() ?? {} });
        break;
      case "figures":
        this.#send({ type: "figures", id: command.id, samples: this.#parts?.samples() ?? {} });
        break;
      case "exposition":
        this.#parts?.figures.onExposition(command.id, command.text);
        break;
      case "requests":
        this.#send({ type: "requests", id: command.id, requests: this.#parts?.openRequests() ?? [] });
        break;
    }
  }

  async #drain(graceMs: number): Promise<void> {
    await this.#parts?.drain(graceMs);
    this.#send({ type: "drained" });
    // The arbiter closes the control stream when it has read that; should it not, the process must end all the same.
    setTimeout(() => this.#exit(0), LAST_WORD_MS);
  }

  /** What is beyond the limit of a message is not worth this process: whoever asked is answered by its deadline. */
  #send(report: FrontReport): void {
    try {
      this.#control.send(report);
    } catch (error) {
      this.#parts?.log.error("a report to the arbiter is not sent", {
        type: report.type,
        cause: String(error),
      });
    }
  }

  #crash(error: unknown): void {
    const text = describe(error);
    if (this.#parts === undefined) process.stderr.write(`tunicorn front: ${text}\n`);
    else this.#parts.log.critical("the front failed and will be replaced", { error: text });
    this.#exit(EXIT_CRASHED);
  }

  #exit(code: number): never {
    this.#parts?.removeBodyFolder();
    process.exit(code);
  }
}

/** What somebody has named wrongly needs no stack. */
function describe(error: unknown): string {
  if (error instanceof LogFileError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
