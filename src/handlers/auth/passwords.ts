// Asks the thread that compares passwords, one question after the other: a bounded number waits, each for a bounded time.

import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { PasswordAnswer, PasswordQuestion } from "./password-thread.ts";

export type Verdict = "right" | "wrong" | "busy" | "failed";

/** Questions that may wait for the thread. */
const WAITING_MAX = 32;
const WAIT_MS_MAX = 10_000;

interface Waiting {
  readonly answer: (verdict: Verdict) => void;
  readonly timer: NodeJS.Timeout;
}

export class Passwords {
  readonly #waiting = new Map<number, Waiting>();
  readonly #onFailure: (reason: string) => void;
  #thread: Worker | undefined;
  #ids = 0;

  constructor(onFailure: (reason: string) => void) {
    this.#onFailure = onFailure;
  }

  /** `answer` is called once, later or at once. */
  compare(password: string, hash: string, answer: (verdict: Verdict) => void): void {
    if (this.#waiting.size >= WAITING_MAX) {
      answer("busy");
      return;
    }
    this.#ids += 1;
    const id = this.#ids;
    const timer = setTimeout(() => this.#settle(id, "busy"), WAIT_MS_MAX);
    timer.unref();
    this.#waiting.set(id, { answer, timer });
    const question: PasswordQuestion = { id, password, hash };
    this.#thread ??= this.#start();
    this.#thread.postMessage(question);
  }

  #start(): Worker {
    const file = new URL(`./password-thread${extname(import.meta.url)}`, import.meta.url);
    const thread = new Worker(file, { env: {}, execArgv: [], argv: [] });
    thread.unref();
    thread.on("message", ({ id, isRight }: PasswordAnswer) => this.#settle(id, isRight ? "right" : "wrong"));
    thread.on("error", (error) => this.#fail(thread, error instanceof Error ? error.message : String(error)));
    thread.on("exit", () => this.#fail(thread, "it ended"));
    return thread;
  }

  #settle(id: number, verdict: Verdict): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.answer(verdict);
  }

  /** The next question starts another thread. */
  #fail(thread: Worker, reason: string): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    this.#onFailure(reason);
    for (const id of [...this.#waiting.keys()]) this.#settle(id, "failed");
  }

  /** No question is asked any more. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    for (const id of [...this.#waiting.keys()]) this.#settle(id, "failed");
    await thread?.terminate();
  }
}
