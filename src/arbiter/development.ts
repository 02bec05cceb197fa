// Development (--reload): what the arbiter remembers of code that comes and goes while it runs. Times are milliseconds.
//
//     starting ──ready──► serving ──a file changed──► starting, as a new generation
//         └──boot failed──► broken ──a file changed──► starting, as a new generation

import type { ReloadConfig } from "../config/config.ts";
import type { BootFailure, FrontCommand, WorkerReport } from "../control/messages.ts";
import type { Log } from "../log/log.ts";
import type { Watch, Watcher } from "./watcher.ts";

export type AppBroken = Omit<Extract<FrontCommand, { readonly type: "app-broken" }>, "app">;
export type AppMended = Omit<Extract<FrontCommand, { readonly type: "app-mended" }>, "app">;

/** A request of the old code may finish within so long; one that can be repeated is given to the new code. */
export const OLD_CODE_MS = 2_000;
/** Files that change without a pause (a build, a checkout) hold the new start up no longer. */
const REST_MAX_MS = 5_000;
const REPORTS_MAX = 16;

export interface DevelopmentWorld {
  readonly log: Log;
  onChange(file: string): void;
  /** Clients are told by the fronts. */
  tell(state: AppBroken | AppMended): void;
}

export class Development {
  readonly #delayMs: number;
  readonly #watcher: Watcher;
  readonly #world: DevelopmentWorld;
  /** What failed workers told of their exceptions, by pid. */
  readonly #reports = new Map<number, string>();
  #breakage: AppBroken | undefined;
  #changedAtMs = Number.NEGATIVE_INFINITY;
  #restUntilMs = Number.NEGATIVE_INFINITY;

  constructor(config: ReloadConfig, watch: Watch, world: DevelopmentWorld) {
    this.#delayMs = config.delayMs;
    this.#world = world;
    this.#watcher = watch(config, (file) => world.onChange(file), world.log);
  }

  /** Why nothing serves; undefined while something does or may. */
  get breakage(): AppBroken | undefined {
    return this.#breakage;
  }

  onReport(pid: number, report: WorkerReport): void {
    if (report.type === "modules") this.#watcher.addModules(report.files);
    else if (report.type === "failure") this.#noteReport(pid, report.report);
  }

  #noteReport(pid: number, report: string): void {
    this.#reports.set(pid, report);
    const [oldest] = this.#reports.keys();
    if (this.#reports.size > REPORTS_MAX && oldest !== undefined) this.#reports.delete(oldest);
  }

  /** The worker `pid` of the newest code did not start: nobody serves until a file changes, and clients are told why. */
  broke(pid: number, { message, hint, traceback }: BootFailure): void {
    const report = this.#reports.get(pid) ?? "";
    this.#breakage = { type: "app-broken", message, hint, traceback, report };
    this.#world.tell(this.#breakage);
  }

  /** Nothing is started before the files have rested. */
  postpone(nowMs: number): void {
    if (nowMs > this.#restUntilMs) this.#changedAtMs = nowMs;
    this.#restUntilMs = Math.min(nowMs + this.#delayMs, this.#changedAtMs + REST_MAX_MS);
  }

  startsAnew(): void {
    this.#breakage = undefined;
    this.#reports.clear();
    this.#world.tell({ type: "app-mended" });
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
