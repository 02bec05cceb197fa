// Clients that ask at a steady rate whatever happens to the server, and count what was not answered well.

import { Agent, request } from "node:http";

/** A little more than 200 a second, for what was not due yet when it ends. */
const REQUESTS_PER_SECOND = 220;
const PACE_MS = 5;
const WAITING_MAX = 2_000;

/** GET and POST in turn on connections that are kept; `N bytes` is the answer that a body of N bytes is to get. A request is sent when it is due, whatever became of those before it. */
export class SteadyClients {
  readonly failures: string[] = [];
  answered = 0;
  readonly #agent: Agent = new Agent({ keepAlive: true });
  readonly #port: number;
  readonly #begunMs: number = performance.now();
  readonly #pace: NodeJS.Timeout;
  readonly #waiting = new Set<Promise<void>>();
  #sent = 0;
  #endedMs = Number.POSITIVE_INFINITY;

  constructor(port: number) {
    this.#port = port;
    this.#pace = setInterval(() => this.#sendDue(), PACE_MS);
  }

  /** To be asked after the stop: how many of each second's requests were answered well, early or late. */
  get rate(): number {
    return (this.answered * 1_000) / (this.#endedMs - this.#begunMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#pace);
    this.#endedMs = Math.min(this.#endedMs, performance.now());
    await Promise.all(this.#waiting);
    this.#agent.destroy();
  }

  /** After a pause of this process there are several. */
  #sendDue(): void {
    const due = ((performance.now() - this.#begunMs) * REQUESTS_PER_SECOND) / 1_000;
    for (; this.#sent < due; this.#sent += 1) {
      if (this.#waiting.size >= WAITING_MAX) this.failures.push(`${WAITING_MAX} requests wait`);
      else this.#send(this.#sent % 2 === 0 ? "" : "x".repeat(1_000));
    }
  }

  #send(body: string): void {
    const asked = this.#ask(this.#port, body).then((outcome) => {
      this.#waiting.delete(asked);
      if (outcome === `200 ${body.length} bytes`) this.answered += 1;
      else this.failures.push(outcome);
    });
    this.#waiting.add(asked);
  }

  #ask(port: number, body: string): Promise<string> {
    const method = body === "" ? "GET" : "POST";
    return new Promise((resolve) => {
      const asked = request({ port, host: "127.0.0.1", method, agent: this.#agent }, (response) => {
        let text = "";
        response.on("data", (bytes: Buffer) => {
          text += bytes.toString();
        });
        response.on("end", () => resolve(`${response.statusCode} ${text}`));
        response.on("error", (error) => resolve(String(error)));
      });
      asked.on("error", (error) => resolve(String(error)));
      asked.end(body);
    });
  }
}
