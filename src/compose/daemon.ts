// --daemon. Node cannot fork, so the command starts itself again in a session of its own (setsid) and waits until that one is
// ready, or has failed: then it ends, with the reason on stderr and the code that the server would have had.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import { activatedAddresses, DAEMON_VARIABLE } from "../arbiter/activation.ts";
import type { ArbiterView } from "../arbiter/view.ts";
import type { ErrorLog } from "../log/error-log.ts";
import { textLine } from "../log/error-log.ts";
import type { LogFields } from "../log/log.ts";
import { MAIN_FILE } from "./program.ts";

/** Behind what systemd may have handed over (sd_listen_fds(3)), which keeps its numbers. */
const FIRST_FD = 3;
const READY = "\0";
const EXIT_UNKNOWN = 1;

/** This process is the one in the background. */
export function isDetached(): boolean {
  return process.env[DAEMON_VARIABLE] !== undefined;
}

/** Resolves with the exit code of the command in the foreground. */
export function detach(
  argv: readonly string[],
  { keepsStdio }: { readonly keepsStdio: boolean },
): Promise<number> {
  const stdio = keepsStdio ? "inherit" : "ignore";
  const fds = activatedAddresses(process.env, process.pid).map((_, index) => FIRST_FD + index);
  const child = spawn(process.execPath, [...process.execArgv, MAIN_FILE, ...argv], {
    detached: true,
    env: { ...process.env, ...activationFor(fds.length), [DAEMON_VARIABLE]: `tell ${FIRST_FD + fds.length}` },
    stdio: ["ignore", stdio, stdio, ...fds, "pipe"],
  });
  return outcomeOf(child, FIRST_FD + fds.length);
}

/** Whoever starts a process does not know its pid yet: it takes this one for its own (`adoptActivation`). */
const OWN_PID = "own";

function activationFor(count: number): NodeJS.ProcessEnv {
  return count === 0 ? {} : { LISTEN_FDS: String(count), LISTEN_PID: OWN_PID };
}

/** In the background: what was handed to the command in the foreground was meant for this process. */
export function adoptActivation(): void {
  if (isDetached() && process.env["LISTEN_PID"] === OWN_PID) process.env["LISTEN_PID"] = String(process.pid);
}

function outcomeOf(child: ChildProcess, tellFd: number): Promise<number> {
  return new Promise((resolve) => {
    child.stdio[tellFd]?.on("data", (bytes: Buffer) => {
      const text = bytes.toString();
      process.stderr.write(text.replace(READY, ""));
      if (!text.includes(READY)) return;
      child.unref();
      resolve(0);
    });
    child.on("exit", (code) => resolve(code ?? EXIT_UNKNOWN));
    child.on("error", (error) => {
      process.stderr.write(`tunicorn: error: cannot run in the background: ${error.message}\n`);
      resolve(EXIT_UNKNOWN);
    });
  });
}

/** In the background: what the command in the foreground is told, until the server is ready. */
export class Teller {
  readonly #fd = Number(/^tell (\d+)$/.exec(process.env[DAEMON_VARIABLE] ?? "")?.[1] ?? -1);
  #isOpen: boolean = this.#fd >= FIRST_FD;

  /** Errors are told as well as logged. */
  around(log: ErrorLog): ErrorLog {
    if (!this.#isOpen) return log;
    const told =
      (write: (event: string, fields?: LogFields) => void) =>
      (event: string, fields?: LogFields): void => {
        this.#say(`tunicorn: error: ${textLine(event, fields)}\n`);
        write(event, fields);
      };
    return {
      trace: (event, fields) => log.trace(event, fields),
      debug: (event, fields) => log.debug(event, fields),
      info: (event, fields) => log.info(event, fields),
      warning: (event, fields) => log.warning(event, fields),
      error: told((event, fields) => log.error(event, fields)),
      critical: told((event, fields) => log.critical(event, fields)),
      reopen: () => log.reopen(),
      reconfigure: (config) => log.reconfigure(config),
      close: () => log.close(),
    };
  }

  onView({ phase }: ArbiterView): void {
    if (phase !== "serving" || !this.#isOpen) return;
    this.#say(READY);
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
  }

  #say(text: string): void {
    if (!this.#isOpen) return;
    try {
      writeSync(this.#fd, text);
    } catch {
      this.#isOpen = false; // nobody waits any more
    }
  }
}
