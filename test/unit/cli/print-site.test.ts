import { match } from "node:assert/strict";
import { describe, it } from "node:test";
import { printSiteText } from "../../../src/cli/print-site.ts";
import type { Config } from "../../../src/config/config.ts";
import { MATCH_ALL, NO_POLICY, type Route } from "../../../src/config/route.ts";

/** The line of a route, of a Config that has nothing else. */
function lineOf(route: Partial<Route>): string {
  const whole: Route = {
    name: "all",
    match: MATCH_ALL,
    action: { kind: "app", app: "shop", mount: "" },
    policy: NO_POLICY,
    ...route,
  };
  return printSiteText({ listeners: [], routes: [whole] } as unknown as Config, []);
}

describe("what --print-config says of a site", () => {
  it("names what a route takes and where it leads", () => {
    match(lineOf({}), /^# route all: everything → app shop\n$/);
  });

  it("names what a route lets clients do, and how often", () => {
    const policy = { ...NO_POLICY, bodyBytesMax: 10, rate: { burst: 20, stepMs: 600 }, deny: ["10.0.0.0/8"] };
    match(lineOf({ policy }), /; max_body 10; rate 100\/m,burst=20; deny 10\.0\.0\.0\/8\n$/);
  });
});
