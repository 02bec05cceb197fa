// Tells when the application's files change. The kernel tells it (inotify, FSEvents), so an idle watcher costs nothing; where the
// kernel has no watches left, or cannot know, the files are looked at again and again.

import { existsSync } from "node:fs";
import type { FSWatcher } from "chokidar";
import type { Log } from "../log/log.ts";
import { type WatchOptions, WatchRules } from "./watch-rules.ts";

export interface Watcher {
  /** What the application imported is watched as well. */
  addModules(files: readonly string[]): void;
  close(): void;
}

/** The door through which the arbiter watches; a test gives another one. `onChange`: a file was made, written, or left. */
export type Watch = (options: WatchOptions, onChange: (file: string) => void, log: Log) => Watcher;

/** Imported files outside of the watched folders; each costs a watch of its own. */
const MODULES_MAX = 10_000;
const POLL_MS = 500;
/** inotify(7): no watches left for this user, no instances. */
const LIMIT_CODES: readonly string[] = ["ENOSPC", "EMFILE", "ENFILE"];

export const watchFiles: Watch = (options, onChange, log) => new FileWatcher(options, onChange, log);

class FileWatcher implements Watcher {
  readonly #rules: WatchRules;
  readonly #log: Log;
  readonly #onChange: (file: string) => void;
  /** Imported files that no watched folder holds. */
  #modules: string[] = [];
  #polls: boolean;
  #watcher: FSWatcher | undefined;
  #state: "opening" | "open" | "closed" = "opening";

  constructor(options: WatchOptions, onChange: (file: string) => void, log: Log) {
    this.#rules = new WatchRules(options, (folder) => existsSync(`${folder}/pyvenv.cfg`));
    this.#onChange = onChange;
    this.#log = log;
    this.#polls = options.polls;
    this.#open().catch((error: unknown) => this.#fail(error));
  }

  addModules(files: readonly string[]): void {
    const room = MODULES_MAX - this.#modules.length;
    const elsewhere = this.#rules.addModules(files.slice(0, Math.max(0, room)));
    this.#modules.push(...elsewhere);
    if (elsewhere.length > 0) this.#watcher?.add(elsewhere);
  }

  close(): void {
    this.#state = "closed";
    this.#watcher?.close().catch((error: unknown) => this.#fail(error));
  }

  /** Loaded only here: a server in production never needs the library. */
  async #open(onReady?: () => void): Promise<void> {
    const { watch } = await import("chokidar");
    if (this.#state === "closed") return;
    this.#state = "open";
    const watcher = watch([...this.#rules.roots, ...this.#modules], {
      usePolling: this.#polls,
      interval: POLL_MS,
      ignored: (path, stats) => this.#isIgnored(path, stats?.isFile(), stats?.isDirectory()),
      ignoreInitial: true,
      ignorePermissionErrors: true,
      // A replaced file is told as gone and come, at once; the library would wait for the second.
      atomic: false,
    });
    watcher.on("error", (error) => this.#onError(watcher, error));
    watcher.on("all", (event, path) => {
      if (event !== "addDir" && event !== "unlinkDir" && this.#rules.isCode(path)) this.#onChange(path);
    });
    watcher.on("ready", () => {
      this.#log.debug("watching for changes", { folders: this.#rules.roots });
      onReady?.();
    });
    this.#watcher = watcher;
  }

  #isIgnored(path: string, isFile: boolean | undefined, isFolder: boolean | undefined): boolean {
    if (isFile === true) return !this.#rules.isCode(path);
    return isFolder === true && this.#rules.isForeign(path);
  }

  /** A limit is met once for each folder: the first one counts. */
  #onError(watcher: FSWatcher, error: unknown): void {
    if (watcher !== this.#watcher) return;
    if (this.#polls || !isLimit(error)) this.#fail(error);
    else this.#poll(watcher, error);
  }

  /** Said once the files are looked at: whoever saves then is heard. */
  #poll(watcher: FSWatcher, { code: cause }: NodeJS.ErrnoException): void {
    const advice =
      "leave folders out with --reload-exclude, or raise fs.inotify.max_user_watches and max_user_instances (sysctl)";
    const event = "the system watches no more files for this user; they are looked at instead";
    this.#polls = true;
    this.#watcher = undefined;
    watcher
      .close()
      .then(() => this.#open(() => this.#log.warning(event, { everyMs: POLL_MS, cause, advice })))
      .catch((problem: unknown) => this.#fail(problem));
  }

  #fail(error: unknown): void {
    const cause = error instanceof Error ? error.message : String(error);
    this.#log.error("changes of files may go unnoticed", { cause });
  }
}

function isLimit(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && LIMIT_CODES.includes(String(error.code));
}
