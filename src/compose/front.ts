// The front's process: the arbiter's commands obeyed by what front-parts.ts puts together.
// Descriptor 3 is its life line: the end of that stream is the arbiter's death, and its own.

import { Socket } from "node:net";
import { Channel } from "../arbiter/channel.ts";
import { ARBITER_SIGNALS } from "../arbiter/signals.ts";
import type { TlsMaterial } from "../config/tls-material.ts";
import type { Line } from "../control/json-lines.ts";
import type { FrontCommand, FrontReport } from "../control/messages.ts";
import { FrontParts } from "./front-parts.ts";

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
  #parts: FrontParts | undefined;

  constructor() {
    const stream = new Socket({ fd: CONTROL_FD, readable: true, writable: true });
    this.#control = new Channel(stream, {
      onLine: (line) => this.#onLine(line),
      onClosed: () => this.#exit(0),
    });
    process.on("uncaughtException", (error) => this.#crash(error));
  }

  /** Before `configure` they are kept for it. */
  #onCertificates(listener: number, material: TlsMaterial): void {
    if (this.#parts === undefined) this.#materials.set(listener, material);
    else this.#parts.renewTls(listener, material);
  }

  #onLine(line: Line): void {
    // The arbiter is this program's own; its twin of the type is the same file.
    const command = line as unknown as FrontCommand;
    switch (command.type) {
      case "configure":
        this.#parts = new FrontParts(command, this.#materials, (report) => this.#send(report));
        this.#parts.start().catch((error: unknown) => this.#crash(error));
        break;
      case "reconfigure":
        this.#parts?.reconfigure(command).catch((error: unknown) => this.#crash(error));
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

  #send(report: FrontReport): void {
    this.#control.send(report);
  }

  #crash(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (this.#parts === undefined) process.stderr.write(`tunicorn front: ${text}\n`);
    else this.#parts.log.critical("the front failed and will be replaced", { error: text });
    this.#exit(EXIT_CRASHED);
  }

  #exit(code: number): never {
    this.#parts?.removeBodyFolder();
    process.exit(code);
  }
}
