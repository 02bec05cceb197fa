// Health for load balancers and kubelets, answered by the front itself: no worker is asked, so load never fails it.
// `live`: this process answers, and the arbiter behind it lives (else this process would not). `ready`: requests are welcome.

import type { Exchange, Handler } from "../http/exchange.ts";
import { answerWithJson } from "./json-answer.ts";

export interface HealthFacts {
  /** Workers that may be given requests. */
  readonly workers: number;
  readonly waiting: number;
  readonly running: number;
  /** Applications that have no worker. */
  readonly unserved: readonly string[];
  /** A stop was asked for. */
  readonly isLeaving: boolean;
}

export interface HealthOptions {
  /** Begins and ends with a slash. */
  readonly prefix: string;
  readonly queueMax: number;
  facts(): HealthFacts;
  /** Gets everything else. */
  readonly next: Handler;
}

/** The paths that are answered below a prefix. */
export function healthPaths(prefix: string): { readonly live: string; readonly ready: string } {
  return { live: `${prefix}live`, ready: `${prefix}ready` };
}

export class HealthHandler implements Handler {
  readonly #options: HealthOptions;
  readonly #live: string;
  readonly #ready: string;

  constructor(options: HealthOptions) {
    this.#options = options;
    const { live, ready } = healthPaths(options.prefix);
    this.#live = live;
    this.#ready = ready;
  }

  handle(exchange: Exchange): void {
    const { path, method } = exchange.head;
    const isReady = path === this.#ready;
    if (!isReady && path !== this.#live) this.#options.next.handle(exchange);
    else if (method !== "GET" && method !== "HEAD") refuseMethod(exchange);
    else if (isReady) this.#answerReady(exchange);
    else answerWithJson(exchange.response, 200, { status: "live" });
  }

  #answerReady(exchange: Exchange): void {
    const facts = this.#options.facts();
    const reason = this.#reasonAgainst(facts);
    const { workers, waiting, running } = facts;
    if (reason === undefined) {
      answerWithJson(exchange.response, 200, { status: "ready", workers, waiting, running });
    } else {
      answerWithJson(exchange.response, 503, { status: "not ready", reason, workers, waiting, running });
    }
  }

  /** Whoever sends requests here sends those of every application. */
  #reasonAgainst({ isLeaving, workers, waiting, unserved }: HealthFacts): string | undefined {
    const { queueMax } = this.#options;
    if (isLeaving) return "stopping";
    if (workers === 0 && unserved.length > 0) return "no worker serves";
    if (unserved.length > 0) return `no worker serves ${unserved.join(", ")}`;
    return queueMax > 0 && waiting >= queueMax ? "the waiting line is full" : undefined;
  }
}

function refuseMethod({ response }: Exchange): void {
  answerWithJson(response, 405, { status: "method not allowed" }, "Allow: GET, HEAD\r\n");
}
