// Development (--reload): what the arbiter remembers of code that comes and goes while it runs. Times are milliseconds.
//
//     starting ──ready──► serving ──a file changed──► starting, as a new generation
//         └──boot failed──► broken ──a file changed──► starting, as a new generation

import type { ReloadConfig } from "../config/config.ts";
import type { BootFailure, FrontCommand } from "../control/messages.ts";
import type { Log } from "../log/log.ts";
import type { Watch, Watcher } from "./watcher.ts";

export type AppBroken = Extract<FrontCommand, { readonly type: "app-broken" }>;

/** A request of the old code may finish within so long; one that can be repeated is given to the new code. */
export const OLD_CODE_MS = 2_000;
/** Files that change without a pause (a build, a checkout) hold the new start up no longer. */
const REST_MAX_MS = 5_000;
const REPORTS_MAX = 16;

export class Development {
  readonly #delayMs: number;
  readonly #watcher: Watcher;
  /** What failed workers told of their exceptions, by pid. */
  readonly #reports = new Map<number, string>();
  #breakage: AppBroken | undefined;
  #changedAtMs = Number.NEGATIVE_INFINITY;
  #restUntilMs = Number.NEGATIVE_INFINITY;

  constructor(config: ReloadConfig, watch: Watch, onChange: (file: string) => void, log: Log) {
    this.#delayMs = config.delayMs;
    this.#watcher = watch(config, onChange, log);
  }

  /** Why nothing serves; undefined while something does or may. */
  get breakage(): AppBroken | undefined {
    return this.#breakage;
  }

  addModules(files: readonly string[]): void {
    this.#watcher.addModules(files);
  }

  noteReport(pid: number, report: string): void {
    this.#reports.set(pid, report);
    const [oldest] = this.#reports.keys();
    if (this.#reports.size > REPORTS_MAX && oldest !== undefined) this.#reports.delete(oldest);
  }

  /** The worker `pid` of the newest code did not start. */
  broke(pid: number, { message, hint, traceback }: BootFailure): AppBroken {
    const report = this.#reports.get(pid) ?? "";
    this.#breakage = { type: "app-broken", message, hint, traceback, report };
    return this.#breakage;
  }

  /** Nothing is started before the files have rested. */
  postpone(nowMs: number): void {
    if (nowMs > this.#restUntilMs) this.#changedAtMs = nowMs;
    this.#restUntilMs = Math.min(nowMs + this.#delayMs, this.#changedAtMs + REST_MAX_MS);
  }

  startsAnew(): void {
    this.#breakage = undefined;
    this.#reports.clear();
  }

  /** When seats may be filled. */
  forkNotBeforeMs(seats: number, backoff: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
    const moments = Array.from({ length: seats }, (_, nr): [number, number] => [
      nr,
      Math.max(this.#restUntilMs, backoff.get(nr) ?? Number.NEGATIVE_INFINITY),
    ]);
    return new Map(moments);
  }

  close(): void {
    this.#watcher.close();
  }
}
