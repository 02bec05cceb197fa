// --daemon. Node cannot fork, so the command starts itself again in a session of its own (setsid) and waits until that one is
// ready, or has failed: then it ends, with the reason on stderr and the code that the server would have had.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import { DAEMON_VARIABLE } from "../arbiter/activation.ts";
import type { ArbiterView } from "../arbiter/view.ts";
import type { ErrorLog } from "../log/error-log.ts";
import { textLine } from "../log/error-log.ts";
import type { LogFields } from "../log/log.ts";
import { MAIN_FILE } from "./program.ts";

const TELL_FD = 3;
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
  const child = spawn(process.execPath, [...process.execArgv, MAIN_FILE, ...argv], {
    detached: true,
    env: { ...process.env, [DAEMON_VARIABLE]: "tell" },
    stdio: ["ignore", stdio, stdio, "pipe"],
  });
  return outcomeOf(child);
}

function outcomeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.stdio[TELL_FD]?.on("data", (bytes: Buffer) => {
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
  #isOpen: boolean = process.env[DAEMON_VARIABLE] === "tell";

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
      close: () => log.close(),
    };
  }

  onView({ phase }: ArbiterView): void {
    if (phase !== "serving" || !this.#isOpen) return;
    this.#say(READY);
    if (this.#isOpen) closeSync(TELL_FD);
    this.#isOpen = false;
  }

  #say(text: string): void {
    if (!this.#isOpen) return;
    try {
      writeSync(TELL_FD, text);
    } catch {
      this.#isOpen = false; // nobody waits any more
    }
  }
}
