import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRate } from "../../../src/config/rate.ts";
import { isUnrouted } from "../../../src/handlers/router.ts";
import { RateLimit } from "../../../src/handlers/routing/rate-limit.ts";
import { clientOf } from "../../../src/http/client-of.ts";
import { testRouter } from "../../harness/routes.ts";
import { problemsOf, siteOf } from "../config/site-support.ts";

function limited(text: string): RateLimit {
  const rate = parseRate(text);
  ok(rate);
  return new RateLimit(rate);
}

describe("a client's rate", () => {
  it("lets so many come at once, and then one for each step of time", () => {
    const limit = limited("2/s,burst=3");
    deepEqual(
      [0, 0, 0, 0, 400, 500, 500, 1_000].map((ms) => limit.waitMs("a", 1_000 + ms)),
      [0, 0, 0, 500, 100, 0, 500, 0],
    );
    equal(limit.waitMs("a", 60_000), 0);
  });

  it("is each client's own", () => {
    const limit = limited("1/m");
    equal(limit.waitMs("a", 1_000), 0);
    equal(limit.waitMs("b", 1_000), 0);
    equal(limit.waitMs("a", 1_000), 60_000);
  });

  it("costs nothing to who is turned away", () => {
    const limit = limited("1/s");
    for (let count = 0; count < 100; count += 1) limit.waitMs("a", 1_000);
    equal(limit.waitMs("a", 2_000), 0);
  });

  it("is a network's of IPv6, of which one client has all addresses", () => {
    equal(clientOf("192.0.2.1"), "192.0.2.1");
    equal(clientOf("2001:db8::1"), "2001:db8:0:0");
    equal(clientOf("2001:DB8:0:0:1:2:3:4"), "2001:db8:0:0");
    equal(clientOf("2001:db8:0:1::"), "2001:db8:0:1");
    equal(clientOf("::1"), "0:0:0:0");
    equal(clientOf("fe80::1%eth0"), "fe80:0:0:0");
    equal(clientOf("unix"), "unix");
  });

  it("of many clients takes a bounded memory", () => {
    const limit = limited("1/m");
    limit.waitMs("first", 1_000);
    for (let count = 0; count < 70_000; count += 1) limit.waitMs(`${count}`, 1_000);
    equal(limit.waitMs("first", 1_000), 0, "it was forgotten");
    ok(limit.waitMs("69999", 1_000) > 0);
  });
});

describe("rate in a route", () => {
  it("answers 429 when it is passed, and other routes go on", () => {
    const { ask } = testRouter(`
[[routes]]
match.path = "/login"
rate = "2/m"
app = "app"
[[routes]]
app = "app"
`);
    deepEqual(
      [0, 1, 2].map(() => ask({ target: "/login" })),
      ["app", "app", "429"],
    );
    equal(ask({ target: "/" }), "app");
  });

  it("is the server's where a route to an application says none; files have none", () => {
    const { config } = siteOf(`
app = "a"
limit_rate = "5/s"
[[routes]]
match.path = "/own"
rate = "1/h"
app = "app"
[[routes]]
match.path = "/files/*"
files = "/files"
[[routes]]
app = "app"
`);
    deepEqual(
      config.routes.map(({ policy }) => policy.rate),
      [{ burst: 1, stepMs: 3_600_000 }, null, { burst: 5, stepMs: 200 }],
    );
    equal(isUnrouted(config.routes.slice(2)), false);
  });

  it("must be one", () => {
    for (const rate of ["10", "10/d", "0/s", "-1/s", "1/s,burst=0", "fast"]) {
      const [problem = ""] = problemsOf(`app = "a"\n[[routes]]\nrate = "${rate}"\napp = "app"\n`);
      match(problem, /rate.*expected a rate such as 10\/s/);
    }
  });
});
