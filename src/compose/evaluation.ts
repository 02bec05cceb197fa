// A forkserver that runs the configuration file before there is an arbiter: addresses stand in that file. Afterwards it is
// the first generation's, so that the file runs once.

import { type Child, type ChildExit, type ChildSink, spawnChild } from "../arbiter/child.ts";
import type { AdoptForkserver } from "../arbiter/setup.ts";
import { Deferred } from "../base/deferred.ts";
import type { Line } from "../control/json-lines.ts";
import type { Evaluate, Evaluated } from "../control/messages.ts";
import { readForkserverReport } from "../control/shapes.ts";
import { pythonSpec } from "./python.ts";

export interface Evaluation {
  readonly evaluated: Evaluated;
  readonly adopt: AdoptForkserver;
  /** It is not needed after all. */
  end(): void;
}

/** Rejects when the process ends, or takes too long. */
export async function evaluate(python: string, request: Evaluate, timeoutMs: number): Promise<Evaluation> {
  const waiting = new Waiting();
  const child = spawnChild(pythonSpec(python), waiting);
  child.send(request);
  const timer = setTimeout(() => {
    waiting.fail(`${request.name} did not come to its end within ${timeoutMs / 1000} s`);
    child.kill("SIGKILL");
  }, timeoutMs);
  try {
    const evaluated = await waiting.evaluated;
    return { evaluated, adopt: (sink) => waiting.adopt(sink, child), end: () => child.kill("SIGKILL") };
  } finally {
    clearTimeout(timer);
  }
}

/** Hears the child until an arbiter does. */
class Waiting implements ChildSink {
  readonly #result = new Deferred<Evaluated>();
  #adopter: ChildSink | undefined;
  #exit: ChildExit | undefined;

  get evaluated(): Promise<Evaluated> {
    return this.#result.promise;
  }

  fail(reason: string): void {
    this.#result.reject(new Error(reason));
  }

  adopt(sink: ChildSink, child: Child): Child {
    this.#adopter = sink;
    const exit = this.#exit;
    if (exit !== undefined) setImmediate(() => sink.onGone(exit));
    return child;
  }

  onLine(line: Line): void {
    if (this.#adopter !== undefined) {
      this.#adopter.onLine(line);
      return;
    }
    const reading = readForkserverReport(line);
    if (reading.kind === "report" && reading.report.type === "evaluated")
      this.#result.resolve(reading.report);
  }

  onGone(exit: ChildExit): void {
    this.#exit = exit;
    this.#adopter?.onGone(exit);
    const end = exit.signal ?? (exit.error === undefined ? `exit code ${exit.code}` : exit.error.message);
    this.fail(`Python ended with ${end} while it ran the configuration file`);
  }
}
