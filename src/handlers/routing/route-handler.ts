// What a route puts around its action. In order: filters (so that refusals have the route's fields and pages, too), addresses,
// rates, passwords, the body's length.

import type { Route } from "../../config/route.ts";
import type { Exchange, Handler } from "../../http/exchange.ts";
import type { RouteFacts } from "../../http/route-facts.ts";
import { answerWithPage } from "../error-page.ts";
import type { Trust } from "../trust.ts";
import { withinBodyLimit } from "./body-limit.ts";
import { AddressGuard, type AddressOf } from "./client-address.ts";
import { RateLimit } from "./rate-limit.ts";

/** Answers the exchange itself, or lets it go on with the facts of who it is: at once, or later. */
export type Authenticate = (exchange: Exchange, facts: RouteFacts, go: (facts: RouteFacts) => void) => void;

export interface RouteHandlerOptions {
  readonly route: Route;
  readonly action: Handler;
  readonly trust: Trust;
  readonly addressOf: AddressOf;
  readonly filters: ((exchange: Exchange) => Exchange) | undefined;
  readonly authenticate: Authenticate | undefined;
  /** What the front refuses anyway. */
  readonly frontsBodyBytesMax: number;
}

export class RouteHandler implements Handler {
  readonly #action: Handler;
  readonly #facts: RouteFacts;
  readonly #filters: RouteHandlerOptions["filters"];
  readonly #addresses: AddressGuard | undefined;
  readonly #rate: RateLimit | undefined;
  readonly #addressOf: AddressOf;
  readonly #authenticate: Authenticate | undefined;
  /** 0: no limit but the front's. */
  readonly #bodyBytesMax: number;
  readonly #isGuarded: boolean;
  /** What the action may give back → what it came as. */
  readonly #originals: WeakMap<Exchange, Exchange> | undefined;

  constructor(options: RouteHandlerOptions) {
    const { route, action, trust, filters, authenticate, frontsBodyBytesMax } = options;
    const { policy } = route;
    this.#action = action;
    this.#facts = factsOf(route);
    this.#filters = filters;
    this.#addresses = AddressGuard.of(policy, trust);
    this.#rate = policy.rate === null ? undefined : new RateLimit(policy.rate);
    this.#addressOf = options.addressOf;
    this.#authenticate = authenticate;
    const bodyBytesMax = policy.bodyBytesMax ?? 0;
    this.#bodyBytesMax = bodyBytesMax === frontsBodyBytesMax ? 0 : bodyBytesMax;
    const isForSome = this.#addresses !== undefined || this.#rate !== undefined;
    this.#isGuarded = isForSome || authenticate !== undefined || this.#bodyBytesMax > 0;
    const isOptional = route.action.kind === "files" && route.action.files.isOptional;
    this.#originals = isOptional ? new WeakMap() : undefined;
  }

  handle(exchange: Exchange): void {
    exchange.route = this.#facts;
    const outer = this.#filters === undefined ? exchange : this.#filters(exchange);
    if (!this.#isGuarded) this.#act(outer, exchange);
    else this.#guard(outer, exchange);
  }

  #guard(outer: Exchange, original: Exchange): void {
    if (this.#addresses?.admits(outer) === false) {
      answerWithPage(outer.response, 403, {});
    } else if (this.#rate !== undefined && isTooOften(outer, this.#rate, this.#addressOf(outer))) {
      // It was told when to come again.
    } else if (this.#authenticate === undefined) {
      this.#limitBody(outer, original);
    } else {
      this.#authenticate(outer, this.#facts, (facts) => {
        outer.route = facts;
        this.#limitBody(outer, original);
      });
    }
  }

  #limitBody(outer: Exchange, original: Exchange): void {
    const limited = this.#bodyBytesMax === 0 ? outer : withinBodyLimit(outer, this.#bodyBytesMax);
    if (limited !== undefined) this.#act(limited, original);
  }

  #act(exchange: Exchange, original: Exchange): void {
    if (exchange !== original) this.#originals?.set(exchange, original);
    this.#action.handle(exchange);
  }

  /** The exchange as it came: this route has nothing to do with it any more. */
  release(exchange: Exchange): Exchange {
    const original = this.#originals?.get(exchange) ?? exchange;
    original.route = undefined;
    original.events = undefined;
    return original;
  }
}

function isTooOften({ response }: Exchange, rate: RateLimit, address: string): boolean {
  const waitMs = rate.waitMs(address, performance.now());
  if (waitMs === 0) return false;
  const detail = "Too many requests in a short time.";
  answerWithPage(response, 429, { detail, lines: `Retry-After: ${Math.ceil(waitMs / 1_000)}\r\n` });
  return true;
}

function factsOf({ action, policy }: Route): RouteFacts {
  const mount = action.kind === "app" ? action.mount : "";
  return { mount, timeoutMs: policy.timeoutMs ?? undefined, user: undefined };
}
