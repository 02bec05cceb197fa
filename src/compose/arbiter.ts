// The arbiter's process: real listeners, processes, clock and signals joined, from the Config to an exit code.

import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ACTIVATED_VARIABLE, activatedAddresses, withoutActivation } from "../arbiter/activation.ts";
import { Arbiter } from "../arbiter/arbiter.ts";
import type { AppOrder } from "../arbiter/arbiter-ports.ts";
import { CertificateKeeper } from "../arbiter/certificate-keeper.ts";
import { type ChildSpec, spawnChild } from "../arbiter/child.ts";
import { openControlListener } from "../arbiter/control-listener.ts";
import { ListenError } from "../arbiter/listen-error.ts";
import { ListenerKeeper } from "../arbiter/listener-keeper.ts";
import {
  type Listener,
  onActivated,
  openListener,
  openListeners,
  type Place,
  type SocketOptions,
  takeOver,
} from "../arbiter/listeners.ts";
import { listenToSignals } from "../arbiter/signals.ts";
import { watchFiles } from "../arbiter/watcher.ts";
import { systemClock } from "../base/system-clock.ts";
import type { Config } from "../config/config.ts";
import type { Address, ListenerConfig } from "../config/listener.ts";
import type { SiteApplication } from "../config/site.ts";
import { type ErrorLog, openErrorLogOf } from "../log/error-log.ts";
import type { Log } from "../log/log.ts";
import { LogFileError, tryLogFile } from "../log/log-file.ts";
import { groupId, userId } from "../os/account.ts";
import { readOomKills } from "../os/cgroup.ts";
import { roomForWorkers } from "../os/memory.ts";
import { describePortOwner } from "../os/port-owner.ts";
import { readProcessStat } from "../os/process-stat.ts";
import { readText } from "../os/read-text.ts";
import type { OpenedFile } from "./config-source.ts";
import { adoptActivation, Teller } from "./daemon.ts";
import { giveLogs, type Identity, identityOf } from "./identity.ts";
import { Operations } from "./operations.ts";
import { isSuccessor, openPidFile, promote } from "./pid-file.ts";
import { FRONT_ROLE, MAIN_FILE, VERSION } from "./program.ts";
import { ordersOf, siteOf, titleOf } from "./site-source.ts";
import { afterPredecessor, inherited, Succession } from "./succession.ts";

export interface ArbiterRun {
  /** The server's own. */
  readonly config: Config;
  readonly apps: readonly SiteApplication[];
  readonly purpose: "serve" | "check";
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
  /** The configuration file, if there is one. */
  readonly file: OpenedFile | undefined;
  /** For a new server in this one's place. */
  readonly argv: readonly string[];
}

/** gunicorn's: 1 for what stands in the way before any worker exists. */
const EXIT_CANNOT_START = 1;
/** A port may still be held by a server that is about to end. */
const LISTEN_RETRIES = 5;
const LISTEN_RETRY_MS = 1_000;

/** Runs the server to its end and answers the exit code. Signals are heard from the first moment. */
export async function runArbiter(run: ArbiterRun): Promise<number> {
  adoptActivation();
  const opened = openLogs(run.config);
  if (typeof opened === "string") return fail(opened);
  const teller = new Teller();
  const log = teller.around(opened);
  for (const warning of run.warnings) log.warning(warning);
  for (const note of run.notes) log.info(note);
  const orders = ordersOf(run.apps, run.file);
  if (!orders.ok) {
    for (const problem of orders.problems) log.error(problem, { step: "interpreter" });
    return EXIT_CANNOT_START;
  }
  nameProcess(run.config, run.apps);
  const identity = identityOf(run.config, log);
  if (identity === undefined) return EXIT_CANNOT_START;
  giveLogs(run.config, identity, log);
  const wanted = wantedListeners(run.config).map((settings, id) => ({ id, settings }));
  const certificates = new CertificateKeeper(wanted, systemClock, log);
  if (!certificates.readAll()) return EXIT_CANNOT_START;
  const base = { apps: orders.apps, identity, certificates, log, teller };
  const keep = (listeners: readonly Listener[]): ListenerKeeper =>
    new ListenerKeeper({ listeners, areActivated: areActivated(), certificates, open: openAnew });
  if (run.purpose === "check") return serve(run, { ...base, listeners: keep([]), promoted: () => {} });
  const pidFile = openPidFile(run.config, log);
  if (pidFile === "failed") return EXIT_CANNOT_START;
  const listeners = await listen(run.config, wanted, log);
  if (listeners !== undefined) {
    const promoted = (): void => {
      if (pidFile !== undefined) promote(pidFile, run.config.pidFile, log);
    };
    const exitCode = await serve(run, { ...base, listeners: keep(listeners), promoted });
    pidFile?.remove();
    return exitCode;
  }
  pidFile?.remove();
  return EXIT_CANNOT_START;
}

/** What there is before the arbiter. */
interface Foundation {
  readonly apps: readonly AppOrder[];
  readonly identity: Identity;
  readonly listeners: ListenerKeeper;
  readonly certificates: CertificateKeeper;
  readonly log: ErrorLog;
  readonly teller: Teller;
  /** The server that started this one is gone, and this one has its place. */
  promoted(): void;
}

async function serve(run: ArbiterRun, foundation: Foundation): Promise<number> {
  const { apps, identity, listeners, certificates, log, teller } = foundation;
  const env = withoutActivation(process.env);
  const { config, purpose, file } = run;
  const operations = new Operations({ config, log, listeners });
  const arbiter = new Arbiter(
    {
      config,
      apps,
      site: siteOf(file),
      purpose,
      listeners,
      version: VERSION,
      frontSpec: frontSpec(config, env, identity),
    },
    {
      clock: systemClock,
      log,
      spawn: spawnChild,
      watch: (view) => {
        operations.watch(view);
        teller.onView(view);
      },
      succession: new Succession(run.argv, listeners, log),
      roomForWorkers: (pids) => roomForWorkers(readText, pids),
      openControl: (sink) => openControlListener(sink, log),
      killOrphan: killIfThere,
      oomKills: () => readOomKills(readText),
      sightOf: (pid) => readProcessStat(readText, pid),
      nameBodyFolder: () => join(tmpdir(), `tunicorn-${process.pid}-${randomBytes(8).toString("hex")}`),
      removeFolder: (path) => rmSync(path, { recursive: true, force: true }),
      reopenLogs: () => log.reopen(),
      useConfig: (wanted) => {
        giveLogs(wanted, identity, log);
        log.reconfigure(wanted);
        operations.reconfigure(wanted, arbiter);
        nameProcess(wanted, run.apps);
      },
      certificates,
      watchFiles,
    },
  );
  const stopListening = listenToSignals((signal) => arbiter.signal(signal));
  if (purpose === "serve") await operations.begin(arbiter, { isSuccessor: isSuccessor() });
  if (isSuccessor())
    afterPredecessor(() => {
      foundation.promoted();
      void operations.afterPredecessor(arbiter);
    });
  const exitCode = await arbiter.run();
  operations.end();
  stopListening();
  log.close();
  return exitCode;
}

function frontSpec(config: Config, env: NodeJS.ProcessEnv, identity: Identity): ChildSpec {
  const isPerRequest = config.listeners.some(({ protocol }) => protocol === "uwsgi" || protocol === "scgi");
  const semiSpaceMb = isPerRequest ? SEMI_SPACE_PER_REQUEST_MB : SEMI_SPACE_MB;
  const args = [...FRONT_FLAGS, `--max-semi-space-size=${semiSpaceMb}`, MAIN_FILE, FRONT_ROLE];
  return { command: process.execPath, args, env, stdin: "ignore", ...identity };
}

const FRONT_FLAGS: readonly string[] = ["--disable-warning=ExperimentalWarning"];
/**
 * Requests live for milliseconds: a small young generation collects as cheaply, in less memory
 * (docs/decisions/0008-memory-of-the-tree.md). Where each brings a connection of its own, too much lives at a time for that.
 */
const SEMI_SPACE_MB = 4;
const SEMI_SPACE_PER_REQUEST_MB = 8;

function nameProcess({ procName }: Config, apps: readonly SiteApplication[]): void {
  process.title = `tunicorn: arbiter [${procName === "" ? titleOf(apps) : procName}]`;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // ESRCH: it ended between its last word and this.
  }
}

// ---- before the arbiter

/** The access log is the fronts' to write: here it is only tried, so that a fault is told before anything runs. */
function openLogs(config: Config): ErrorLog | string {
  try {
    tryLogFile(config.accessLog, 1);
    return openErrorLogOf(config, process.pid);
  } catch (error) {
    if (error instanceof LogFileError) return error.message;
    throw error;
  }
}

function fail(problem: string): number {
  process.stderr.write(`tunicorn: error: ${problem}\n`);
  return EXIT_CANNOT_START;
}

/** What is to be spoken, on which sockets, in their order. */
function wantedListeners({ listeners }: Config): readonly ListenerConfig[] {
  const handedOver = inherited(process.env)?.map(({ fd }): Address => ({ kind: "fd", fd }));
  const opened = handedOver ?? activatedAddresses(process.env, process.pid);
  return opened.length > 0 ? onActivated(opened, listeners) : listeners;
}

/** Undefined, after a clear line in the log, when an address cannot be had. */
async function listen(
  config: Config,
  wanted: readonly Place[],
  log: Log,
): Promise<readonly Listener[] | undefined> {
  const options = socketOptions(config);
  if (options === undefined) {
    const { user, group } = config.unixSocket;
    log.error("the owner of Unix sockets does not exist here", { user, group });
    return undefined;
  }
  const handedOver = inherited(process.env);
  if (handedOver !== undefined) return takeOver(handedOver, config.listeners);
  for (let retriesLeft = LISTEN_RETRIES; ; retriesLeft -= 1) {
    try {
      return await openListeners(wanted, options);
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      if (!error.isWorthRetrying || retriesLeft === 0) {
        log.error(error.message, { code: error.code });
        return undefined;
      }
      log.error(`${error.message}${describePortOwner(error.port)}; trying again in 1 second`);
      await new Promise((resolve) => setTimeout(resolve, LISTEN_RETRY_MS));
    }
  }
}

/** For a reload, which tries once: whoever ordered it can order it again. */
async function openAnew(place: Place, config: Config): Promise<Listener> {
  const options = socketOptions(config);
  if (options !== undefined) return openListener(place, options);
  const { address } = place.settings;
  throw new ListenError("UNKNOWN_OWNER", address.kind === "unix" ? `unix:${address.path}` : address.kind, 0);
}

function areActivated(): boolean {
  const { env, pid } = process;
  if (inherited(env) !== undefined) return env[ACTIVATED_VARIABLE] !== undefined;
  return activatedAddresses(env, pid).length > 0;
}

function socketOptions(config: Config): SocketOptions | undefined {
  const { mode, user, group } = config.unixSocket;
  const [uid, gid] = [userId(user, readText), groupId(group, readText)];
  return uid === undefined || gid === undefined ? undefined : { mode, uid, gid, reusePort: config.reusePort };
}
