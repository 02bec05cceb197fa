// Everything at once for the dispatcher: workers that are fast, slow or unsteady, that die, drain and give back; clients that
// leave. All chance comes from the seed, the odds of each fault too. After every step the invariants are asserted.

import { ok } from "node:assert/strict";
import { Dispatcher, REQUESTS_AHEAD_MAX } from "../../src/dispatch/dispatcher.ts";
import { type Job, type RefusalCause, Ticket } from "../../src/dispatch/ticket.ts";
import { Random } from "./random.ts";

export interface Outcome {
  readonly requests: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly sentAhead: number;
  readonly takenBack: number;
}

type Temper = "fast" | "slow" | "unsteady";

class Request implements Job {
  readonly id: number;
  readonly isReplayable: boolean;
  readonly isHeldByClient = false;
  readonly limitMs: number;
  readonly ticket: Ticket = new Ticket(this);
  readonly #world: World;
  end = "";
  /** How often a worker began it: only the simulation can know. */
  begun = 0;
  sends = 0;
  /** When it last was given to a worker or got another limit. */
  movedAtMs = 0;

  constructor(world: World, id: number, options: { isReplayable: boolean; limitMs: number }) {
    this.#world = world;
    this.id = id;
    this.isReplayable = options.isReplayable;
    this.limitMs = options.limitMs;
  }

  sendTo(workerId: number): void {
    this.#world.onSend(this, workerId);
  }

  expire(): void {
    const { limitMs, state, isAbandoned } = this.ticket;
    ok(state === "running", "only what runs can take too long");
    ok(limitMs > 0, "who has no limit has all time");
    ok(this.#world.nowMs - this.movedAtMs >= limitMs, "nobody is ended before the limit");
    this.ticket.isAbandoned = true;
    if (!isAbandoned) this.finish("expired");
  }

  refuse(cause: RefusalCause): void {
    if (cause === "worker-died") this.#checkDeath();
    this.finish(cause);
  }

  /** Each request ends exactly once. */
  finish(end: string): void {
    ok(this.end === "", `request ${this.id} ended as ${this.end} and as ${end}`);
    this.end = end;
  }

  #checkDeath(): void {
    const { isAnswered, deaths } = this.ticket;
    ok(this.begun > 0 || isAnswered || deaths >= 3, `request ${this.id} was lost though nobody had begun it`);
  }
}

interface Run {
  readonly request: Request;
  readonly beganAtMs: number;
  readonly endsAtMs: number;
}

class Worker {
  readonly id: number;
  readonly slots: number;
  temper: Temper;
  /** With it, in the order in which they came; the first `slots` run. */
  readonly queue: Request[] = [];
  readonly runs: Run[] = [];
  isTimed = true;
  /** Finished, but the front has not read it yet. */
  readonly finished: Run[] = [];
  isDraining = false;
  isDrained = false;
  isAsked = false;
  /** The dispatcher wants it ended. */
  isCondemned = false;

  constructor(id: number, slots: number, temper: Temper) {
    this.id = id;
    this.slots = slots;
    this.temper = temper;
  }

  get load(): number {
    return this.queue.length + this.runs.length + this.finished.length;
  }
}

const TEMPERS: readonly Temper[] = ["fast", "slow", "unsteady"];
/** Of requests with one of their own. */
const LIMITS_MS: readonly number[] = [0, 30, 200, 1_000];
const QUEUE_MAX = 50;
const WORKERS_MAX = 8;

class World {
  readonly random: Random;
  readonly dispatcher: Dispatcher;
  readonly workers = new Map<number, Worker>();
  readonly requests: Request[] = [];
  readonly #open = new Set<Request>();
  nowMs = 0;
  sentAhead = 0;
  takenBack = 0;
  #lastFirstSend = -1;
  #lastWorker = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    const options = {
      queueMax: QUEUE_MAX,
      queueTimeoutMs: this.random.between(20, 2_000),
      requestsAheadMax: this.random.pick([1, 8, 64]) ?? 64,
    };
    this.dispatcher = new Dispatcher(options, {
      takeBack: (id) => this.#onTakeBack(id),
      drained: (id) => this.#onDrained(id),
      worn: () => {},
      overdue: (id) => this.#onOverdue(id),
      expired: (id) => ok(this.workers.get(id)?.isTimed === false, "only an untimed worker goes on"),
    });
  }

  onSend(request: Request, workerId: number): void {
    const worker = this.workers.get(workerId);
    ok(worker !== undefined, "a request goes to a worker that lives");
    ok(!worker.isDraining, "no worker serves after drain");
    ok(!worker.isCondemned, "nothing more is given to a worker that is to be ended");
    request.movedAtMs = this.nowMs;
    ok(request.end === "", "a request that ended is not sent");
    if (request.sends === 0) {
      ok(request.id > this.#lastFirstSend, "first come, first served");
      this.#lastFirstSend = request.id;
    }
    request.sends += 1;
    if (worker.load >= worker.slots) {
      this.sentAhead += 1;
      ok(request.isReplayable, "what must not run twice never goes ahead");
      ok(!worker.isAsked, "nothing goes ahead during a take-back");
    }
    worker.queue.push(request);
    ok(worker.load <= Math.max(worker.slots, REQUESTS_AHEAD_MAX), "in flight stays within slots and ahead");
    this.#begin(worker);
  }

  addWorker(): void {
    if (this.workers.size >= WORKERS_MAX) return;
    this.#lastWorker += 1;
    const slots = this.random.chance(0.7) ? 1 : this.random.whole(2, 6);
    const worker = new Worker(this.#lastWorker, slots, this.random.pick(TEMPERS) ?? "fast");
    worker.isTimed = this.random.chance(0.7);
    this.workers.set(worker.id, worker);
    this.dispatcher.addWorker(worker.id, slots, this.nowMs, { isTimed: worker.isTimed });
  }

  submit(): void {
    const limitMs = this.random.chance(0.2) ? this.random.pick(LIMITS_MS) : undefined;
    const options = { isReplayable: this.random.chance(0.8), limitMs: limitMs ?? -1 };
    const request = new Request(this, this.requests.length, options);
    this.requests.push(request);
    this.#open.add(request);
    this.dispatcher.submit(request.ticket, this.nowMs);
  }

  leave(): void {
    const request = this.random.pick([...this.#open]);
    if (request === undefined || request.end !== "") return;
    this.dispatcher.cancel(request.ticket);
    request.finish("client left");
  }

  /** Its app asks for another time limit. */
  limit(): void {
    const request = this.random.pick([...this.#open]);
    if (request?.ticket.state !== "running") return;
    request.movedAtMs = this.nowMs;
    this.dispatcher.limit(request.ticket, this.random.pick(LIMITS_MS) ?? 0);
  }

  kill(): void {
    const worker = this.random.pick([...this.workers.values()]);
    if (worker === undefined) return;
    this.workers.delete(worker.id);
    this.dispatcher.removeWorker(worker.id, this.nowMs);
  }

  drain(): void {
    const worker = this.random.pick([...this.workers.values()].filter((one) => !one.isDraining));
    if (worker === undefined) return;
    worker.isDraining = true;
    this.dispatcher.drainWorker(worker.id);
  }

  /** Time passes; workers go on; the front reads some of what they wrote. */
  pass(ms: number): void {
    this.nowMs += ms;
    for (const worker of this.workers.values()) this.#goOn(worker);
    for (const worker of [...this.workers.values()]) this.#deliver(worker);
  }

  /** Some workers answer what they were asked for; drained ones go. */
  answerControl(odds: number): void {
    for (const worker of [...this.workers.values()]) {
      if (worker.isAsked && this.random.chance(odds)) this.#giveBack(worker);
      if (worker.isCondemned && this.random.chance(odds)) {
        this.workers.delete(worker.id);
        this.dispatcher.removeWorker(worker.id, this.nowMs);
        continue;
      }
      if (worker.isDrained && this.random.chance(odds)) {
        this.workers.delete(worker.id);
        this.dispatcher.removeWorker(worker.id, this.nowMs);
      }
    }
  }

  check(): void {
    let running = 0;
    for (const worker of this.workers.values()) {
      running += worker.load;
      const isIdle = !worker.isDraining && !worker.isCondemned && worker.load < worker.slots;
      ok(!isIdle || this.dispatcher.waiting === 0, "nobody waits while a worker has a free slot");
    }
    ok(
      running === this.dispatcher.running,
      `${running} run, the dispatcher counts ${this.dispatcher.running}`,
    );
    for (const request of this.#open) {
      if (request.ticket.state === "over") this.#open.delete(request);
      if (!request.isReplayable) ok(request.begun <= 1, "what must not run twice did not");
    }
  }

  get isQuiet(): boolean {
    return this.dispatcher.waiting === 0 && this.dispatcher.running === 0;
  }

  #onOverdue(id: number): void {
    const worker = this.workers.get(id);
    ok(worker?.isTimed, "only a timed worker is ended for a request");
    worker.isCondemned = true;
  }

  #onTakeBack(id: number): void {
    const worker = this.workers.get(id);
    ok(worker !== undefined && !worker.isAsked, "a living worker is asked once at a time");
    worker.isAsked = true;
  }

  #onDrained(id: number): void {
    const worker = this.workers.get(id);
    ok(worker?.isDraining && !worker.isDrained, "a draining worker is reported once");
    worker.isDrained = true;
    ok(worker.queue.length + worker.runs.length === 0, "a drained worker holds nothing");
  }

  #begin(worker: Worker): void {
    while (worker.runs.length < worker.slots) {
      const request = worker.queue.shift();
      if (request === undefined) return;
      request.begun += 1;
      const takesMs = request.ticket.isAbandoned ? 0 : this.#duration(worker.temper);
      worker.runs.push({ request, beganAtMs: this.nowMs, endsAtMs: this.nowMs + takesMs });
    }
  }

  #duration(temper: Temper): number {
    if (temper === "fast") return this.random.between(0.01, 0.2);
    if (temper === "slow") return this.random.between(5, 100);
    return this.random.chance(0.05) ? this.random.between(2, 300) : this.random.between(0.01, 0.1);
  }

  #goOn(worker: Worker): void {
    for (;;) {
      const index = worker.runs.findIndex((run) => run.endsAtMs <= this.nowMs);
      if (index < 0) return;
      worker.finished.push(...worker.runs.splice(index, 1));
      this.#begin(worker);
    }
  }

  #deliver(worker: Worker): void {
    for (const run of worker.runs) if (this.random.chance(0.02)) this.dispatcher.answered(run.request.ticket);
    const count = this.random.chance(0.9)
      ? worker.finished.length
      : this.random.whole(0, worker.finished.length);
    for (const { request, beganAtMs, endsAtMs } of worker.finished.splice(0, count)) {
      if (!request.ticket.isAbandoned) request.finish("answered");
      this.dispatcher.finished(request.ticket, (endsAtMs - beganAtMs) * 1000, this.nowMs);
    }
  }

  #giveBack(worker: Worker): void {
    worker.isAsked = false;
    const given = worker.queue.splice(0);
    this.takenBack += given.length;
    const tickets = given.map((request) => request.ticket);
    this.dispatcher.takenBack(worker.id, tickets, this.nowMs);
  }
}

/** Plays `steps` steps, then lets everything come to rest. Throws where an invariant does not hold. */
export function simulateDispatch(seed: number, steps: number): Outcome {
  const world = new World(seed);
  const { random } = world;
  const odds = {
    submit: random.between(0.2, 0.9),
    leave: random.between(0, 0.1),
    kill: random.between(0, 0.02),
    limit: random.between(0, 0.1),
    look: random.between(0.1, 0.9),
    drain: random.between(0, 0.02),
    join: random.between(0.01, 0.1),
    control: random.between(0.1, 0.9),
    tick: random.between(0.1, 0.9),
    pauseMs: random.between(0.05, 10),
  };
  for (let step = 0; step < steps; step += 1) {
    if (random.chance(odds.submit)) for (let i = random.whole(1, 8); i > 0; i -= 1) world.submit();
    if (random.chance(odds.leave)) world.leave();
    if (random.chance(odds.kill)) world.kill();
    if (random.chance(odds.limit)) world.limit();
    if (random.chance(odds.drain)) world.drain();
    if (random.chance(odds.join)) world.addWorker();
    world.check();
    world.pass(random.between(0, odds.pauseMs));
    world.check();
    world.answerControl(odds.control);
    if (random.chance(odds.tick)) world.dispatcher.tick(world.nowMs);
    if (random.chance(odds.look)) world.dispatcher.look(world.nowMs);
    world.check();
  }
  settle(world);
  return report(world);
}

function settle(world: World): void {
  for (let turn = 0; turn < 5_000 && !world.isQuiet; turn += 1) {
    if (![...world.workers.values()].some((worker) => !worker.isDraining && !worker.isCondemned))
      world.addWorker();
    world.pass(5);
    world.answerControl(1);
    world.dispatcher.tick(world.nowMs);
    world.dispatcher.look(world.nowMs);
    world.check();
  }
  world.dispatcher.look(world.nowMs);
  ok(world.dispatcher.lookEveryMs === 0, "nothing is looked at while nothing with a limit runs");
  ok(world.isQuiet, "after calm nothing waits and nothing runs");
  for (const request of world.requests) ok(request.end !== "", `request ${request.id} never ended`);
}

function report(world: World): Outcome {
  const ends: Record<string, number> = {};
  for (const { end } of world.requests) ends[end] = (ends[end] ?? 0) + 1;
  return { requests: world.requests.length, ends, sentAhead: world.sentAhead, takenBack: world.takenBack };
}
