// What the arbiter is given: what it shall run, its doors to the world, and what happens to it.

import type { Clock } from "../base/ports.ts";
import type { Config } from "../config/config.ts";
import type { ForkserverReport, FrontReport, WorkerReport } from "../control/messages.ts";
import type { Log } from "../log/log.ts";
import type { AppKeeper } from "./app-keeper.ts";
import type { ProcessSight } from "./boot-watch.ts";
import type { CertificateKeeper } from "./certificate-keeper.ts";
import type { ChildExit, ChildSpec, SpawnChild } from "./child.ts";
import type { ControlListener } from "./control-listener.ts";
import type { ForkserverHandle } from "./forkserver-handle.ts";
import type { FrontHandle } from "./front-handle.ts";
import type { ListenerKeeper } from "./listener-keeper.ts";
import type { AdoptForkserver, Setup, SetupSource } from "./setup.ts";
import type { ArbiterSignal } from "./signals.ts";
import type { ArbiterView } from "./view.ts";
import type { Watch } from "./watcher.ts";
import type { WorkerHandle, WorkerSink } from "./worker-handle.ts";

/** An application as it is when the server starts, or when it is added. */
export interface AppOrder extends Setup {
  readonly name: string;
  /** Where a reload finds its settings; without one they stay. */
  readonly source?: SetupSource | undefined;
  /** Gives the first forkserver, where it had to run before the listeners were opened. */
  readonly adoptForkserver?: AdoptForkserver | undefined;
  readonly forkserverSpec: ChildSpec;
}

/** Where a reload finds the whole site; all of it can be used, or nothing changes. */
export interface SiteSource {
  /** Absolute paths of what is read. */
  readonly files: readonly string[];
  read(): SiteReading;
}

export interface UsableSite {
  readonly ok: true;
  readonly config: Config;
  readonly apps: readonly AppOrder[];
  readonly warnings: readonly string[];
}

export type SiteReading = UsableSite | { readonly ok: false; readonly problems: readonly string[] };

/** What applications have in common. */
export interface ServerFacts {
  readonly version: string;
  /** `check` boots one worker of each application without listeners and fronts, and ends. */
  readonly purpose: "serve" | "check";
  readonly listeners: ListenerKeeper;
}

export interface ArbiterOptions extends ServerFacts {
  /** The server's own settings; each application has its own besides. */
  readonly config: Config;
  /** None where routes lead to files, redirections and fixed responses alone. */
  readonly apps: readonly AppOrder[];
  /** Without one each application looks for its own settings (`AppOrder.source`). */
  readonly site?: SiteSource | undefined;
  readonly frontSpec: ChildSpec;
}

export interface ArbiterPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly spawn: SpawnChild;
  /** One for each application. */
  openControl(sink: WorkerSink): Promise<ControlListener>;
  /** SIGKILL to a worker whose forkserver is dead and whose control connection is open. */
  killOrphan(pid: number): void;
  /** A name that nobody can guess. The folder is made by who needs it. */
  nameBodyFolder(): string;
  removeFolder(path: string): void;
  reopenLogs(): void;
  /** Other settings of the server count from now on: for its own process, log and metrics. */
  useConfig?(config: Config): void;
  /** Where a listener speaks TLS. */
  readonly certificates?: CertificateKeeper;
  /** How many processes of this control group the kernel has killed for memory. */
  readonly oomKills?: () => number | undefined;
  /** What the machine says of a worker; without it nobody is given more time than the boot timeout. */
  readonly sightOf?: (pid: number) => ProcessSight | undefined;
  /** A new server on the same sockets (SIGUSR2). */
  readonly succession?: { begin(): void; readonly isUnderWay: boolean };
  /** Only asked with --reload. */
  readonly watchFiles?: Watch;
  /** Told after each turn of the loop. */
  watch?(view: ArbiterView): void;
  /** Whether memory holds one more worker like these. */
  roomForWorkers?(pids: readonly number[]): number;
}

export type ArbiterEvent =
  | { readonly type: "start" }
  | { readonly type: "time" }
  | { readonly type: "signal"; readonly signal: ArbiterSignal }
  /** What a site wants to listen on was opened, or has problems. */
  | { readonly type: "site-admitted"; readonly site: UsableSite; readonly problems: readonly string[] }
  /** Fronts have let go of addresses over which others lie, and those were opened, or have problems. */
  | { readonly type: "late-listeners"; readonly problems: readonly string[] }
  /** New code for one application. */
  | { readonly type: "reload"; readonly app: AppKeeper }
  | { readonly type: "scale"; readonly app: AppKeeper; readonly workers: number }
  | { readonly type: "app"; readonly app: AppKeeper; readonly event: AppEvent }
  | { readonly type: "front-report"; readonly from: FrontHandle; readonly report: FrontReport }
  | { readonly type: "front-gone"; readonly from: FrontHandle; readonly exit: ChildExit };

/** What happens to one application. */
export type AppEvent =
  | { readonly type: "file-changed"; readonly file: string }
  /** What its configuration file wants to listen on was opened, or has problems. */
  | { readonly type: "admitted"; readonly from: ForkserverHandle; readonly problems: readonly string[] }
  | { readonly type: "forkserver-report"; readonly from: ForkserverHandle; readonly report: ForkserverReport }
  | { readonly type: "forkserver-gone"; readonly from: ForkserverHandle; readonly exit: ChildExit }
  | { readonly type: "worker-hello"; readonly from: WorkerHandle }
  | { readonly type: "worker-report"; readonly from: WorkerHandle; readonly report: WorkerReport }
  | { readonly type: "worker-gone"; readonly from: WorkerHandle };
