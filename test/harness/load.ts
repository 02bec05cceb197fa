// A steady load: several clients, each asking again as soon as it has an answer, until told to stop.

import { ask, type Endpoint, type Reply } from "./http-client.ts";

const CLIENTS = 8;

export interface LoadResult {
  readonly answered: number;
  /** What went wrong: an error's message, or a status other than 200. */
  readonly failures: readonly string[];
  readonly bodies: ReadonlySet<string>;
}

export class Load {
  readonly clients: number = CLIENTS;
  readonly #running: Promise<void>[];
  readonly #failures: string[] = [];
  readonly #bodies = new Set<string>();
  #answered = 0;
  #isStopped = false;

  constructor(endpoint: Endpoint, path: string) {
    this.#running = Array.from({ length: CLIENTS }, () => this.#client(endpoint, path));
  }

  get answered(): number {
    return this.#answered;
  }

  async stop(): Promise<LoadResult> {
    this.#isStopped = true;
    await Promise.all(this.#running);
    return { answered: this.#answered, failures: this.#failures, bodies: this.#bodies };
  }

  async #client(endpoint: Endpoint, path: string): Promise<void> {
    while (!this.#isStopped) {
      try {
        this.#note(await ask(endpoint, { path }));
      } catch (error) {
        this.#failures.push(String(error));
      }
    }
  }

  #note(reply: Reply): void {
    this.#answered += 1;
    this.#bodies.add(reply.body);
    if (reply.status !== 200) this.#failures.push(`status ${reply.status}`);
  }
}
