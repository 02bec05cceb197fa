// SIGUSR2: the program is started anew on the same sockets, beside this one. Who of the two goes is the
// operator's to say: TERM to the old one, and the new one takes its pid file; or TERM to the new one.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import {
  ACTIVATED_VARIABLE,
  DAEMON_VARIABLE,
  SUCCESSION_VARIABLE,
  withoutActivation,
} from "../arbiter/activation.ts";
import type { ListenerKeeper } from "../arbiter/listener-keeper.ts";
import type { HandedOver, Listener } from "../arbiter/listeners.ts";
import type { Log } from "../log/log.ts";
import { isDetached } from "./daemon.ts";
import { MAIN_FILE, PACKAGE_ROOT, START_FOLDER } from "./program.ts";

/** Descriptor 3 ends when the predecessor does; its listeners follow. */
const LIFE_LINE_FD = 3;
const FIRST_LISTENER_FD = 4;

/** What a new server got from the one that started it; undefined for one that was started otherwise. */
export function inherited(env: NodeJS.ProcessEnv): readonly HandedOver[] | undefined {
  const text = env[SUCCESSION_VARIABLE];
  if (text === undefined) return undefined;
  const paths: unknown = JSON.parse(text);
  if (!Array.isArray(paths)) return undefined;
  return paths.map((path, index) => ({ fd: FIRST_LISTENER_FD + index, path: String(path) }));
}

/** Told once, when the predecessor is gone. */
export function afterPredecessor(onGone: () => void): void {
  const line = new Socket({ fd: LIFE_LINE_FD, readable: true, writable: false });
  line.on("error", () => {}); // "close" follows
  line.on("close", onGone);
  line.resume();
  line.unref();
}

export class Succession {
  readonly #argv: readonly string[];
  readonly #listeners: ListenerKeeper;
  #handed: readonly Listener[] = [];
  readonly #log: Log;
  #successor: ChildProcess | undefined;

  constructor(argv: readonly string[], listeners: ListenerKeeper, log: Log) {
    this.#argv = argv;
    this.#listeners = listeners;
    this.#log = log;
  }

  get isUnderWay(): boolean {
    return this.#successor !== undefined;
  }

  begin(): void {
    if (this.#successor !== undefined) {
      this.#log.warning("a new server was started already", { pid: this.#successor.pid ?? 0 });
      return;
    }
    this.#handed = this.#listeners.current;
    const successor = this.#spawn(this.#handed);
    this.#successor = successor;
    for (const listener of this.#handed) listener.handOver(true);
    successor.on("error", (error) => this.#onEnd({ error: error.message }));
    successor.on("exit", (code, signal) => this.#onEnd(signal === null ? { code } : { signal }));
    successor.unref();
    (successor.stdio[LIFE_LINE_FD] as Socket | null)?.unref();
    this.#log.info("a new server was started on the same sockets", { pid: successor.pid ?? 0 });
  }

  #spawn(listeners: readonly Listener[]): ChildProcess {
    const launcher = join(PACKAGE_ROOT, "bin/tunicorn");
    const [command = "", ...args] = existsSync(launcher)
      ? [launcher]
      : [process.execPath, ...process.execArgv, MAIN_FILE];
    const paths = listeners.map(({ served: { path } }) => path);
    const env = {
      ...withoutActivation(process.env),
      ...(isDetached() ? { [DAEMON_VARIABLE]: "quiet" } : {}),
      [SUCCESSION_VARIABLE]: JSON.stringify(paths),
      ...(this.#listeners.areActivated ? { [ACTIVATED_VARIABLE]: "1" } : {}),
    };
    const fds = listeners.map(({ socket }) => socket.fd);
    return spawn(command, [...args, ...this.#argv], {
      cwd: START_FOLDER,
      env,
      stdio: ["ignore", "inherit", "inherit", "pipe", ...fds],
    });
  }

  #onEnd(how: { readonly code?: number | null; readonly signal?: string; readonly error?: string }): void {
    this.#successor = undefined;
    for (const listener of this.#handed) listener.handOver(false);
    this.#log.error("the new server ended: this one goes on", how);
  }
}
