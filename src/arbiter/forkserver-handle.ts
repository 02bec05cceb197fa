// A forkserver as the arbiter sees it: the only parent of workers, and the one who signals and reaps them.
// With python/ this file alone knows that workers are Python.

import { delimiter } from "node:path";
import type { Clock, Timer } from "../base/ports.ts";
import type { Config } from "../config/config.ts";
import type {
  Evaluate,
  ForkserverCommand,
  ForkserverReport,
  HookCall,
  PythonSettings,
} from "../control/messages.ts";
import { readForkserverReport } from "../control/shapes.ts";
import { wantsColors } from "../log/color.ts";
import type { Log } from "../log/log.ts";
import type { Child, ChildExit, ChildSpec, SpawnChild } from "./child.ts";

export interface ForkserverSink {
  onForkserverReport(forkserver: ForkserverHandle, report: ForkserverReport): void;
  onForkserverGone(forkserver: ForkserverHandle, exit: ChildExit): void;
}

export interface ForkserverWorld {
  readonly clock: Clock;
  readonly log: Log;
}

export interface ForkserverOrder {
  readonly generation: number;
  readonly spec: ChildSpec;
  /** To be run first. Without one, whoever made the handle configures it at once. */
  readonly evaluate: Evaluate | undefined;
  /** From the start to `configured`: evaluating the configuration file and preloading the application. */
  readonly bootTimeoutMs: number;
}

/**
 *     starting ──► configured ──► stopping ──► gone
 */
export type ForkserverState = "starting" | "configured" | "stopping" | "gone";

export type Configure = Extract<ForkserverCommand, { readonly type: "configure" }>;

export class ForkserverHandle {
  readonly generation: number;
  readonly command: string;
  readonly #child: Child;
  readonly #deadline: Timer;
  #state: ForkserverState = "starting";

  constructor(order: ForkserverOrder, spawn: SpawnChild, sink: ForkserverSink, world: ForkserverWorld) {
    const { log } = world;
    this.generation = order.generation;
    this.command = order.spec.command;
    this.#child = spawn(order.spec, {
      onLine: (line) => {
        const reading = readForkserverReport(line);
        if (reading.kind === "report") this.#onReport(reading.report, sink);
        else log.debug("message from the forkserver ignored", { pid: this.pid, type: line.type });
      },
      onGone: (exit) => {
        this.#state = "gone";
        this.#deadline.cancel();
        sink.onForkserverGone(this, exit);
      },
    });
    this.#deadline = world.clock.after(order.bootTimeoutMs, () => this.#onBootTimeout(log));
    if (order.evaluate !== undefined) this.#send(order.evaluate);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get state(): ForkserverState {
    return this.#state;
  }

  configure(command: Configure): void {
    this.#send(command);
  }

  /** The hook itself is called there, if the configuration file has it. */
  callHook(call: HookCall): void {
    if (this.#state === "configured") this.#send({ type: "hook", ...call });
  }

  /** Text for a Unix datagram socket, which Node cannot open. */
  sendDatagram(address: string, text: string): void {
    this.#send({ type: "datagram", address, text });
  }

  fork(nr: number, age: number): void {
    this.#send({ type: "fork", nr, age });
  }

  signal(pid: number, signal: string): void {
    this.#send({ type: "signal", pid, signal });
  }

  /** What the worker is doing, though it cannot say so. */
  dump(pid: number, id: number): void {
    this.#send({ type: "dump", pid, id });
  }

  /** It ends when its last worker was reaped and `calls` were made. Harmless when repeated. */
  stop(calls: readonly HookCall[] = []): void {
    if (this.#state === "stopping" || this.#state === "gone") return;
    this.#state = "stopping";
    this.#send({ type: "stop", calls });
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #onReport(report: ForkserverReport, sink: ForkserverSink): void {
    if (report.type === "configured" && this.#state === "starting") this.#state = "configured";
    if (report.type === "configured") this.#deadline.cancel();
    sink.onForkserverReport(this, report);
  }

  #onBootTimeout(log: Log): void {
    log.error("the forkserver was not ready in time", { pid: this.pid, generation: this.generation });
    this.kill();
  }

  #send(command: ForkserverCommand): void {
    this.#child.send(command);
  }
}

export interface Interpreter {
  readonly command: string;
  /** The folder that holds the package tunicorn_worker. */
  readonly packageFolder: string;
}

/** How a forkserver is started. It takes its own folder out of PYTHONPATH again, so the app never sees it. */
export function forkserverSpec({ command, packageFolder }: Interpreter, env: NodeJS.ProcessEnv): ChildSpec {
  const inherited = env["PYTHONPATH"];
  const pythonPath = inherited === undefined || inherited === "" ? [] : [inherited];
  return {
    command,
    args: ["-m", "tunicorn_worker", "forkserver"],
    env: { ...env, PYTHONPATH: [packageFolder, ...pythonPath].join(delimiter) },
    stdin: "inherit",
  };
}

export interface SettingsFacts {
  readonly workers: number;
  readonly version: string;
  /** What the processes are called where the settings do not say it; "" for the application's module. */
  readonly name: string;
}

/** The Python side's share of the Config: `Settings` in python/tunicorn_worker/control.py. */
export function pythonSettings(config: Config, { workers, version, name }: SettingsFacts): PythonSettings {
  return {
    app: config.app,
    workerClass: config.workerClass,
    interface: config.interface,
    threads: config.threads,
    workerConnections: config.workerConnections,
    loop: config.loop,
    lifespan: config.lifespan,
    lifespanTimeoutMs: config.lifespanTimeoutMs,
    lifespanShutdownTimeoutMs: config.lifespanShutdownTimeoutMs,
    asgiDisconnectGraceMs: config.asgiDisconnectGraceMs,
    loopBlockedMs: config.loopBlockedMs,
    gracefulTimeoutMs: config.gracefulTimeoutMs,
    timeoutMs: config.timeoutMs,
    wsMaxQueue: config.wsMaxQueue,
    chdir: config.chdir,
    pythonPath: config.pythonPath,
    env: config.env,
    umask: config.umask,
    user: config.user,
    group: config.group,
    initGroups: config.initGroups,
    multiprocess: workers > 1,
    fileWrapperDirect: config.fileWrapperDirect,
    staticDjango: config.staticDjango,
    serverSoftware: `tunicorn/${version}`,
    logLevel: config.logLevel,
    errorLog: config.errorLog,
    logJson: config.logJson,
    logColors: wantsColors(config.useColors, config.errorLog, 2),
    logConfig: config.logConfig,
    logConfigJson: config.logConfigJson,
    logConfigDict: config.logConfigDict,
    loggerClass: config.loggerClass,
    captureOutput: config.captureOutput,
    statsd: statsdSettings(config.statsd),
    preload: config.preload,
    procName: config.procName === "" ? name : config.procName,
    development: config.reload.isOn,
  };
}

function statsdSettings({ target, prefix, tags }: Config["statsd"]): Readonly<Record<string, unknown>> {
  return target.kind === "off" ? {} : { ...target, prefix, tags };
}
