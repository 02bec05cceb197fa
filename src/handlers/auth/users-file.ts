// A file of users that is read again when it changes. Requests never wait for the disk but for the first of them.

import { readFile, stat } from "node:fs/promises";
import type { Log } from "../../log/log.ts";
import { parseUsers, USERS_BYTES_MAX, type Users } from "./users.ts";

/** Between two looks at the file. */
const LOOK_MS = 1_000;

export class UsersFile {
  readonly path: string;
  readonly #log: Log;
  readonly #nowMs: () => number;
  #users: Users | undefined;
  /** Of the file as it was read. */
  #mark = "";
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #look: Promise<void> | undefined;

  constructor(path: string, log: Log, nowMs: () => number) {
    this.path = path;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** As they were within the last second or so; undefined where they were never read, or cannot be. */
  get users(): Users | undefined {
    if (this.#nowMs() - this.#lookedAtMs >= LOOK_MS) void this.refresh();
    return this.#users;
  }

  /** Looks whether the file is another one now, and then reads it. Never rejects. */
  async refresh(): Promise<void> {
    this.#lookedAtMs = this.#nowMs();
    this.#look ??= this.#read().finally(() => {
      this.#look = undefined;
    });
    await this.#look;
  }

  async #read(): Promise<void> {
    try {
      const { mtimeMs, size, ino, ctimeMs } = await stat(this.path);
      const mark = `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
      if (mark === this.#mark) return;
      if (size > USERS_BYTES_MAX) throw new Error(`it has more than ${USERS_BYTES_MAX} bytes`);
      this.#users = parseUsers(await readFile(this.path, "utf8"));
      this.#mark = mark;
      for (const problem of this.#users.problems)
        this.#log.error("a user is left out", { file: this.path, problem });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // Who may come is not known any more: nobody may, rather than those of before.
      if (this.#mark !== reason)
        this.#log.error("the file of users cannot be read", { file: this.path, reason });
      this.#mark = reason;
      this.#users = undefined;
    }
  }
}
