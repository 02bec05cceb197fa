// What a generation runs with, and where the next one's comes from: a configuration file may say something else by then.

import type { Config } from "../config/config.ts";
import type { SiteApplication } from "../config/site.ts";
import type { Evaluate, Evaluated } from "../control/messages.ts";
import type { Child, ChildSink, ChildSpec } from "./child.ts";

export interface Setup {
  readonly config: Config;
  /** Every setting as a configuration file would say it, for hooks. */
  readonly cfg: Readonly<Record<string, unknown>>;
  /** How its Python is started; without one as the application's first was. */
  readonly forkserverSpec?: ChildSpec | undefined;
}

export type SetupReading =
  | {
      readonly ok: true;
      readonly setup: Setup;
      /** Every application of the site, of which `setup` is the server's share. */
      readonly apps: readonly SiteApplication[];
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface SetupSource {
  /** What a forkserver runs before anything else; undefined where no file in Python configures. */
  readonly evaluate: Evaluate | undefined;
  /** Absolute paths of what is read. */
  readonly files: readonly string[];
  /** Reads everything anew. `evaluated`: what the file in Python said this time. */
  read(evaluated: Evaluated | undefined): SetupReading;
}

/** A forkserver that has evaluated the configuration file before there was an arbiter. */
export type AdoptForkserver = (sink: ChildSink) => Child;

/** What a new generation takes from its own Config. All else fronts and the arbiter have taken from theirs at the start. */
export const APPLIED_BY_RELOAD: ReadonlySet<string> = new Set<keyof Config>([
  ...(["app", "workers", "workerClass", "interface", "threads", "workerConnections"] as const),
  ...(["chdir", "pythonPath", "env", "umask", "preload", "fileWrapperDirect"] as const),
  ...(["loop", "loopBlockedMs", "lifespan", "lifespanTimeoutMs", "lifespanShutdownTimeoutMs"] as const),
  ...(["asgiDisconnectGraceMs", "gracefulTimeoutMs", "bootTimeoutMs"] as const),
  ...(["logConfig", "logConfigJson", "logConfigDict", "loggerClass", "captureOutput"] as const),
]);

/** A number of workers that is not elastic is its own bounds. */
const BOUNDS: ReadonlySet<string> = new Set<keyof Config>(["workersMin", "workersMax"]);

/** The Config's members that differ and that only a new start can change. */
export function changedButFixed(running: Config, wanted: Config): readonly string[] {
  const areBoundsFixed = isElastic(running) || isElastic(wanted);
  return (Object.keys(wanted) as (keyof Config)[]) // a Config has no others
    .filter((name) => !APPLIED_BY_RELOAD.has(name) && (areBoundsFixed || !BOUNDS.has(name)))
    .filter((name) => JSON.stringify(running[name]) !== JSON.stringify(wanted[name]));
}

function isElastic({ workersMin, workersMax }: Config): boolean {
  return workersMin < workersMax;
}
