import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { Dispatcher } from "../../../src/dispatch/dispatcher.ts";
import { type Job, type RefusalCause, Ticket } from "../../../src/dispatch/ticket.ts";

class Recorded implements Job {
  readonly name: string;
  readonly isReplayable: boolean;
  isHeldByClient = false;
  limitMs = -1;
  readonly ticket: Ticket = new Ticket(this);
  readonly #log: string[];

  constructor(log: string[], name: string, isReplayable: boolean) {
    this.#log = log;
    this.name = name;
    this.isReplayable = isReplayable;
  }

  sendTo(workerId: number): void {
    this.#log.push(`${this.name}→${workerId}`);
  }

  expire(): void {
    this.#log.push(`${this.name} expired`);
  }

  refuse(cause: RefusalCause): void {
    this.#log.push(`${this.name} ${cause}`);
  }
}

class Stage {
  readonly log: string[] = [];
  readonly dispatcher: Dispatcher;

  constructor(
    options: {
      queueMax?: number;
      queueTimeoutMs?: number;
      requestsAheadMax?: number;
      limitConcurrency?: number;
      timeoutMs?: number;
    } = {},
  ) {
    const all = { queueMax: 10, queueTimeoutMs: 1_000, requestsAheadMax: 64, ...options };
    this.dispatcher = new Dispatcher(all, {
      takeBack: (id) => this.log.push(`take back ${id}`),
      drained: (id) => this.log.push(`drained ${id}`),
      worn: (id) => this.log.push(`worn ${id}`),
      overdue: (id, tickets, others) => this.log.push(`overdue ${id}: ${tickets.length} and ${others}`),
      expired: (id, tickets) => this.log.push(`expired ${tickets.length} of ${id}`),
    });
  }

  submit(name: string, options: { once?: boolean; nowMs?: number; limitMs?: number } = {}): Ticket {
    const job = new Recorded(this.log, name, options.once !== true);
    job.limitMs = options.limitMs ?? -1;
    this.dispatcher.submit(job.ticket, options.nowMs ?? 0);
    return job.ticket;
  }

  /** Makes a worker known as one of short requests of `micros`. */
  train(micros: number): void {
    for (let i = 0; i < 40; i += 1) this.dispatcher.finished(this.submit("t"), micros, 0);
    this.log.length = 0;
  }

  take(): string[] {
    return this.log.splice(0);
  }
}

describe("dispatcher", () => {
  it("chooses the least busy worker, and among equals the one whose load changed longest ago", () => {
    const stage = new Stage();
    stage.dispatcher.addWorker(1, 2, 0);
    stage.dispatcher.addWorker(2, 2, 0);
    const a = stage.submit("a");
    const b = stage.submit("b");
    stage.submit("c");
    stage.dispatcher.finished(b, 5_000, 1);
    stage.submit("d");
    stage.dispatcher.finished(a, 5_000, 1);
    stage.submit("e");
    deepEqual(stage.take(), ["a→1", "b→2", "c→1", "d→2", "e→2"]);
  });

  it("lets requests wait in order, and refuses those beyond the line", () => {
    const stage = new Stage({ queueMax: 2 });
    for (const name of ["a", "b", "c"]) stage.submit(name);
    deepEqual(stage.take(), ["c queue-full"]);
    stage.dispatcher.addWorker(1, 2, 0);
    deepEqual(stage.take(), ["a→1", "b→1"]);
  });

  it("refuses what is more than each worker may have running and waiting", () => {
    const stage = new Stage({ limitConcurrency: 2 });
    stage.dispatcher.addWorker(1, 1, 0);
    const a = stage.submit("a");
    for (const name of ["b", "c"]) stage.submit(name);
    stage.dispatcher.addWorker(2, 1, 0);
    for (const name of ["d", "e"]) stage.submit(name);
    deepEqual(stage.take(), ["a→1", "c concurrency-limit", "b→2"]);
    stage.submit("f");
    deepEqual(stage.take(), ["f concurrency-limit"]);
    stage.dispatcher.finished(a, 5_000, 1);
    deepEqual(stage.take(), ["d→1"]);
  });

  it("refuses what has waited too long", () => {
    const stage = new Stage({ queueTimeoutMs: 100 });
    stage.submit("a", { nowMs: 0 });
    stage.submit("b", { nowMs: 50 });
    stage.dispatcher.tick(99);
    deepEqual(stage.take(), []);
    stage.dispatcher.tick(100);
    deepEqual(stage.take(), ["a queue-timeout"]);
    equal(stage.dispatcher.waiting, 1);
  });

  it("forgets a waiting request whose client left", () => {
    const stage = new Stage();
    stage.dispatcher.cancel(stage.submit("a"));
    stage.submit("b");
    stage.dispatcher.addWorker(1, 1, 0);
    deepEqual(stage.take(), ["b→1"]);
  });

  it("gives a worker that it does not know exactly its slots", () => {
    const stage = new Stage();
    stage.dispatcher.addWorker(1, 1, 0);
    stage.submit("a");
    stage.submit("b");
    deepEqual(stage.take(), ["a→1"]);
  });

  it("sends as many ahead as fit in a millisecond of a short and steady app", () => {
    const stage = new Stage({ queueMax: 100 });
    stage.dispatcher.addWorker(1, 1, 0);
    stage.train(200);
    for (let i = 0; i < 9; i += 1) stage.submit(`${i}`);
    equal(stage.take().length, 5);
    equal(stage.dispatcher.waiting, 4);
  });

  it("never sends more ahead than was set, and none when that is one", () => {
    for (const requestsAheadMax of [1, 8]) {
      const stage = new Stage({ queueMax: 100, requestsAheadMax });
      stage.dispatcher.addWorker(1, 1, 0);
      stage.train(1);
      for (let i = 0; i < 20; i += 1) stage.submit(`${i}`);
      equal(stage.take().length, requestsAheadMax);
    }
  });

  it("sends nothing ahead after one slow request, until enough short ones followed", () => {
    const stage = new Stage();
    stage.dispatcher.addWorker(1, 1, 0);
    stage.train(50);
    stage.dispatcher.finished(stage.submit("slow"), 4_000, 0);
    stage.take();
    for (let i = 0; i < 16; i += 1) {
      const first = stage.submit("first");
      const second = stage.submit("second");
      equal(stage.dispatcher.waiting, 1, `after ${i} short ones`);
      stage.dispatcher.cancel(second);
      stage.dispatcher.finished(first, 50, 0);
    }
    stage.submit("first");
    stage.submit("second");
    equal(stage.dispatcher.waiting, 0);
  });

  it("prefers an idle worker to sending ahead", () => {
    const stage = new Stage();
    stage.dispatcher.addWorker(1, 1, 0);
    stage.train(10);
    stage.dispatcher.addWorker(2, 1, 0);
    for (const name of ["a", "b", "c"]) stage.submit(name);
    deepEqual(stage.take(), ["a→1", "b→2", "c→1"]);
  });

  it("never sends ahead what must not run twice", () => {
    const stage = new Stage();
    stage.dispatcher.addWorker(1, 1, 0);
    stage.train(10);
    stage.submit("a");
    stage.submit("post", { once: true });
    stage.submit("b");
    deepEqual(stage.take(), ["a→1"]);
  });

  it("takes back from a worker that shows no progress in two ticks, once", () => {
    const stage = new Stage();
    stage.dispatcher.addWorker(1, 1, 0);
    stage.train(10);
    stage.submit("a", { nowMs: 10 });
    stage.submit("b", { nowMs: 10 });
    stage.take();
    for (const nowMs of [11, 12.1]) stage.dispatcher.tick(nowMs);
    deepEqual(stage.take(), [], "the first that finds none only suspects");
    for (const nowMs of [12.2, 14, 16]) stage.dispatcher.tick(nowMs);
    deepEqual(stage.take(), ["take back 1"]);
  });

  it("puts what was taken back at the head of the line, in its order, before what waited already", () => {
    const stage = new Stage();
    stage.dispatcher.addWorker(1, 1, 0);
    stage.train(300);
    const running = stage.submit("a");
    const taken = [stage.submit("b"), stage.submit("c")];
    stage.submit("d");
    stage.dispatcher.takenBack(1, taken, 5);
    stage.take();
    stage.dispatcher.addWorker(2, 3, 6);
    deepEqual(stage.take(), ["b→2", "c→2", "d→2"]);
    stage.dispatcher.finished(running, 10_000, 9);
  });

  it("retries what may run twice and refuses the rest when a worker dies", () => {
    const stage = new Stage();
    stage.dispatcher.addWorker(1, 3, 0);
    stage.submit("get");
    stage.submit("post", { once: true });
    stage.dispatcher.answered(stage.submit("answered"));
    stage.take();
    const outcomes = stage.dispatcher.removeWorker(1, 1).map(({ outcome }) => outcome);
    deepEqual(outcomes, ["retry", "refuse", "refuse"]);
    deepEqual(stage.take(), ["post worker-died", "answered worker-died"]);
    stage.dispatcher.addWorker(2, 1, 2);
    deepEqual(stage.take(), ["get→2"]);
  });

  it("sends a retried request alone, and gives up after the third worker", () => {
    const stage = new Stage();
    const poison = stage.submit("poison");
    for (const id of [1, 2, 3]) {
      stage.dispatcher.addWorker(id, 1, id);
      equal(poison.workerId, id);
      stage.dispatcher.removeWorker(id, id);
    }
    deepEqual(stage.take(), ["poison→1", "poison→2", "poison→3", "poison worker-died"]);
  });

  it("reports a drained worker once, when it is empty, and gives it nothing more", () => {
    const stage = new Stage();
    stage.dispatcher.addWorker(1, 2, 0);
    const a = stage.submit("a");
    stage.dispatcher.drainWorker(1);
    stage.submit("b");
    deepEqual(stage.take(), ["a→1"]);
    stage.dispatcher.finished(a, 10, 1);
    stage.dispatcher.drainWorker(1);
    deepEqual(stage.take(), ["drained 1"]);
  });

  it("counts the slot of a running request whose client left until its worker ends it", () => {
    const stage = new Stage();
    stage.dispatcher.addWorker(1, 1, 0);
    const a = stage.submit("a");
    stage.submit("b");
    stage.dispatcher.cancel(a);
    deepEqual(stage.take(), ["a→1"]);
    stage.dispatcher.finished(a, 10, 1);
    deepEqual(stage.take(), ["b→1"]);
  });

  it("refuses everything that waits or comes after stop, and lets run what runs", () => {
    const stage = new Stage();
    stage.dispatcher.addWorker(1, 1, 0);
    const a = stage.submit("a");
    stage.submit("b");
    stage.dispatcher.stop();
    stage.submit("c");
    deepEqual(stage.take(), ["a→1", "b stopping", "c stopping"]);
    stage.dispatcher.finished(a, 10, 1);
    equal(stage.dispatcher.running, 0);
  });
});

describe("time limit of requests", () => {
  const looks = (stage: Stage, fromMs: number, toMs: number): void => {
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 100) stage.dispatcher.look(nowMs);
  };

  it("ends what ran for too long, gives the worker nothing more and asks back what waits behind", () => {
    const stage = new Stage({ timeoutMs: 800 });
    stage.dispatcher.addWorker(1, 1, 0);
    stage.train(100);
    const slow = stage.submit("slow");
    const behind = stage.submit("behind");
    looks(stage, 0, 700);
    deepEqual(stage.take(), ["slow→1", "behind→1"]);
    looks(stage, 800, 2_000);
    deepEqual(stage.take(), ["slow expired", "take back 1", "overdue 1: 1 and 0"]);
    stage.dispatcher.takenBack(1, [behind], 2_000);
    stage.submit("next");
    deepEqual(stage.take(), []);
    stage.dispatcher.addWorker(2, 1, 2_000);
    deepEqual(stage.take(), ["behind→2"]);
    deepEqual(
      stage.dispatcher.removeWorker(1, 2_100).map(({ ticket }) => ticket === slow),
      [true],
    );
  });

  it("tells again when those that run beside the overdue one are over", () => {
    const stage = new Stage({ timeoutMs: 800 });
    stage.dispatcher.addWorker(1, 2, 0);
    stage.submit("stuck");
    looks(stage, 0, 300);
    const other = stage.submit("other", { nowMs: 300 });
    looks(stage, 400, 900);
    deepEqual(stage.take(), ["stuck→1", "other→1", "stuck expired", "overdue 1: 1 and 1"]);
    stage.dispatcher.finished(other, 1, 950);
    looks(stage, 1_000, 1_500);
    deepEqual(stage.take(), ["overdue 1: 1 and 0"]);
  });

  it("begins anew with each sign of life, and leaves alone who waits for a client", () => {
    const stage = new Stage({ timeoutMs: 800 });
    stage.dispatcher.addWorker(1, 2, 0);
    const stream = stage.submit("stream");
    const held = stage.submit("held");
    (held.job as Recorded).isHeldByClient = true;
    stage.take();
    for (let nowMs = 0; nowMs < 5_000; nowMs += 700) {
      stream.hasMoved = true;
      looks(stage, nowMs, nowMs + 600);
    }
    deepEqual(stage.take(), []);
  });

  it("does not count the time in which this process stood still", () => {
    const stage = new Stage({ timeoutMs: 800 });
    stage.dispatcher.addWorker(1, 1, 0);
    stage.submit("one");
    looks(stage, 0, 300);
    looks(stage, 1_000_000, 1_000_200);
    deepEqual(stage.take(), ["one→1"]);
  });

  it("does not apply to workers that run many things at once", () => {
    const stage = new Stage({ timeoutMs: 800 });
    stage.dispatcher.addWorker(1, 10, 0, { isTimed: false });
    stage.submit("one");
    looks(stage, 0, 5_000);
    deepEqual(stage.take(), ["one→1"]);
  });
});

describe("a request's own time limit", () => {
  const looks = (stage: Stage, fromMs: number, toMs: number): void => {
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 50) stage.dispatcher.look(nowMs);
  };

  it("counts in place of the server's, shorter or longer, or is none", () => {
    const stage = new Stage({ timeoutMs: 800 });
    stage.dispatcher.addWorker(1, 3, 0);
    stage.submit("short", { limitMs: 200 });
    stage.submit("long", { limitMs: 1_600 });
    stage.submit("free", { limitMs: 0 });
    stage.take();
    looks(stage, 0, 150);
    deepEqual(stage.take(), []);
    looks(stage, 200, 1_550);
    deepEqual(stage.take(), ["short expired", "overdue 1: 1 and 2"]);
    looks(stage, 1_600, 5_000);
    deepEqual(stage.take(), ["long expired", "overdue 1: 2 and 1"]);
  });

  it("is looked at eight times, and only while such a request runs", () => {
    const stage = new Stage({ timeoutMs: 0 });
    stage.dispatcher.addWorker(1, 1, 0);
    equal(stage.dispatcher.lookEveryMs, 0);
    const one = stage.submit("one", { limitMs: 400 });
    equal(stage.dispatcher.lookEveryMs, 50);
    stage.dispatcher.look(50);
    equal(stage.dispatcher.lookEveryMs, 50);
    stage.dispatcher.finished(one, 1, 60);
    stage.dispatcher.look(100);
    equal(stage.dispatcher.lookEveryMs, 0);
  });

  it("may be set anew while the request runs, and then counts from there", () => {
    const stage = new Stage({ timeoutMs: 0 });
    stage.dispatcher.addWorker(1, 2, 0);
    const one = stage.submit("one", { limitMs: 400 });
    const two = stage.submit("two");
    looks(stage, 0, 300);
    stage.dispatcher.limit(one, 0);
    stage.dispatcher.limit(two, 200);
    looks(stage, 350, 500);
    deepEqual(stage.take(), ["one→1", "two→1"]);
    looks(stage, 550, 2_000);
    deepEqual(stage.take(), ["two expired", "overdue 1: 1 and 1"]);
  });

  it("ends a request alone where the worker runs many things at once", () => {
    const stage = new Stage({ timeoutMs: 800 });
    stage.dispatcher.addWorker(1, 10, 0, { isTimed: false });
    stage.submit("plain");
    stage.submit("limited", { limitMs: 200 });
    looks(stage, 0, 5_000);
    stage.submit("next");
    deepEqual(stage.take(), ["plain→1", "limited→1", "limited expired", "expired 1 of 1", "next→1"]);
  });

  it("does not make a long limit of others longer when it is looked at more often now and then", () => {
    const stage = new Stage({ timeoutMs: 8_000 });
    stage.dispatcher.addWorker(1, 2, 0, { takesAhead: false });
    stage.submit("slow");
    stage.take();
    let nowMs = 0;
    for (; nowMs < 7_900; nowMs += 100) {
      const quick = stage.submit("quick", { limitMs: 160, nowMs });
      stage.dispatcher.look(nowMs + 20);
      stage.dispatcher.finished(quick, 1, nowMs + 30);
    }
    equal(stage.take().includes("slow expired"), false);
    for (const until = nowMs + 1_200; nowMs <= until; nowMs += 100) stage.dispatcher.look(nowMs);
    deepEqual(stage.take(), ["slow expired", "overdue 1: 1 and 0"]);
  });

  it("is the route's again when another worker gets the request", () => {
    const stage = new Stage({ timeoutMs: 0 });
    stage.dispatcher.addWorker(1, 1, 0);
    const one = stage.submit("one", { limitMs: 400 });
    stage.dispatcher.limit(one, 0);
    stage.dispatcher.addWorker(2, 1, 0);
    stage.dispatcher.removeWorker(1, 10);
    equal(one.limitMs, 400);
    looks(stage, 10, 500);
    deepEqual(stage.take(), ["one→1", "one→2", "one expired", "overdue 2: 1 and 0"]);
  });
});

describe("a worker's number of requests", () => {
  it("is told of once, and the worker goes on", () => {
    const stage = new Stage();
    stage.dispatcher.addWorker(1, 1, 0, { requestsMax: 2 });
    for (const name of ["a", "b", "c"]) stage.dispatcher.finished(stage.submit(name), 1, 0);
    deepEqual(stage.take(), ["a→1", "worn 1", "b→1", "c→1"]);
  });
});
