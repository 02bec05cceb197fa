import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { type HealthFacts, HealthHandler } from "../../../src/handlers/health.ts";
import type { Exchange } from "../../../src/http/exchange.ts";
import { FakeExchange, type FakeRequest } from "../../harness/fake-exchange.ts";

const CALM: HealthFacts = { workers: 2, waiting: 0, running: 1, unserved: [], isLeaving: false };

function ask(request: FakeRequest, facts: Partial<HealthFacts> = {}, prefix = "/-/"): FakeExchange {
  const next = { handle: (exchange: Exchange): void => exchange.response.abort("bad-request", 404, "app") };
  const handler = new HealthHandler({ prefix, queueMax: 10, facts: () => ({ ...CALM, ...facts }), next });
  const exchange = new FakeExchange(request);
  handler.handle(exchange);
  return exchange;
}

describe("health", () => {
  it("is live as long as it answers, whatever the workers do", () => {
    const { status, text } = ask({ target: "/-/live" }, { workers: 0, waiting: 10, isLeaving: true });
    equal(status, 200);
    deepEqual(JSON.parse(text), { status: "live" });
  });

  it("is ready while a worker serves and the line has room", () => {
    const { status, text } = ask({ target: "/-/ready?deep=1" }, { waiting: 9 });
    equal(status, 200);
    deepEqual(JSON.parse(text), { status: "ready", workers: 2, waiting: 9, running: 1 });
  });

  const REASONS: readonly (readonly [Partial<HealthFacts>, string])[] = [
    [{ workers: 0, unserved: ["api", "admin"] }, "no worker serves"],
    [{ unserved: ["api", "admin"] }, "no worker serves api, admin"],
    [{ waiting: 10 }, "the waiting line is full"],
    [{ isLeaving: true }, "stopping"],
  ];
  for (const [facts, reason] of REASONS) {
    it(`says 503 and why: ${reason}`, () => {
      const { status, text } = ask({ target: "/-/ready" }, facts);
      equal(status, 503);
      equal(JSON.parse(text).reason, reason);
    });
  }

  it("must not be kept by caches", () => {
    match(ask({ target: "/-/ready" }).block, /Cache-Control: no-store\r\n/);
  });

  it("refuses methods that would change something", () => {
    const { status, block } = ask({ method: "POST", target: "/-/ready" });
    equal(status, 405);
    match(block, /Allow: GET, HEAD\r\n/);
  });

  it("leaves everything else to the application, also what looks alike", () => {
    for (const target of ["/", "/-/", "/-/livex", "/-/live/", "//-/live", "/-/LIVE", "/live"]) {
      equal(ask({ target }).aborted, "bad-request 404 app", target);
    }
    equal(ask({ target: "/live" }, {}, "/").status, 200);
  });
});
