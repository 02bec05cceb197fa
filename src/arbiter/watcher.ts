// Tells when the application's files change. The kernel tells it (inotify, FSEvents), so an idle watcher costs nothing.

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

export const watchFiles: Watch = (options, onChange, log) => new FileWatcher(options, onChange, log);

class FileWatcher implements Watcher {
  readonly #rules: WatchRules;
  readonly #log: Log;
  readonly #onChange: (file: string) => void;
  #modules = 0;
  /** Files that came while the library was being loaded. */
  #early: string[] = [];
  #watcher: FSWatcher | undefined;
  #state: "opening" | "open" | "closed" = "opening";

  constructor(options: WatchOptions, onChange: (file: string) => void, log: Log) {
    this.#rules = new WatchRules(options, (folder) => existsSync(`${folder}/pyvenv.cfg`));
    this.#onChange = onChange;
    this.#log = log;
    this.#open().catch((error: unknown) => this.#fail(error));
  }

  addModules(files: readonly string[]): void {
    const room = MODULES_MAX - this.#modules;
    const elsewhere = this.#rules.addModules(files.slice(0, Math.max(0, room)));
    this.#modules += elsewhere.length;
    if (elsewhere.length === 0) return;
    if (this.#watcher === undefined) this.#early.push(...elsewhere);
    else this.#watcher.add(elsewhere);
  }

  close(): void {
    this.#state = "closed";
    this.#watcher?.close().catch((error: unknown) => this.#fail(error));
  }

  /** Loaded only here: a server in production never needs the library. */
  async #open(): Promise<void> {
    const { watch } = await import("chokidar");
    if (this.#state === "closed") return;
    this.#state = "open";
    const watcher = watch([...this.#rules.roots, ...this.#early], {
      ignored: (path, stats) => this.#isIgnored(path, stats?.isFile(), stats?.isDirectory()),
      ignoreInitial: true,
      ignorePermissionErrors: true,
      // A replaced file is told as gone and come, at once; the library would wait for the second.
      atomic: false,
    });
    watcher.on("error", (error) => this.#fail(error));
    watcher.on("all", (event, path) => {
      if (event !== "addDir" && event !== "unlinkDir" && this.#rules.isCode(path)) this.#onChange(path);
    });
    watcher.on("ready", () => this.#log.debug("watching for changes", { folders: this.#rules.roots }));
    this.#watcher = watcher;
  }

  #isIgnored(path: string, isFile: boolean | undefined, isFolder: boolean | undefined): boolean {
    if (isFile === true) return !this.#rules.isCode(path);
    return isFolder === true && this.#rules.isForeign(path);
  }

  #fail(error: unknown): void {
    const cause = error instanceof Error ? error.message : String(error);
    this.#log.error("changes of files may go unnoticed", { cause });
  }
}
