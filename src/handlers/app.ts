// The handler that gives exchanges to Python workers.

import { assert } from "../base/assert.ts";
import { Dispatcher } from "../dispatch/dispatcher.ts";
import type { RefusalCause, Ticket } from "../dispatch/ticket.ts";
import type { Exchange, WebSocketOffer } from "../http/exchange.ts";
import type { AttachedWorker } from "../link/attached-worker.ts";
import type { StreamSink } from "../link/stream-sink.ts";
import { AppExchange } from "./app-exchange.ts";
import type { AppConfig, AppHandlerOptions, AppPort, AppStatus, InFlightRequest } from "./app-ports.ts";
import type { AppServices } from "./app-services.ts";
import { AppWorker, type AppWorkerEvents } from "./app-worker.ts";
import { BodyStore } from "./body-store.ts";
import type { Breakage } from "./development.ts";
import { EnvironMaker } from "./environ.ts";
import { answerUnavailable } from "./error-page.ts";
import { EventStreams } from "./event-streams.ts";
import { IgnoredForwarding } from "./ignored-forwarding.ts";
import { ScopeMaker } from "./scope.ts";
import { ShedLog } from "./shed-log.ts";
import { type SpillLimits, SpillStore } from "./spill-store.ts";
import { Ticker } from "./ticker.ts";
import { type FieldsMemo, Trust } from "./trust.ts";
import { type WebSocketLimits, WebSockets } from "./web-sockets.ts";
import { WsExchange } from "./ws-exchange.ts";

/** Of a worker that is gone or overdue, which may have thousands: a message of the control stream has its limit. */
const REQUESTS_TOLD_MAX = 100;
const PATH_CHARACTERS_MAX = 512;

export class AppHandler implements AppPort, AppWorkerEvents {
  readonly #options: AppHandlerOptions;
  #config: AppConfig;
  readonly #ignored: IgnoredForwarding;
  #trust: Trust;
  #environs: EnvironMaker;
  readonly #eventStreams: EventStreams;
  readonly #webSockets: WebSockets;
  readonly #bodies: BodyStore;
  readonly #spills: SpillStore;
  readonly #dispatcher: Dispatcher;
  readonly #workers = new Map<number, AppWorker>();
  #services: AppServices;
  readonly #ticker: Ticker;
  readonly #shedLog: ShedLog;
  /** What the app speaks: as the youngest worker says; before the first one, as the settings say, if they do. */
  #interface: "wsgi" | "asgi" | undefined;

  constructor(options: AppHandlerOptions) {
    this.#ignored = new IgnoredForwarding(options.log);
    const { config, log, nowMs } = options;
    this.#options = options;
    this.#config = config;
    this.#interface = configuredInterface(config);
    this.#trust = new Trust(config, this.#ignored);
    this.#environs = new EnvironMaker(config);
    this.#eventStreams = new EventStreams(config.streamGraceMs);
    this.#webSockets = new WebSockets(this.#webSocketLimits());
    this.#bodies = new BodyStore({ folder: options.bodyFolder, memoryBytesMax: config.bodyMemoryBytes, log });
    this.#spills = new SpillStore({ folder: options.bodyFolder, ...spillLimits(config), log, nowMs });
    this.#dispatcher = new Dispatcher(config, {
      takeBack: (pid) => this.#workers.get(pid)?.takeBack(),
      drained: (pid) => this.#onDrained(pid),
      worn: (pid) => options.events.workerWorn(pid),
      overdue: (pid, tickets, others) => this.#onOverdue(pid, tickets, others),
      expired: (pid, tickets) => this.#onExpired(pid, tickets),
    });
    this.#ticker = new Ticker(this.#dispatcher, nowMs);
    this.#shedLog = new ShedLog(log, () => this.#dispatcher.waiting);
    this.#services = this.#makeServices();
  }

  #makeServices(): AppServices {
    const { log, nowMs, development, files } = this.#options;
    const shedLog = this.#shedLog;
    return {
      log,
      nowMs,
      dispatcher: this.#dispatcher,
      environs: this.#environs,
      scopes: new ScopeMaker(this.#config),
      eventStreams: this.#eventStreams,
      webSockets: this.#webSockets,
      bodies: this.#bodies,
      spills: this.#spills,
      files,
      streamsBodies: () => this.#interface === "asgi",
      worker: (id) => this.#worker(id),
      wantTick: () => this.#ticker.want(),
      shed: (cause: RefusalCause) => shedLog.record(cause),
      turnAway: (exchange, cause) => this.#turnAway(exchange, cause),
      development,
    };
  }

  #webSocketLimits(): WebSocketLimits {
    const { wsMaxQueue, responseBufferBytes, gracefulTimeoutMs } = this.#config;
    return {
      queueMax: wsMaxQueue,
      unsentBytesMax: responseBufferBytes,
      restartMsMax: this.#options.development === undefined ? gracefulTimeoutMs / 2 : 0,
    };
  }

  #turnAway(exchange: Exchange, cause: RefusalCause): void {
    const { development } = this.#options;
    if (cause === "app-broken" && development !== undefined) {
      development.explain(exchange);
      return;
    }
    this.#services.shed(cause);
    answerUnavailable(exchange);
  }

  handle(exchange: Exchange): void {
    if (this.#options.development?.takes(exchange) !== true) this.#serve(exchange);
  }

  #serve(exchange: Exchange): void {
    const { head, peer, notes, response } = exchange;
    const memo = this.#trust.judge(head, peer);
    notes.scheme = memo.scheme;
    if (memo.refused !== "") {
      response.abort("bad-request", 400, memo.refused);
    } else if (
      this.#interface !== "asgi" &&
      this.#environs.appPath(head, memo, exchange.route) === undefined
    ) {
      this.#options.log.error("path does not begin with SCRIPT_NAME", {
        path: head.path,
        scriptName: this.#environs.scriptName(memo),
      });
      response.abort("bad-request", 500, "path is outside of SCRIPT_NAME");
    } else if (exchange.webSocket !== undefined && this.#interface !== "wsgi") {
      this.#openWebSocket(exchange, exchange.webSocket, memo);
    } else {
      new AppExchange(exchange, this.#services, memo).start();
    }
  }

  #openWebSocket(exchange: Exchange, offer: WebSocketOffer, memo: FieldsMemo): void {
    if (!offer.admit()) return;
    const services = this.#services;
    const answerAsHttp = (): void => new AppExchange(exchange, services, memo).start();
    new WsExchange(exchange, { offer, services, memo, answerAsHttp }).start(exchange);
  }

  /** From now on. What runs goes on as it began, and so do workers that are attached. */
  reconfigure(config: AppConfig): void {
    this.#config = config;
    this.#trust = new Trust(config, this.#ignored);
    this.#environs = new EnvironMaker(config);
    this.#eventStreams.graceMs = config.streamGraceMs;
    this.#webSockets.limits = this.#webSocketLimits();
    this.#bodies.memoryBytesMax = config.bodyMemoryBytes;
    this.#spills.limit(spillLimits(config));
    this.#dispatcher.configure(config);
    this.#services = this.#makeServices();
  }

  addWorker(attached: AttachedWorker): void {
    const { pid } = attached.hello;
    const problem = this.#problemWith(attached);
    if (problem !== undefined) {
      this.#options.log.error("worker turned away", { pid, problem });
      attached.link.destroy();
      attached.aside.destroy();
      return;
    }
    attached.link.responseWindowBytes = this.#config.responseBufferBytes;
    attached.link.isMemoryTight = this.#options.isMemoryTight;
    const worker = new AppWorker(attached, this);
    this.#interface = worker.interface;
    this.#workers.set(pid, worker);
    // An event loop has begun whatever it was given: what lies ahead of it would run beyond its slots.
    const takesAhead = worker.interface === "wsgi";
    this.#dispatcher.mended();
    const options = { takesAhead, isTimed: takesAhead, requestsMax: this.#requestsMax() };
    this.#dispatcher.addWorker(pid, worker.slots, this.#options.nowMs(), options);
    this.#ticker.want();
    this.#options.development?.serves();
  }

  #problemWith({ hello }: AttachedWorker): string | undefined {
    return this.#workers.has(hello.pid) ? "it is attached already" : undefined;
  }

  drainWorker(pid: number): void {
    if (this.#workers.has(pid)) {
      this.#eventStreams.endThoseOf(pid);
      this.#webSockets.restartThoseOf(pid);
    }
    this.#dispatcher.drainWorker(pid);
  }

  expireWorker(pid: number): void {
    this.#dispatcher.expireWorker(pid);
  }

  endStreams(): void {
    this.#eventStreams.endAll();
    this.#options.development?.stop();
  }

  broke(breakage: Breakage): void {
    this.#options.development?.broke(breakage);
    this.#dispatcher.broken();
  }

  mended(): void {
    this.#options.development?.mended();
    this.#dispatcher.mended();
  }

  stop(): void {
    this.#dispatcher.stop();
  }

  destroy(): void {
    this.#shedLog.say();
    this.#dispatcher.stop();
    this.#ticker.stop();
    this.#eventStreams.stop();
    this.#options.development?.stop();
    for (const worker of this.#workers.values()) worker.destroy();
  }

  /** Removes the folder of request bodies. To be called when all exchanges are over. */
  async close(): Promise<void> {
    this.destroy();
    await this.#bodies.close();
  }

  status(): AppStatus {
    return {
      workers: this.#dispatcher.workers,
      waiting: this.#dispatcher.waiting,
      waitedMs: this.#dispatcher.waitedMs(this.#options.nowMs()),
      running: this.#dispatcher.running,
      bodyMemoryBytes: this.#bodies.heldBytes,
    };
  }

  onTaken(worker: AppWorker, streams: readonly StreamSink[]): void {
    const taken = streams.filter(isAppJob);
    for (const one of taken) if (one.ticket.isAbandoned) one.forget();
    const tickets = taken.map((one) => one.ticket);
    this.#dispatcher.takenBack(worker.pid, tickets, this.#options.nowMs());
    this.#ticker.want();
  }

  onWorkerGone(worker: AppWorker): void {
    const nowMs = this.#options.nowMs();
    const bereaved = this.#dispatcher.removeWorker(worker.pid, nowMs);
    this.#workers.delete(worker.pid);
    this.#eventStreams.forget(worker.pid);
    this.#webSockets.forget(worker.pid);
    const inFlight: InFlightRequest[] = [];
    for (const { ticket, hadSlot, outcome } of bereaved) {
      const { job } = ticket;
      if (!isAppJob(job)) continue;
      if (outcome === "forget") job.forget();
      if (inFlight.length === REQUESTS_TOLD_MAX) continue;
      inFlight.push({ ...factsOf(job, nowMs), started: hadSlot, retried: outcome === "retry" });
    }
    this.#ticker.want();
    this.#options.events.workerLost(worker.pid, inFlight, bereaved.length);
  }

  #requestsMax(): number {
    const { maxRequests, maxRequestsJitter } = this.#config;
    if (maxRequests === 0) return Number.POSITIVE_INFINITY;
    return maxRequests + Math.floor(Math.random() * (maxRequestsJitter + 1));
  }

  #onOverdue(pid: number, tickets: readonly Ticket[], others: number): void {
    const nowMs = this.#options.nowMs();
    const requests = tickets.slice(0, REQUESTS_TOLD_MAX).flatMap(({ job }) => {
      return isAppJob(job) ? [{ ...factsOf(job, nowMs), started: true, retried: false }] : [];
    });
    this.#options.events.workerOverdue(pid, requests, others);
  }

  /** Of workers that go on: nobody else says a word of it. */
  #onExpired(pid: number, tickets: readonly Ticket[]): void {
    for (const { job, limitMs } of tickets) {
      if (!isAppJob(job)) continue;
      const facts = factsOf(job, this.#options.nowMs());
      const elapsedMs = Math.round(facts.elapsedMs);
      this.#options.log.error("request timeout", { ...facts, elapsedMs, limitMs, pid });
    }
  }

  #onDrained(pid: number): void {
    this.#workers.get(pid)?.link.drain();
    this.#options.events.workerDrained(pid);
  }

  #worker(id: number): AppWorker {
    const worker = this.#workers.get(id);
    assert(worker !== undefined, "the dispatcher chooses among attached workers");
    return worker;
  }
}

type JobFacts = Pick<InFlightRequest, "id" | "method" | "path" | "elapsedMs">;

/** What is told of a request whose worker is named. */
function factsOf({ exchange }: AppExchange | WsExchange, nowMs: number): JobFacts {
  const { id, head, startedAtMs } = exchange;
  const path = head.path.slice(0, PATH_CHARACTERS_MAX);
  return { id, method: head.method, path, elapsedMs: nowMs - startedAtMs };
}

function isAppJob(one: object): one is AppExchange | WsExchange {
  return one instanceof AppExchange || one instanceof WsExchange;
}

function configuredInterface({ interface: named, workerClass }: AppConfig): "wsgi" | "asgi" | undefined {
  if (named !== "auto") return named === "wsgi" ? "wsgi" : "asgi";
  if (workerClass === "auto") return undefined;
  return workerClass === "asgi" ? "asgi" : "wsgi";
}

function spillLimits(config: AppConfig): SpillLimits {
  return { bytesMax: config.responseSpillBytes, totalBytesMax: config.responseSpillTotalBytes };
}
