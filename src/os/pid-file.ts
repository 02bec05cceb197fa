// A file with the server's process id, as gunicorn writes it: a living process's is refused, a stale one replaced,
// and at the end it is removed, if it is still ours.

import { readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";

const MODE = 0o644;

export class PidFileError extends Error {}

export class PidFile {
  #path: string;
  readonly #pid: number;

  /** Throws PidFileError when it names a living process or cannot be written. */
  constructor(path: string, pid: number) {
    const holder = livingHolder(path);
    if (holder !== undefined && holder !== pid) {
      throw new PidFileError(`already running with pid ${holder} (or the pid file ${path} is stale)`);
    }
    this.#path = path;
    this.#pid = pid;
    this.#write(path);
  }

  get path(): string {
    return this.#path;
  }

  /** Its process has taken another one's place. The other one's file is replaced, and the own one goes. */
  moveTo(path: string): void {
    const before = this.#path;
    this.#write(path);
    this.#path = path;
    if (before !== path) removeIfHeldBy(before, this.#pid);
  }

  /** Harmless when repeated. */
  remove(): void {
    removeIfHeldBy(this.#path, this.#pid);
  }

  /** Whoever reads it finds a whole number or none. */
  #write(path: string): void {
    const draft = `${path}.${this.#pid}.new`;
    try {
      writeFileSync(draft, `${this.#pid}\n`, { mode: MODE, flag: "w" });
      renameSync(draft, path);
    } catch (error) {
      removeIfHeldBy(draft, this.#pid);
      const reason = error instanceof Error ? error.message : String(error);
      throw new PidFileError(`cannot write the pid file ${path}: ${reason}`, { cause: error });
    }
  }
}

function removeIfHeldBy(path: string, pid: number): void {
  if (readPid(path) !== pid) return;
  try {
    unlinkSync(path);
  } catch {
    // Somebody else removed it, or took the right to do so: nothing is left to do.
  }
}

function livingHolder(path: string): number | undefined {
  const pid = readPid(path);
  return pid !== undefined && isAlive(pid) ? pid : undefined;
}

function readPid(path: string): number | undefined {
  try {
    const text = readFileSync(path, "latin1").trim();
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined; // there is none
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // somebody else's, but alive
  }
}
