// The arbiter's process: real listeners, processes, clock and signals joined, from the Config to an exit code.

import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withoutActivation } from "../arbiter/activation.ts";
import { Arbiter } from "../arbiter/arbiter.ts";
import type { AppOrder, ArbiterOptions, ArbiterPorts } from "../arbiter/arbiter-ports.ts";
import { CertificateKeeper } from "../arbiter/certificate-keeper.ts";
import { type ChildSpec, spawnChild } from "../arbiter/child.ts";
import { openControlListener } from "../arbiter/control-listener.ts";
import { siteProblem } from "../arbiter/front-site.ts";
import { ListenerKeeper } from "../arbiter/listener-keeper.ts";
import type { Listener, Place } from "../arbiter/listeners.ts";
import { listenToSignals } from "../arbiter/signals.ts";
import { watchFiles } from "../arbiter/watcher.ts";
import { systemClock } from "../base/system-clock.ts";
import type { Config } from "../config/config.ts";
import type { SiteApplication } from "../config/site.ts";
import { type ErrorLog, openErrorLogOf } from "../log/error-log.ts";
import { LogFileError, tryLogFile } from "../log/log-file.ts";
import { readOomKills } from "../os/cgroup.ts";
import { roomForWorkers } from "../os/memory.ts";
import type { PidFile } from "../os/pid-file.ts";
import { readProcessStat } from "../os/process-stat.ts";
import { readText } from "../os/read-text.ts";
import type { OpenedFile } from "./config-source.ts";
import { adoptActivation, Teller } from "./daemon.ts";
import { giveLogs, type Identity, identityOf } from "./identity.ts";
import { Operations } from "./operations.ts";
import { areActivated, openAll, openAnew, wantedPlaces } from "./own-listeners.ts";
import { isSuccessor, openPidFile, promote } from "./pid-file.ts";
import { FRONT_ROLE, MAIN_FILE, VERSION } from "./program.ts";
import { ordersOf, siteOf, titleOf } from "./site-source.ts";
import { afterPredecessor, Succession } from "./succession.ts";

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

/** Runs the server to its end and answers the exit code. Signals are heard once it listens; before, they have their usual effect. */
export async function runArbiter(run: ArbiterRun): Promise<number> {
  adoptActivation();
  const opened = openLogs(run.config);
  if (typeof opened === "string") return fail(opened);
  const teller = new Teller();
  const base = prepare(run, teller.around(opened), teller);
  if (base === undefined) return EXIT_CANNOT_START;
  return run.purpose === "check"
    ? serve(run, { ...base, listeners: keeperOf([], base) })
    : listenAndServe(run, base);
}

/** What there is before anything is opened. */
interface Base {
  readonly apps: readonly AppOrder[];
  readonly identity: Identity;
  /** Where to listen. */
  readonly places: readonly Place[];
  readonly certificates: CertificateKeeper;
  readonly log: ErrorLog;
  readonly teller: Teller;
}

/** Undefined, after a clear line in the log, when something stands in the way. */
function prepare(run: ArbiterRun, log: ErrorLog, teller: Teller): Base | undefined {
  const { config } = run;
  for (const warning of run.warnings) log.warning(warning);
  for (const note of run.notes) log.info(note);
  const orders = ordersOf(run.apps, run.file);
  if (!orders.ok) {
    for (const problem of orders.problems) log.error(problem, { step: "interpreter" });
    return undefined;
  }
  const problem = siteProblem(config, orders.apps);
  if (problem !== undefined) {
    log.error(problem);
    return undefined;
  }
  nameProcess(config, run.apps);
  const identity = identityOf(config, log);
  if (identity === undefined) return undefined;
  giveLogs(config, identity, log);
  const places = wantedPlaces(config);
  const certificates = new CertificateKeeper(places, systemClock, log);
  return certificates.readAll()
    ? { apps: orders.apps, identity, places, certificates, log, teller }
    : undefined;
}

/** The pid file is there for as long as the server is. */
async function listenAndServe(run: ArbiterRun, base: Base): Promise<number> {
  const { config } = run;
  const { places, log } = base;
  const pidFile = openPidFile(config, log);
  if (pidFile === "failed") return EXIT_CANNOT_START;
  try {
    const listeners = await openAll(config, places, log);
    if (listeners === undefined) return EXIT_CANNOT_START;
    return await serve(run, { ...base, pidFile, listeners: keeperOf(listeners, base) });
  } finally {
    pidFile?.remove();
  }
}

function keeperOf(listeners: readonly Listener[], { certificates }: Base): ListenerKeeper {
  return new ListenerKeeper({ listeners, areActivated: areActivated(), certificates, open: openAnew });
}

/** What there is before the arbiter. */
interface Foundation extends Base {
  readonly listeners: ListenerKeeper;
  readonly pidFile?: PidFile | undefined;
}

async function serve(run: ArbiterRun, foundation: Foundation): Promise<number> {
  const { config, purpose } = run;
  const { listeners, identity, log, teller, pidFile } = foundation;
  const operations = new Operations({ config, log, listeners });
  const arbiter = new Arbiter(optionsOf(run, foundation), {
    ...portsOf(run, foundation),
    watch: (view) => {
      operations.watch(view);
      teller.onView(view);
    },
    useConfig: (wanted) => {
      giveLogs(wanted, identity, log);
      log.reconfigure(wanted);
      operations.reconfigure(wanted, arbiter);
      nameProcess(wanted, run.apps);
    },
  });
  const stopListening = listenToSignals((signal) => arbiter.signal(signal));
  if (purpose === "serve") await operations.begin(arbiter, { isSuccessor: isSuccessor() });
  if (isSuccessor())
    afterPredecessor(() => {
      if (pidFile !== undefined) promote(pidFile, config.pidFile, log);
      void operations.afterPredecessor(arbiter);
    });
  const exitCode = await arbiter.run();
  operations.end();
  stopListening();
  log.close();
  return exitCode;
}

function optionsOf({ config, purpose, file }: ArbiterRun, foundation: Foundation): ArbiterOptions {
  const { apps, listeners, identity } = foundation;
  const env = withoutActivation(process.env);
  return {
    config,
    apps,
    site: siteOf(file),
    purpose,
    listeners,
    version: VERSION,
    frontSpec: frontSpec(config, env, identity),
  };
}

/** The real world, but for those who watch. */
function portsOf({ argv }: ArbiterRun, { listeners, certificates, log }: Foundation): ArbiterPorts {
  return {
    clock: systemClock,
    log,
    spawn: spawnChild,
    succession: new Succession(argv, listeners, log),
    roomForWorkers: (pids) => roomForWorkers(readText, pids),
    openControl: (sink) => openControlListener(sink, log),
    killOrphan: killIfThere,
    oomKills: () => readOomKills(readText),
    sightOf: (pid) => readProcessStat(readText, pid),
    nameBodyFolder: () => join(tmpdir(), `tunicorn-${process.pid}-${randomBytes(8).toString("hex")}`),
    removeFolder: (path) => rmSync(path, { recursive: true, force: true }),
    reopenLogs: () => log.reopen(),
    certificates,
    watchFiles,
  };
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
