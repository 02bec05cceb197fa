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
    deepEqual(watching.look([wsgi], ASK_EVERY_MS), [{ type: "ask", age: 1 }]);
    equal(watching.onAnswer(1, 2_000), false);
    equal(watching.onAnswer(1, 500), false);
    equal(watching.onAnswer(1, 2_000), false);
    equal(watching.onAnswer(1, 2_000), true);
    equal(watching.onAnswer(1, 2_000), false);
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
});
