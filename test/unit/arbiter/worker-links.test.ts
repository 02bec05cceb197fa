import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AppFront } from "../../../src/arbiter/front-handle.ts";
import { Pool, type PoolWorker } from "../../../src/arbiter/pool.ts";
import { WorkerLinks } from "../../../src/arbiter/worker-links.ts";

const PID = 100;

class Stage {
  readonly pool = new Pool();
  /** What was said to the worker and to its front. */
  readonly said: string[] = [];
  readonly links: WorkerLinks;
  front: AppFront | undefined = undefined;

  constructor() {
    this.links = new WorkerLinks(this.pool, () => this.front, {
      send: (_age, { type }) => this.said.push(type),
      stop: (_worker, mode) => this.said.push(`stop ${mode}`),
    });
  }

  openFront(): void {
    this.front = {
      nr: 0,
      meeting: { address: "@here", token: "t" },
      drainWorker: () => this.said.push("drain"),
      expireWorker: () => {},
    };
  }

  worker(): PoolWorker {
    const worker = this.pool.addFork({ nr: 0, generation: 1 }, 0);
    return this.pool.enter(this.pool.note(worker, { pid: PID }), "ready", 1);
  }

  drain(): void {
    const worker = this.pool.byPid(PID) as PoolWorker; // it was made before
    this.links.drain(this.pool.enter(worker, "draining", 2, "scale-down"));
  }
}

describe("a worker's link", () => {
  it("is made when the worker is ready, or when its front is at last", () => {
    const early = new Stage();
    early.links.onWorkerReady(early.worker());
    assert.deepEqual(early.said, []);
    early.openFront();
    early.links.onFrontReady(0);
    assert.deepEqual(early.said, ["attach"]);
    const late = new Stage();
    late.openFront();
    late.links.onWorkerReady(late.worker());
    assert.deepEqual(late.said, ["attach"]);
  });

  it("is drained by the front before the worker is told to stop", () => {
    const stage = new Stage();
    stage.openFront();
    stage.links.onWorkerReady(stage.worker());
    stage.links.onJoined(PID);
    stage.drain();
    stage.links.onDrained(PID);
    assert.deepEqual(stage.said, ["attach", "drain", "stop graceful"]);
  });

  it("that is only coming is drained when it has come", () => {
    const stage = new Stage();
    stage.openFront();
    stage.links.onWorkerReady(stage.worker());
    stage.drain();
    assert.deepEqual(stage.said, ["attach"]);
    stage.links.onJoined(PID);
    assert.deepEqual(stage.said, ["attach", "drain"]);
  });

  it("is over with its front: who serves lets go of it, who drains stops", () => {
    const serving = new Stage();
    serving.openFront();
    serving.links.onWorkerReady(serving.worker());
    serving.links.onFrontGone(() => true);
    assert.deepEqual(serving.said, ["attach", "detach"]);
    const draining = new Stage();
    draining.openFront();
    draining.links.onWorkerReady(draining.worker());
    draining.drain();
    draining.links.onFrontGone(() => true);
    assert.deepEqual(draining.said, ["attach", "stop graceful"]);
  });
});
