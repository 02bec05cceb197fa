// One server under test, from its start to the death of its last process.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { get as getOverTls } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isAlive, readTree } from "./process-tree.ts";
import type { Launch, Server } from "./server.ts";

const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 20;
const LOG_TAIL_CHARS = 1_500;

/** Every server that still has processes, so that an interrupted bench can end them. */
const alive = new Set<RunningServer>();

export class RunningServer {
  readonly port: number;
  readonly #scheme: "http" | "https";
  readonly #tempDir: string;
  readonly #children: ChildProcess[] = [];
  #spawnError: Error | undefined;

  private constructor(port: number, scheme: "http" | "https", tempDir: string) {
    this.port = port;
    this.#scheme = scheme;
    this.#tempDir = tempDir;
  }

  /** Resolves when `path` answers 200; rejects with the server's last words. */
  static async start(
    server: Server,
    launch: Omit<Launch, "port" | "tempDir">,
    path: string,
  ): Promise<RunningServer> {
    const tempDir = mkdtempSync(join(tmpdir(), "tunicorn-bench-"));
    const running = new RunningServer(await freePort(), server.isTls === true ? "https" : "http", tempDir);
    alive.add(running);
    try {
      for (const argv of server.commands({ ...launch, port: running.port, tempDir })) {
        running.#spawn(argv, join(launch.root, "bench/apps"));
      }
      await running.#ready(path);
      return running;
    } catch (error) {
      const log = readFileSync(join(tempDir, "log"), "utf8").slice(-LOG_TAIL_CHARS);
      await running.stop();
      throw new Error(`${server.name} did not start: ${String(error)}\n${log}`, { cause: error });
    }
  }

  /** Leaders of the sessions in which the server's processes live. */
  get roots(): number[] {
    return this.#children.map((child) => child.pid).filter((pid) => pid !== undefined);
  }

  url(path: string): string {
    return `${this.#scheme}://127.0.0.1:${this.port}${path}`;
  }

  /** Asks for an orderly end, then kills what is left, by process id, and waits until nothing is. */
  async stop(): Promise<void> {
    const tree = readTree(this.roots);
    for (const child of this.#children.toReversed()) child.kill("SIGTERM");
    const isGone = (): boolean => !tree.some(isAlive) && readTree(this.roots).length === 0;
    if (!(await until(isGone, STOP_TIMEOUT_MS))) {
      this.kill();
      await until(isGone, STOP_TIMEOUT_MS);
    }
    this.#forget();
  }

  /** Ends without waiting, as a signal handler must. */
  abandon(): void {
    this.kill();
    this.#forget();
  }

  kill(): void {
    for (const { pid } of readTree(this.roots)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself in between.
      }
    }
  }

  #forget(): void {
    rmSync(this.#tempDir, { recursive: true, force: true });
    alive.delete(this);
  }

  #spawn(argv: readonly string[], appsDir: string): void {
    const log = openSync(join(this.#tempDir, "log"), "a");
    const child = spawn(argv[0] ?? "", argv.slice(1), {
      // Its own session: no terminal's Ctrl-C reaches it, and its orphans can be told.
      detached: true,
      cwd: appsDir,
      stdio: ["ignore", log, log],
      env: cleanEnvironment(appsDir),
    });
    closeSync(log);
    child.on("error", (error) => {
      this.#spawnError = error;
    });
    this.#children.push(child);
  }

  async #ready(path: string): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (performance.now() < deadline) {
      if (this.#spawnError !== undefined) throw this.#spawnError;
      if (this.#children.some(hasEnded)) throw new Error("a process ended");
      if (await answers(this.url(path))) return;
      await delay(POLL_MS);
    }
    throw new Error(`no answer within ${READY_TIMEOUT_MS} ms`);
  }
}

export function abandonServers(): void {
  for (const running of alive) running.abandon();
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Nothing from the caller's own deployment may change what is measured. */
function cleanEnvironment(appsDir: string): NodeJS.ProcessEnv {
  const kept = ["PATH", "HOME", "LANG", "TMPDIR"].map((name) => [name, process.env[name]] as const);
  return { ...Object.fromEntries(kept), PYTHONPATH: appsDir, PYTHONDONTWRITEBYTECODE: "" };
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer().on("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const bound = server.address();
    server.close(() => resolve(typeof bound === "object" && bound !== null ? bound.port : 0));
  });
  return promise;
}

function answers(url: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const ask = url.startsWith("https:") ? getOverTls : get;
  // Nobody vouches for the certificate of a bench.
  const options = { agent: false, timeout: 5_000, rejectUnauthorized: false } as const;
  const request = ask(url, options, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  });
  request.on("timeout", () => request.destroy());
  request.on("error", () => resolve(false));
  return promise;
}

async function until(isTrue: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!isTrue()) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}
