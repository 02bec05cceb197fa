// A front as the arbiter sees it. It is told what to serve over control, and is handed the sockets beside that.

import type { FrontCommand, FrontReport, FrontSite, Meeting, Meetings } from "../control/messages.ts";
import { readFrontReport } from "../control/shapes.ts";
import type { Log } from "../log/log.ts";
import type { ListenerMaterial } from "./certificate-keeper.ts";
import type { Child, ChildExit, ChildSpec, SpawnChild } from "./child.ts";
import type { AppBroken, AppMended } from "./development.ts";
import type { Listener } from "./listeners.ts";

export interface FrontSink {
  onFrontReport(front: FrontHandle, report: FrontReport): void;
  onFrontGone(front: FrontHandle, exit: ChildExit): void;
}

/** What a front can be asked; its answer has the same type. */
export type FrontQuestion = "status" | "requests" | "figures";

export interface FrontOrder {
  readonly nr: number;
  readonly spec: ChildSpec;
  readonly site: FrontSite;
  /** Those of the site, with their sockets. */
  readonly listeners: readonly Listener[];
  readonly materials: readonly ListenerMaterial[];
  /** Made by the front when a body needs it, removed by whoever lives longer. */
  readonly bodyFolder: string;
}

/**
 *     starting ──► ready ──► draining ──► gone
 */
export type FrontState = "starting" | "ready" | "draining" | "gone";

/** One application in a front that is ready. */
export interface AppFront {
  readonly nr: number;
  /** Where its workers attach. */
  readonly meeting: Meeting;
  drainWorker(pid: number): void;
  /** A stuck worker's clients are answered, and its requests not tried again. */
  expireWorker(pid: number): void;
}

export class FrontHandle {
  readonly nr: number;
  readonly bodyFolder: string;
  readonly #child: Child;
  #state: FrontState = "starting";
  #meetings: Meetings = {};
  #met: ReadonlySet<string> = new Set();
  /** Ids of the listeners that it has. */
  #handed: ReadonlySet<number> = new Set();
  /** How often it has yet to say `reconfigured`. */
  #unanswered = 0;
  #wasReady = false;

  constructor(order: FrontOrder, spawn: SpawnChild, sink: FrontSink, log: Log) {
    this.nr = order.nr;
    this.bodyFolder = order.bodyFolder;
    this.#child = spawn(
      { ...order.spec, takesSockets: true },
      {
        onLine: (line) => {
          const reading = readFrontReport(line);
          if (reading.kind === "report") this.#onReport(reading.report, sink);
          else log.debug("message from a front ignored", { pid: this.pid, type: line.type });
        },
        onGone: (exit) => {
          this.#state = "gone";
          sink.onFrontGone(this, exit);
        },
      },
    );
    this.showCertificates(order.materials);
    this.#send({ type: "configure", ...order.site, bodyFolder: order.bodyFolder, nr: order.nr });
    this.#hand(order.listeners);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get state(): FrontState {
    return this.#state;
  }

  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** Undefined before the front has said where that application's workers attach. */
  of(app: string): AppFront | undefined {
    const meeting = Object.hasOwn(this.#meetings, app) ? this.#meetings[app] : undefined;
    if (meeting === undefined) return undefined;
    return {
      nr: this.nr,
      meeting,
      drainWorker: (pid) => this.#send({ type: "drain-worker", app, pid }),
      expireWorker: (pid) => this.#send({ type: "expire-worker", app, pid }),
    };
  }

  /** For handshakes from now on. */
  showCertificates(materials: readonly ListenerMaterial[]): void {
    for (const material of materials) this.#send({ type: "certificates", ...material });
  }

  /** Its last word on meetings named this application for the first time. */
  hasJustMet(app: string): boolean {
    return this.#met.has(app);
  }

  /** `listeners`: those of the site, with their sockets. Its answer is `reconfigured`. */
  reconfigure(site: FrontSite, listeners: readonly Listener[]): void {
    this.#unanswered += 1;
    this.#send({ type: "reconfigure", ...site });
    this.#hand(listeners);
  }

  #hand(listeners: readonly Listener[]): void {
    for (const { served, socket } of listeners) {
      if (!this.#handed.has(served.id)) this.#child.sendSocket(served.id, socket);
    }
    this.#handed = new Set(listeners.map(({ served }) => served.id));
  }

  /** Serves what it was told last. */
  get isCurrent(): boolean {
    return this.#state === "ready" && this.#unanswered === 0;
  }

  /** Development only. */
  tellApp(app: string, state: AppBroken | AppMended): void {
    this.#send({ ...state, app });
  }

  /** Harmless when repeated; a quick one hastens. */
  drain(graceMs: number, { quick }: { readonly quick: boolean }): void {
    if (this.#state !== "gone") this.#state = "draining";
    this.#send({ type: "drain", graceMs, quick });
  }

  /** A stop is near. */
  leave(): void {
    this.#send({ type: "leave" });
  }

  /** The answer is a report with the same type and id. */
  ask(type: FrontQuestion, id: number): void {
    this.#send({ type, id });
  }

  showMetrics(id: number, text: string): void {
    this.#send({ type: "exposition", id, text });
  }

  reopenLogs(): void {
    this.#send({ type: "reopen-logs" });
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #onReport(report: FrontReport, sink: FrontSink): void {
    if (report.type === "ready" || report.type === "reconfigured") this.#meet(report.meetings);
    if (report.type === "reconfigured") this.#unanswered -= 1;
    if (report.type === "ready") {
      this.#wasReady = true;
      if (this.#state === "starting") this.#state = "ready";
    }
    sink.onFrontReport(this, report);
  }

  #meet(meetings: Meetings): void {
    this.#met = new Set(Object.keys(meetings).filter((app) => !Object.hasOwn(this.#meetings, app)));
    this.#meetings = meetings;
  }

  #send(command: FrontCommand): void {
    this.#child.send(command);
  }
}
