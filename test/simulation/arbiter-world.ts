// A world for the arbiter: forkservers, workers and fronts without processes, on a clock that the test moves. How likely each
// fault is comes from the seed too. Lengths of time are milliseconds.

import { Arbiter } from "../../src/arbiter/arbiter.ts";
import type { AppOrder, SiteReading } from "../../src/arbiter/arbiter-ports.ts";
import type { Child, ChildExit, ChildSink, ChildSpec } from "../../src/arbiter/child.ts";
import { ListenError } from "../../src/arbiter/listen-error.ts";
import { ListenerKeeper } from "../../src/arbiter/listener-keeper.ts";
import type { Listener, Place } from "../../src/arbiter/listeners.ts";
import type { WorkerHandle, WorkerSink } from "../../src/arbiter/worker-handle.ts";
import type { Config } from "../../src/config/config.ts";
import { plainListener } from "../../src/config/listener.ts";
import type {
  ForkserverCommand,
  FrontCommand,
  FrontSite,
  Meetings,
  StopMode,
  WorkerCommand,
  WorkerReport,
} from "../../src/control/messages.ts";
import type { Log, LogFields } from "../../src/log/log.ts";
import { ManualClock } from "../harness/manual-clock.ts";
import type { Random } from "./random.ts";

export interface Faults {
  readonly crashInBoot: number;
  readonly bootFailed: number;
  readonly hangInBoot: number;
  readonly ignoreStop: number;
  readonly ignoreDrain: number;
  readonly refusePort: number;
  readonly delayMsMax: number;
}

export const NO_FAULTS: Faults = {
  crashInBoot: 0,
  bootFailed: 0,
  hangInBoot: 0,
  ignoreStop: 0,
  ignoreDrain: 0,
  refusePort: 0,
  delayMsMax: 200,
};

export const GRACEFUL_TIMEOUT_MS = 30_000;
export const BOOT_TIMEOUT_MS = 60_000;

/** The part of the Config that the arbiter reads. */
function testConfig(workers: number, changes: Partial<Config>): Config {
  const config = {
    app: "app",
    workers,
    workersMin: workers,
    workersMax: workers,
    workersIdleMs: 60_000,
    statsd: { target: { kind: "off" } },
    drainDelayMs: 0,
    reload: { isOn: false },
    fronts: 1,
    workerClass: "sync",
    threads: 1,
    gracefulTimeoutMs: GRACEFUL_TIMEOUT_MS,
    bootTimeoutMs: BOOT_TIMEOUT_MS,
    isDaemon: true,
    listeners: [],
    timeoutMs: 30_000,
    workersMaxRssBytes: 0,
    workersLifetimeMs: 0,
    workersLifetimeJitterMs: 0,
    ...changes,
  };
  return config as unknown as Config;
}

/** An application's name and number of workers; a server has one, called "app", unless it is told otherwise. */
export type Site = Readonly<Record<string, number>>;

export class ArbiterWorld {
  readonly clock: ManualClock = new ManualClock();
  readonly log: WorldLog = new WorldLog();
  readonly random: Random;
  readonly arbiter: Arbiter;
  readonly workers: Set<FakeWorker> = new Set();
  readonly forkservers: Set<FakeForkserver> = new Set();
  readonly fronts: Set<FakeFront> = new Set();
  faults: Faults = NO_FAULTS;
  /** Of applications that have their own. */
  readonly faultsOfApp: Map<string, Faults> = new Map();
  /** What the site's file says; undefined: it cannot be used. */
  file: Site | undefined;
  /** Ports that it wants. */
  ports: readonly number[] = [];
  /** Those that are open. */
  readonly open: Set<number> = new Set();
  exitCode: number | undefined;
  /** Where workers say hello, by address; one for each application. */
  readonly sinks: Map<string, WorkerSink> = new Map();
  readonly #changes: Partial<Config>;
  #pids = 100;

  constructor(site: Site | number, random: Random, changes: Partial<Config> = {}) {
    this.random = random;
    this.#changes = changes;
    const isSite = typeof site !== "number";
    this.file = isSite ? site : { app: site };
    const config = testConfig(isSite ? 1 : site, changes);
    const source = { files: [], read: () => this.#readSite() };
    this.arbiter = new Arbiter(
      {
        config,
        apps: this.#orders(this.file),
        site: isSite ? source : undefined,
        version: "0",
        purpose: "serve",
        listeners: new ListenerKeeper({
          listeners: [],
          areActivated: false,
          certificates: undefined,
          open: (place) => this.#open(place),
        }),
        frontSpec: specOf("front"),
      },
      {
        clock: this.clock,
        log: this.log,
        spawn: (wanted, sink) => this.#spawn(wanted, sink),
        openControl: async (sink) => {
          const address = `@control-${this.sinks.size}`;
          this.sinks.set(address, sink);
          return { meeting: { address, token: "t" }, close: () => this.#closeControl(address) };
        },
        sightOf: () => ({ isStopped: this.happens(0.1), cpuMs: this.clock.nowMs() * this.random.next() }),
        killOrphan: (pid) => this.byPid(pid)?.exit(null, "SIGKILL"),
        nameBodyFolder: () => "",
        removeFolder: () => {},
        reopenLogs: () => {},
      },
    );
  }

  async start(): Promise<void> {
    void this.arbiter.run().then((code) => {
      this.exitCode = code;
    });
    await settle();
  }

  #orders(site: Site): AppOrder[] {
    return Object.entries(site).map(([name, workers]) => ({
      name,
      config: testConfig(workers, this.#changes),
      cfg: {},
      forkserverSpec: specOf(`${PYTHON}${name}`),
    }));
  }

  #readSite(): SiteReading {
    if (this.file === undefined) return { ok: false, problems: ["line 1: no"] };
    const listeners = this.ports.map((port) => plainListener({ kind: "tcp", host: "h", port }));
    const config = testConfig(1, { ...this.#changes, listeners });
    return { ok: true, config, apps: this.#orders(this.file), warnings: [] };
  }

  /** In its own time, if at all. */
  async #open({ id, settings }: Place): Promise<Listener> {
    const port = settings.address.kind === "tcp" ? settings.address.port : 0;
    await new Promise<void>((resolve) => {
      this.clock.after(this.random.between(0, this.faults.delayMsMax), resolve);
    });
    const isTaken = this.open.has(port) || this.happens(this.faults.refusePort);
    if (isTaken) throw new ListenError("EADDRINUSE", "h", port);
    this.open.add(port);
    return {
      served: { id, kind: "tcp", host: "h", port, path: "", address: `http://h:${port}`, settings },
      socket: { fd: id, close() {} },
      close: () => this.open.delete(port),
      handOver() {},
    };
  }

  faultsIn(app: string): Faults {
    return this.faultsOfApp.get(app) ?? this.faults;
  }

  nextPid(): number {
    this.#pids += 1;
    return this.#pids;
  }

  byPid(pid: number): FakeWorker | undefined {
    return [...this.workers].find((worker) => worker.pid === pid);
  }

  happens(chance: number): boolean {
    return this.random.chance(chance);
  }

  pick<T>(from: Iterable<T>): T | undefined {
    return this.random.pick([...from]);
  }

  /** Later, by chance; never again once its doer is dead. */
  later(doer: { readonly isAlive: boolean }, act: () => void): void {
    this.clock.after(this.random.between(1, 1 + this.faults.delayMsMax), () => {
      if (doer.isAlive) act();
    });
  }

  #spawn(spec: ChildSpec, sink: ChildSink): Child {
    if (spec.command === "front") return new FakeFront(this, sink);
    return new FakeForkserver(this, sink, spec.command.slice(PYTHON.length));
  }

  #closeControl(address: string): void {
    for (const worker of this.workers) if (worker.control === address) worker.exit(1, null);
  }
}

/** Before an application's name. */
const PYTHON = "python of ";

function specOf(command: string): ChildSpec {
  return { command, args: [], env: {}, stdin: "ignore" };
}

/** A stream: what is sent arrives later, in order, while both ends live. */
class Stream {
  readonly #world: ArbiterWorld;
  readonly #end: { readonly isAlive: boolean };
  #lastAtMs = 0;

  constructor(world: ArbiterWorld, end: { readonly isAlive: boolean }) {
    this.#world = world;
    this.#end = end;
  }

  send(arrive: () => void): void {
    const { clock, random, faults } = this.#world;
    this.#lastAtMs = Math.max(this.#lastAtMs + 0.01, clock.nowMs() + random.between(0, faults.delayMsMax));
    clock.after(this.#lastAtMs - clock.nowMs(), () => {
      if (this.#end.isAlive) arrive();
    });
  }
}

/** Lets promises run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

class WorldLog implements Log {
  readonly lines: { readonly event: string; readonly fields: LogFields }[] = [];
  readonly #keep = (event: string, fields: LogFields = {}): void => void this.lines.push({ event, fields });
  trace: Log["trace"] = this.#keep;
  debug: Log["debug"] = this.#keep;
  info: Log["info"] = this.#keep;
  warning: Log["warning"] = this.#keep;
  error: Log["error"] = this.#keep;
  critical: Log["critical"] = this.#keep;

  fieldsOf(event: string): LogFields[] {
    return this.lines.filter((line) => line.event === event).map((line) => line.fields);
  }
}

export class FakeForkserver implements Child {
  readonly pid: number;
  readonly app: string;
  readonly #world: ArbiterWorld;
  readonly #sink: ChildSink;
  readonly #stream: Stream;
  readonly children: Set<FakeWorker> = new Set();
  isAlive = true;
  generation = 0;
  control = "";
  isStopping = false;

  constructor(world: ArbiterWorld, sink: ChildSink, app: string) {
    this.#world = world;
    this.app = app;
    this.#sink = sink;
    this.pid = world.nextPid();
    this.#stream = new Stream(world, this);
    world.forkservers.add(this);
  }

  send(message: ForkserverCommand): void {
    if (!this.isAlive) return;
    if (message.type === "configure") this.#configure(message);
    else if (message.type === "fork") this.#world.later(this, () => this.#fork(message.nr));
    else if (message.type === "signal") this.#signal(message.pid, message.signal);
    else if (message.type === "stop") this.#stop();
  }

  sendSocket(): void {}

  kill(): void {
    this.die({ code: null, signal: "SIGKILL", error: undefined });
  }

  die(exit: ChildExit): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#world.forkservers.delete(this);
    this.#world.clock.after(1, () => this.#sink.onGone(exit));
  }

  report(message: { readonly type: string; readonly [field: string]: unknown }): void {
    this.#stream.send(() => this.#sink.onLine(message));
  }

  onChildExit(worker: FakeWorker, code: number | null, signal: string | null): void {
    this.children.delete(worker);
    this.report({ type: "exited", pid: worker.pid, code, signal, rssMax: 1 });
    this.#endIfDone();
  }

  #configure({ generation, control }: Extract<ForkserverCommand, { readonly type: "configure" }>): void {
    this.generation = generation;
    this.control = control.address;
    this.report({ type: "configured", python: "3", pid: this.pid, executable: "python" });
  }

  #fork(nr: number): void {
    if (this.isStopping) return;
    const worker = new FakeWorker(this.#world, this, nr);
    this.children.add(worker);
    this.report({ type: "forked", nr, pid: worker.pid });
    worker.boot();
  }

  #signal(pid: number, signal: string): void {
    const isHeard = signal === "SIGKILL" || !this.#world.happens(this.#world.faults.ignoreStop);
    for (const worker of this.children) if (worker.pid === pid && isHeard) worker.exit(null, signal);
  }

  #stop(): void {
    this.isStopping = true;
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.isStopping || this.children.size > 0) return;
    // After its last report has arrived.
    this.#stream.send(() => this.die({ code: 0, signal: null, error: undefined }));
  }
}

export class FakeWorker {
  readonly pid: number;
  readonly nr: number;
  readonly generation: number;
  readonly app: string;
  readonly control: string;
  readonly #world: ArbiterWorld;
  readonly #parent: FakeForkserver;
  readonly #commands: Stream;
  #handle: WorkerHandle | undefined;
  isAlive = true;
  /** Told to end, or given up by its front. */
  isLeaving = false;
  isReady = false;
  front: FakeFront | undefined;

  constructor(world: ArbiterWorld, parent: FakeForkserver, nr: number) {
    this.#world = world;
    this.#parent = parent;
    this.nr = nr;
    this.generation = parent.generation;
    this.app = parent.app;
    this.control = parent.control;
    this.pid = world.nextPid();
    this.#commands = new Stream(world, this);
    world.workers.add(this);
  }

  get isServing(): boolean {
    return this.isAlive && this.front?.isAlive === true && !this.isLeaving;
  }

  get #sink(): WorkerSink | undefined {
    return this.#world.sinks.get(this.control);
  }

  boot(): void {
    const faults = this.#world.faultsIn(this.app);
    this.#world.later(this, () => this.#hello());
    if (this.#world.happens(faults.crashInBoot)) this.#world.later(this, () => this.exit(null, "SIGSEGV"));
  }

  /** Its front finds that a request runs for too long. */
  hang(): void {
    this.front?.onOverdue(this);
  }

  /** Its front has given it all the requests that it shall have. */
  wear(): void {
    this.front?.onWorn(this);
  }

  retire(): void {
    if (this.isReady) this.#report({ type: "retire", cause: "test" });
  }

  /** The connection's end and the parent's report come in any order. */
  exit(code: number | null, signal: string | null): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#world.workers.delete(this);
    this.front?.onWorkerGone(this);
    this.#world.clock.after(this.#world.random.between(0, 50), () => {
      if (this.#handle !== undefined) this.#sink?.onGone(this.#handle, "");
    });
    if (this.#parent.isAlive) this.#parent.onChildExit(this, code, signal);
  }

  #hello(): void {
    const { pid, nr, generation } = this;
    const hello = { type: "hello" as const, token: "t", pid, nr, generation };
    this.#handle = {
      hello,
      send: (command) => this.#commands.send(() => this.#obey(command)),
      destroy: () => this.exit(1, null),
    };
    this.#sink?.onHello(this.#handle);
    if (!this.#world.happens(this.#world.faultsIn(this.app).hangInBoot))
      this.#world.later(this, () => this.#load());
  }

  #load(): void {
    if (this.#world.happens(this.#world.faultsIn(this.app).bootFailed)) {
      this.#report({
        type: "boot-failed",
        step: "import",
        message: "broken",
        traceback: "",
        hint: "",
        exitCode: 3,
      });
      this.exit(3, null);
      return;
    }
    this.isReady = true;
    this.#report({ type: "ready", interface: "wsgi", slots: 1, importMs: 1 });
  }

  #obey(command: WorkerCommand): void {
    if (command.type === "attach") this.#world.later(this, () => this.#attach(command.address));
    else if (command.type === "stop") this.#stop(command.mode);
    else if (command.type === "stacks" && !this.#world.happens(this.#world.faultsIn(this.app).ignoreStop)) {
      this.#report({ type: "stacks", id: command.id, text: "" });
    }
  }

  #attach(address: string): void {
    const front = [...this.#world.fronts].find((one) => one.address === address);
    if (front === undefined) return;
    this.front = front;
    front.join(this);
  }

  #stop(mode: StopMode): void {
    if (mode === "graceful") this.#checkIsLetGo();
    this.isLeaving = true;
    if (!this.#world.happens(this.#world.faultsIn(this.app).ignoreStop))
      this.#world.later(this, () => this.exit(0, null));
  }

  /** A front that has not let go of a worker may be giving it a request. */
  #checkIsLetGo(): void {
    const isServing = this.#world.arbiter.view().phase !== "stopping";
    const isHeld = this.front?.isAlive === true && !this.front.hasDrained(this);
    if (isServing && isHeld) throw new Error(`worker ${this.pid} was stopped while a front gave it requests`);
  }

  #report(report: WorkerReport): void {
    if (this.#handle !== undefined) this.#sink?.onReport(this.#handle, report);
  }
}

export class FakeFront implements Child {
  readonly pid: number;
  readonly address: string;
  readonly #world: ArbiterWorld;
  readonly #sink: ChildSink;
  readonly #stream: Stream;
  readonly #drained = new Set<number>();
  /** Those that it serves. */
  apps: readonly string[] = [];
  ports: readonly number[] = [];
  readonly #sockets = new Set<number>();
  isAlive = true;

  constructor(world: ArbiterWorld, sink: ChildSink) {
    this.#world = world;
    this.#sink = sink;
    this.pid = world.nextPid();
    this.address = `@front-${this.pid}`;
    this.#stream = new Stream(world, this);
    world.fronts.add(this);
  }

  send(message: FrontCommand): void {
    if (!this.isAlive) return;
    if (message.type === "configure") this.#report({ type: "ready", meetings: this.#meetings(message) });
    else if (message.type === "reconfigure")
      this.#report({ type: "reconfigured", meetings: this.#meetings(message) });
    else if (message.type === "drain-worker") this.#drainWorker(message.app, message.pid);
    else if (message.type === "drain") this.#drain(message.quick ? 0 : message.graceMs);
  }

  #meetings({ apps, listeners }: FrontSite): Meetings {
    this.apps = apps.map(({ name }) => name);
    this.ports = listeners.map(({ port }) => port);
    const missing = listeners.filter(({ id }) => !this.#sockets.has(id));
    this.#world.clock.after(0, () => {
      for (const { id, address } of missing)
        if (!this.#sockets.has(id)) throw new Error(`no socket for ${address}`);
    });
    return Object.fromEntries(apps.map(({ name }) => [name, { address: this.address, token: "t" }]));
  }

  sendSocket(id: number): void {
    this.#sockets.add(id);
  }

  kill(): void {
    this.die({ code: null, signal: "SIGKILL", error: undefined });
  }

  die(exit: ChildExit): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#world.fronts.delete(this);
    this.#world.clock.after(1, () => this.#sink.onGone(exit));
  }

  join(worker: FakeWorker): void {
    this.#report({ type: "worker-joined", app: worker.app, pid: worker.pid });
  }

  /** Requests wait, and all that could run ran. */
  press(queued: number, busy: number): void {
    this.#report({ type: "pressure", app: "app", waitingMs: 200, queued, busy });
  }

  onOverdue(worker: FakeWorker): void {
    const request = { id: 1, method: "GET", path: "/", elapsedMs: 1, started: true, retried: false };
    const others = this.#world.happens(0.5) ? 1 : 0;
    this.#report({ type: "worker-overdue", app: worker.app, pid: worker.pid, requests: [request], others });
  }

  onWorn(worker: FakeWorker): void {
    this.#report({ type: "worker-worn", app: worker.app, pid: worker.pid });
  }

  onWorkerGone(worker: FakeWorker): void {
    if (!this.#drained.has(worker.pid))
      this.#report({ type: "worker-lost", app: worker.app, pid: worker.pid, inFlight: [], count: 0 });
  }

  hasDrained({ pid }: FakeWorker): boolean {
    return this.#drained.has(pid);
  }

  #drainWorker(app: string, pid: number): void {
    const worker = this.#world.byPid(pid);
    if (worker !== undefined) worker.isLeaving = true;
    if (this.#world.happens(this.#world.faults.ignoreDrain)) return;
    this.#drained.add(pid);
    this.#report({ type: "worker-drained", app, pid });
  }

  #drain(graceMs: number): void {
    this.#world.clock.after(Math.min(graceMs, this.#world.random.between(1, 500)), () => {
      this.die({ code: 0, signal: null, error: undefined });
    });
  }

  #report(message: { readonly type: string; readonly [field: string]: unknown }): void {
    this.#stream.send(() => this.#sink.onLine(message));
  }
}
