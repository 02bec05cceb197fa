// Error pages from files, kept in memory and looked at again after a moment. An error page must be cheap, whoever causes errors:
// so the files are small, and asked after once a second at most.

import { readFileSync, type Stats, statSync } from "node:fs";
import { contentType } from "mime-types";
import type { Log } from "../../log/log.ts";

export interface PageFile {
  readonly bytes: Buffer;
  readonly contentType: string;
}

interface Kept {
  readonly page: PageFile | undefined;
  /** What the page was made of: a change of it means a change of the file. */
  readonly version: string;
  lookAtMs: number;
}

const LOOK_AGAIN_MS = 1_000;
const PAGE_BYTES_MAX = 1_048_576;

export class PageStore {
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, Kept>();

  constructor(log: Log, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** `path`: of the settings, so there are few. undefined when it cannot be read, which is logged once. */
  get(path: string): PageFile | undefined {
    const nowMs = this.#nowMs();
    const kept = this.#kept.get(path);
    if (kept !== undefined && nowMs < kept.lookAtMs) return kept.page;
    const found = this.#look(path, kept, nowMs);
    this.#kept.set(path, found);
    return found.page;
  }

  #look(path: string, kept: Kept | undefined, nowMs: number): Kept {
    const lookAtMs = nowMs + LOOK_AGAIN_MS;
    try {
      const stats = statSync(path);
      const version = versionOf(stats);
      if (kept?.version === version) return { ...kept, lookAtMs };
      return { page: readPage(path, stats), version, lookAtMs };
    } catch (error) {
      const version = String(error);
      if (kept?.version !== version) this.#complain(path, version);
      return { page: undefined, version, lookAtMs };
    }
  }

  #complain(path: string, error: string): void {
    this.#log.error("error page cannot be read; clients get the plain one", { path, error });
  }
}

function versionOf({ dev, ino, size, mtimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${mtimeMs}`;
}

function readPage(path: string, stats: Stats): PageFile {
  if (!stats.isFile()) throw new Error("it is no file");
  if (stats.size > PAGE_BYTES_MAX) throw new Error(`it is larger than ${PAGE_BYTES_MAX} bytes`);
  const bytes = readFileSync(path);
  return { bytes, contentType: contentType(path.slice(path.lastIndexOf("/") + 1)) || "text/html" };
}
