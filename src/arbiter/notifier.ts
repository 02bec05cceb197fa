// What systemd is told of a service of Type=notify (sd_notify(3)): ready, reloading, stopping, a line of status, and that all is
// well as often as the unit's WatchdogSec wants it. How a datagram gets there is compose's business.

import type { Clock } from "../base/ports.ts";
import { type ArbiterView, countServing, countWanted, type Phase } from "./view.ts";

export interface NotifierOptions {
  readonly clock: Clock;
  readonly pid: number;
  /** Half of it passes between two signs of life; 0 when none are wanted. */
  readonly watchdogMs: number;
  send(text: string): void;
  /** Microseconds of CLOCK_MONOTONIC. */
  monotonicMicros(): bigint;
  /** All fronts answer. */
  areFrontsWell(timeoutMs: number): Promise<boolean>;
}

export class Notifier {
  readonly #options: NotifierOptions;
  #phase: Phase = "starting";
  #status = "";
  #view: ArbiterView | undefined;
  #isWatched = false;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  onTurn(view: ArbiterView): void {
    this.#view = view;
    const lines = [...this.#phaseLines(view.phase), ...this.#statusLines(view)];
    if (lines.length > 0) this.#options.send(lines.join("\n"));
    this.#phase = view.phase;
    if (view.phase !== "starting") this.#beginWatch();
  }

  #phaseLines(phase: Phase): string[] {
    if (phase === this.#phase) return [];
    switch (phase) {
      case "serving":
        return ["READY=1", `MAINPID=${this.#options.pid}`];
      case "reloading":
        return ["RELOADING=1", `MONOTONIC_USEC=${this.#options.monotonicMicros()}`];
      case "leaving":
        return ["STOPPING=1"];
      case "stopping":
        return this.#phase === "leaving" ? [] : ["STOPPING=1"];
      case "starting":
        return [];
    }
  }

  #statusLines(view: ArbiterView): string[] {
    const status = statusLine(view);
    if (status === this.#status) return [];
    this.#status = status;
    return [`STATUS=${status}`];
  }

  /** The first sign of life is due half an interval after the start of the watch. */
  #beginWatch(): void {
    const { watchdogMs, clock } = this.#options;
    if (this.#isWatched || watchdogMs === 0) return;
    this.#isWatched = true;
    clock.after(watchdogMs / 2, () => void this.#watch());
  }

  async #watch(): Promise<void> {
    const { watchdogMs, clock, send } = this.#options;
    clock.after(watchdogMs / 2, () => void this.#watch());
    if (await this.#isWell(watchdogMs / 4)) send("WATCHDOG=1");
  }

  /** A stop is bounded by itself; a server that serves must have fronts that answer, and workers behind them where it has applications. */
  async #isWell(timeoutMs: number): Promise<boolean> {
    const view = this.#view;
    if (view === undefined || view.phase === "stopping") return true;
    return (
      (view.apps.length === 0 || countServing(view) > 0) && (await this.#options.areFrontsWell(timeoutMs))
    );
  }
}

export function statusLine(view: ArbiterView): string {
  const workers =
    view.apps.length === 0
      ? "no applications"
      : `${countServing(view)} of ${countWanted(view)} workers serve`;
  const note = degradedNote(view);
  switch (view.phase) {
    case "starting":
      return `Starting: ${workers}`;
    case "serving":
      return `Serving: ${workers}${note}`;
    case "reloading":
      return `Reloading: ${workers}`;
    case "leaving":
      return `Stopping soon: ${workers}`;
    case "stopping":
      return "Stopping";
  }
}

/** sd_watchdog_enabled(3): the interval in milliseconds; 0 where none is meant for this process. */
export function watchdogMs(env: NodeJS.ProcessEnv, pid: number): number {
  const micros = Number(env["WATCHDOG_USEC"]);
  const isForUs = env["WATCHDOG_PID"] === undefined || env["WATCHDOG_PID"] === String(pid);
  return isForUs && Number.isSafeInteger(micros) && micros > 0 ? micros / 1000 : 0;
}

function degradedNote({ apps, isDegraded }: ArbiterView): string {
  if (!isDegraded) return "";
  const failing = apps.filter(({ phase }) => phase === "failing").map(({ name }) => name);
  if (failing.length > 0) return ` (does not start: ${failing.join(", ")})`;
  return " (the last reload failed; the code before it serves)";
}
