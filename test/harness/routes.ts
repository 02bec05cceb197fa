// A router whose actions write down which route they are of.

import { answerWithPage } from "../../src/handlers/error-page.ts";
import { Router, type RouterOptions } from "../../src/handlers/router.ts";
import type { Exchange, Handler } from "../../src/http/exchange.ts";
import { siteOf } from "../unit/config/site-support.ts";
import { FakeExchange, type FakeRequest } from "./fake-exchange.ts";

export interface TestRouter {
  readonly router: Router;
  /** `app`, `files ROOT`, or the status of an answer that no handler gave. */
  ask(request: FakeRequest): string;
  /** What the handler was given. */
  given(): Exchange;
}

/** `text`: [[routes]] of a tunicorn.toml with one application. Folders that begin with /absent have nothing in them. */
export function testRouter(text: string, options: Partial<RouterOptions> = {}): TestRouter {
  const { config } = siteOf(`app = "a"\n${text}`);
  let answer = "";
  let last: Exchange | undefined;
  const answers = (name: string): Handler => ({
    handle: (exchange) => {
      answer = name;
      last = exchange;
    },
  });
  const router = new Router({
    config,
    apps: new Map([["app", answers("app")]]),
    files: ({ root }, next) => (root.startsWith("/absent") ? next : answers(`files ${root}`)),
    filters: () => undefined,
    authenticate: () => (exchange) => answerWithPage(exchange.response, 401, {}),
    ...options,
  });
  const ask = (request: FakeRequest): string => {
    answer = "";
    const exchange = new FakeExchange(request);
    router.handle(exchange);
    return answer === "" ? describe(exchange) : answer;
  };
  const given = (): Exchange => {
    if (last === undefined) throw new Error("no handler was asked");
    return last;
  };
  return { router, ask, given };
}

function describe({ status, block, aborted }: FakeExchange): string {
  const fields = /^(?:Allow|Location): .*$/m.exec(block)?.[0]?.trim() ?? "";
  return aborted === "" ? `${status} ${fields}`.trim() : aborted;
}
