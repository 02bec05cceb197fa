// Deploys under load: nothing is lost, whatever comes together.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { type Server, startServer } from "../harness/server.ts";
import { temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const RELOADS = 20;
const RATE_MIN = 200;
/** A little more, for what was not due yet when it ends. */
const REQUESTS_PER_SECOND = 220;
const PACE_MS = 5;
const WAITING_MAX = 2_000;

const SLOW_APP = `
import os, time
time.sleep(0.3)
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d bytes" % len(body)]
`;

/** GET and POST in turn on connections that are kept. A request is sent when it is due, whatever became of those before it. */
class SteadyClients {
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

async function reloads(server: Server, times: number): Promise<void> {
  for (let nr = 1; nr <= times; nr += 1) {
    server.signal("SIGHUP");
    const finished = (): number => server.output.split("reload finished").length - 1;
    await eventually(20_000, `reload ${nr}`, () => finished() >= nr);
  }
}

for (const preload of [[], ["--preload"]]) {
  test(`reloads under load, with a slow import and max_requests, lose nothing ${preload.join(" ")}`, async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, "slow.py"), SLOW_APP);
    const args = ["-w", "2", "--max-requests", "50", ...preload, "-b", "127.0.0.1:0", "slow"];
    const server = await startServer(t, args, { cwd: folder });
    await server.logged(/Ready at/);
    const clients = new SteadyClients(server.port);
    t.after(() => clients.stop());
    await reloads(server, Number(process.env["TUNICORN_TEST_RELOADS"] ?? RELOADS));
    await clients.stop();
    assert.deepEqual(clients.failures, []);
    t.diagnostic(`${clients.answered} requests answered, ${Math.round(clients.rate)} in each second`);
    assert.ok(clients.rate >= RATE_MIN, String(clients.rate));
    await server.stop();
  });
}

test("code that is broken leaves the old one serving, and the next reload mends it", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "slow.py");
  writeFileSync(file, SLOW_APP);
  const server = await startServer(t, ["-w", "2", "-b", "127.0.0.1:0", "slow"], { cwd: folder });
  await server.logged(/Ready at/);
  const clients = new SteadyClients(server.port);
  t.after(() => clients.stop());
  writeFileSync(file, `${SLOW_APP}\nthis is no python\n`);
  server.signal("SIGHUP");
  await server.logged(/SyntaxError/);
  await server.logged(/reload failed: the code that served before keeps serving/);
  writeFileSync(file, SLOW_APP);
  await reloads(server, 1);
  await clients.stop();
  assert.deepEqual(clients.failures, []);
  await server.stop();
});
