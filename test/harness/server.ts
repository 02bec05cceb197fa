// tunicorn as a user starts it: `bin/tunicorn` with arguments, its output kept, its whole process tree gone at the end.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Endpoint } from "./http-client.ts";
import { markedProcesses, type ProcessTree, processTree } from "./process-tree.ts";
import type { Owner } from "./temporary.ts";
import { eventually, within } from "./wait.ts";

export const ROOT: string = join(import.meta.dirname, "../..");
export const APPS: string = join(ROOT, "test/apps");
/** The Python with the frameworks, which `npm test` made. */
export const PYTHON: string = join(
  process.env["TUNICORN_TEST_VENV"] ?? join(ROOT, ".venv-test"),
  "bin/python",
);

const BOOT_MS = 20_000;
const STOP_MS = 15_000;
/** Every child exits by itself when its parent is gone. */
const ORPHAN_MS = 1_000;

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Words before the command: setpriv, unshare, … */
  readonly wrapper?: readonly string[];
  /** The program, for the test of the installed package. */
  readonly command?: string;
  readonly python?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

export class Server {
  readonly #child: ChildProcess;
  readonly #mark: string = `TUNICORN_TEST_MARK=${randomUUID()}`;
  readonly #exit: Promise<Exit>;
  #output = "";
  #watchers: (() => void)[] = [];

  constructor(args: readonly string[], options: StartOptions = {}) {
    const command = [...(options.wrapper ?? []), options.command ?? join(ROOT, "bin/tunicorn"), ...args];
    this.#child = spawn(command[0] ?? "", command.slice(1), {
      cwd: options.cwd ?? APPS,
      env: this.#environment(options),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.on("data", (bytes: Buffer) => this.#collect(bytes));
    this.#child.stderr?.on("data", (bytes: Buffer) => this.#collect(bytes));
    this.#exit = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) => resolve({ code, signal, output: this.#output }));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it wrote to stdout and stderr so far. */
  get output(): string {
    return this.#output;
  }

  get tree(): ProcessTree {
    return processTree(this.pid, this.#mark);
  }

  /** The addresses of the log's "listening" lines, in order. */
  get endpoints(): Endpoint[] {
    return [...this.#output.matchAll(/istening\b.*?(?:[a-z]+:\/\/\S*?:(\d+)\b(?!:|\])|unix:([^\s"]+))/g)].map(
      ([, port, path]) => (port === undefined ? { path: path ?? "" } : { port: Number(port) }),
    );
  }

  get endpoint(): Endpoint {
    const [first] = this.endpoints;
    assert.ok(first, `no listening line in:\n${this.#output}`);
    return first;
  }

  get port(): number {
    assert.ok("port" in this.endpoint);
    return this.endpoint.port;
  }

  /** The output as soon as it matches. */
  async logged(pattern: RegExp, deadlineMs: number = BOOT_MS): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const look = (): void => {
      if (pattern.test(this.#output)) resolve(this.#output);
    };
    this.#watchers.push(look);
    look();
    void this.#exit.then(({ output }) => {
      look();
      reject(new Error(`exited without ${pattern}:\n${output}`));
    });
    try {
      return await within(deadlineMs, `${pattern} in the log`, promise);
    } catch (cause) {
      throw new Error(`no ${pattern} in the log:\n${this.#output}`, { cause });
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  exited(deadlineMs: number = STOP_MS): Promise<Exit> {
    return within(deadlineMs, `the server exits; it said:\n${this.#output}`, this.#exit);
  }

  /** TERM, the exit, and proof that nothing is left. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Exit> {
    this.signal(signal);
    const exit = await this.exited();
    await this.assertNothingLeft();
    return exit;
  }

  async assertNothingLeft(deadlineMs: number = ORPHAN_MS): Promise<void> {
    const left = (): boolean => markedProcesses(this.#mark).length === 0;
    await eventually(deadlineMs, `processes left behind: ${markedProcesses(this.#mark).join(" ")}`, left);
  }

  /** For the end of a test, however it went: kills what there still is. */
  async destroy(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.signal("SIGTERM");
      await this.exited().catch(() => {});
    }
    for (const pid of markedProcesses(this.#mark)) killIfThere(pid);
  }

  #environment(options: StartOptions): NodeJS.ProcessEnv {
    const [name = "", value] = this.#mark.split("=");
    const clean = {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      VIRTUAL_ENV: undefined,
      PYTHONPATH: undefined,
    };
    const python = options.python ?? PYTHON;
    return {
      ...clean,
      TUNICORN_PYTHON: undefined,
      VIRTUAL_ENV: join(python, "../.."),
      ...options.env,
      [name]: value,
    };
  }

  #collect(bytes: Buffer): void {
    this.#output += bytes.toString();
    for (const look of this.#watchers) look();
  }
}

/** Starts a server and waits until it listens. It ends with `owner`, which fails if a process outlives it. */
export async function startServer(
  owner: Owner,
  args: readonly string[],
  options: StartOptions = {},
): Promise<Server> {
  const server = new Server(args, options);
  owner.after(() => server.destroy());
  await server.logged(/istening\b/);
  return server;
}

/** Runs the command to its end. */
export async function runTunicorn(
  owner: Owner,
  args: readonly string[],
  options: StartOptions = {},
): Promise<Exit> {
  const server = new Server(args, options);
  owner.after(() => server.destroy());
  const exit = await server.exited();
  await server.assertNothingLeft();
  return exit;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it went by itself in the meantime
  }
}
