import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { ASK_EVERY_MS, Vigil, type VigilOptions, type Watched } from "../../../src/arbiter/vigil.ts";

const NOTHING: VigilOptions = { maxRssBytes: 0, timeoutMs: 0, lifetimeMs: 0, lifetimeJitterMs: 0 };
const wsgi: Watched = { age: 1, bornAtMs: 0, isAsgi: false };
const asgi: Watched = { age: 2, bornAtMs: 0, isAsgi: true };

function vigil(options: Partial<VigilOptions>): Vigil {
  return new Vigil({ ...NOTHING, ...options }, () => 0.5);
}

describe("the arbiter's vigil", () => {
  it("asks nobody and never wakes up when there is nothing to watch", () => {
    const quiet = vigil({ timeoutMs: 30_000 });
    deepEqual(quiet.look([wsgi], 0), []);
    equal(quiet.nextMomentMs([wsgi]), Number.POSITIVE_INFINITY);
    deepEqual(quiet.look([wsgi], 1e9), []);
  });

  it("finds a worker that held too much twice in a row", () => {
    const watching = vigil({ maxRssBytes: 1024 * 1024 });
    watching.look([wsgi], 0);
    const answers = [2_000, 500, 2_000, 2_000, 2_000];
    const found = answers.map((rssKib, index) => {
      deepEqual(watching.look([wsgi], ASK_EVERY_MS * (index + 1)), [{ type: "ask", age: 1 }]);
      return watching.onAnswer(1, rssKib);
    });
    deepEqual(found, [false, false, false, true, false]);
  });

  it("finds a worker that is too old, each at its own age", () => {
    const watching = vigil({ lifetimeMs: 60_000, lifetimeJitterMs: 10_000 });
    watching.look([wsgi], 0);
    equal(watching.nextMomentMs([wsgi]), 65_000);
    deepEqual(watching.look([wsgi], 64_999), []);
    deepEqual(watching.look([wsgi], 65_000), [{ type: "old", age: 1 }]);
  });

  it("finds an asgi worker that leaves a question open", () => {
    const watching = vigil({ timeoutMs: 30_000 });
    watching.look([asgi], 0);
    deepEqual(watching.look([asgi], ASK_EVERY_MS), [{ type: "ask", age: 2 }]);
    deepEqual(watching.look([asgi], ASK_EVERY_MS + 29_999), []);
    deepEqual(watching.look([asgi], ASK_EVERY_MS + 30_000), [{ type: "silent", age: 2, forMs: 30_000 }]);
  });

  it("asks more often where the time limit is short, and weighs as seldom as ever", () => {
    const watching = vigil({ timeoutMs: 2_000, maxRssBytes: 1024 * 1024 });
    watching.look([asgi], 0);
    for (let nowMs = 1_000; nowMs < 20_000; nowMs += 1_000) {
      deepEqual(watching.look([asgi], nowMs), [{ type: "ask", age: 2 }]);
      equal(watching.onAnswer(2, 2_000), false, `after ${nowMs} ms`);
    }
    deepEqual(watching.look([asgi], 20_000), [{ type: "ask", age: 2 }]);
    equal(watching.onAnswer(2, 2_000), true);
    deepEqual(watching.look([asgi], 21_000), [{ type: "ask", age: 2 }]);
    deepEqual(watching.look([asgi], 23_000), [{ type: "silent", age: 2, forMs: 2_000 }]);
  });
});
