// Who watches the arbiter: systemd, a metrics server, operators on the control socket. Each is there only where it is asked for.

import { existsSync, writeSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { NOTIFY_FD_VARIABLE } from "../arbiter/activation.ts";
import type { Arbiter } from "../arbiter/arbiter.ts";
import { ControlCommands } from "../arbiter/control-commands.ts";
import { type ControlServer, openControlServer } from "../arbiter/control-server.ts";
import type { ListenerKeeper } from "../arbiter/listener-keeper.ts";
import { Notifier, watchdogMs } from "../arbiter/notifier.ts";
import { type ArbiterView, countServing } from "../arbiter/view.ts";
import { systemClock } from "../base/system-clock.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../log/log.ts";
import { WORKERS } from "../metrics/gunicorn.ts";
import { StatsdSender } from "../metrics/statsd-sender.ts";
import { readText } from "../os/read-text.ts";
import { readSharedMemory } from "../os/shared-memory.ts";
import { defaultControlPath } from "./control-place.ts";
import { VERSION } from "./program.ts";

export interface OperationsOptions {
  readonly config: Config;
  readonly log: Log;
  readonly listeners: ListenerKeeper;
}

export class Operations {
  readonly #options: OperationsOptions;
  readonly #startedAtMs: number = systemClock.nowMs();
  readonly #watchers: ((view: ArbiterView) => void)[] = [];
  #control: ControlServer | undefined;
  #hasEnded = false;
  #statsd: StatsdSender | undefined;
  #statsdConfig: Config["statsd"];
  #servingTold = -1;

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.#statsdConfig = options.config.statsd;
  }

  readonly watch = (view: ArbiterView): void => {
    for (const watcher of this.#watchers) watcher(view);
  };

  /** To be called before the arbiter runs. A server that USR2 started finds its predecessor at the control socket. */
  async begin(arbiter: Arbiter, { isSuccessor }: { readonly isSuccessor: boolean }): Promise<void> {
    this.#notifySystemd(arbiter);
    this.#openStatsd(this.#options.config.statsd, arbiter);
    this.#watchers.push((view) => this.#measureWorkers(view));
    await this.#openControl(arbiter, isSuccessor ? "info" : "error");
  }

  /** The server that answered at the control socket's path is gone. */
  async afterPredecessor(arbiter: Arbiter): Promise<void> {
    if (this.#control === undefined && !this.#hasEnded) await this.#openControl(arbiter, "error");
  }

  end(): void {
    this.#hasEnded = true;
    this.#control?.close();
    this.#statsd?.close();
  }

  #notifySystemd(arbiter: Arbiter): void {
    const { env, pid } = process;
    const address = env["NOTIFY_SOCKET"] ?? "";
    const fd = Number(env[NOTIFY_FD_VARIABLE]);
    delete env[NOTIFY_FD_VARIABLE];
    if (address === "") return;
    const hasFd = Number.isSafeInteger(fd) && fd > 2;
    if (!hasFd) {
      const advice = "set NotifyAccess=all in the unit";
      this.#options.log.warning("systemd is told by a child process", { advice });
    }
    const notifier = new Notifier({
      clock: systemClock,
      pid,
      watchdogMs: watchdogMs(env, pid),
      send: (text) => (hasFd ? sayTo(fd, text) : arbiter.sendDatagram(address, text)),
      monotonicMicros: () => process.hrtime.bigint() / 1_000n,
      areFrontsWell: async (timeoutMs) => {
        const answers = await arbiter.askFronts("status", timeoutMs);
        return answers.length > 0 && answers.every((answer) => answer !== undefined);
      },
    });
    this.#watchers.push((view) => notifier.onTurn(view));
  }

  /** The server's settings are others from now on; where it is controlled stays. */
  reconfigure({ statsd }: Config, arbiter: Arbiter): void {
    if (isDeepStrictEqual(statsd, this.#statsdConfig)) return;
    this.#statsd?.close();
    this.#openStatsd(statsd, arbiter);
  }

  #openStatsd(config: Config["statsd"], arbiter: Arbiter): void {
    this.#statsdConfig = config;
    this.#servingTold = -1;
    this.#lookForTaker(config);
    if (config.target.kind === "off") this.#statsd = undefined;
    else
      this.#statsd = new StatsdSender({
        config,
        clock: systemClock,
        sendUnix: (address, text) => arbiter.sendDatagram(address, text),
        onProblem: (problem) => this.#options.log.warning("metrics cannot be sent", { problem }),
      });
  }

  /** What goes to a Unix socket is lost without a word, since nobody waits for it: so a wrong path is told of here. */
  #lookForTaker({ target }: Config["statsd"]): void {
    if (target.kind !== "unix" || existsSync(target.path)) return;
    this.#options.log.warning("metrics cannot be sent yet: there is no such socket", { path: target.path });
  }

  #measureWorkers(view: ArbiterView): void {
    const serving = countServing(view);
    if (serving === this.#servingTold || this.#statsd === undefined) return;
    this.#servingTold = serving;
    this.#statsd.batch.gauge(WORKERS, serving);
    this.#statsd.want();
  }

  async #openControl(arbiter: Arbiter, failureLevel: "info" | "error"): Promise<void> {
    const { config, log, listeners } = this.#options;
    const { isWanted, path: said, mode } = config.controlSocket;
    if (!isWanted) return;
    const path = said === "" ? defaultControlPath(process.env) : said;
    if (path === undefined) {
      log.debug("no control socket", { reason: "no runtime folder can be written" });
      return;
    }
    const nowMs = (): number => systemClock.nowMs();
    const commands = new ControlCommands({
      arbiter,
      version: VERSION,
      pid: process.pid,
      startedAtMs: this.#startedAtMs,
      addresses: () => listeners.current.map(({ served }) => served.address),
      nowMs,
      sharedMemoryOf: (pid) => readSharedMemory(readText, pid),
    });
    try {
      this.#control = await openControlServer({ path, mode, log, answer: (line) => commands.answer(line) });
      log.info("Control socket", { path });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log[said === "" ? "info" : failureLevel]("no control socket", { path, reason });
    }
  }
}

/** What systemd does not take at once is lost: a server must never wait for it. */
function sayTo(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch {
    // Its socket is full or gone; the next state says more than this one.
  }
}
