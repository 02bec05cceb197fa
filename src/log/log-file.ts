// The few operations of the system that logs need, as a port, so that tests can let a disk be full.

import fs from "node:fs";

export interface LogFiles {
  /** Opens for appending. Throws. */
  open(path: string): number;
  close(fd: number): void;
  /** How many bytes of `bytes` from `offset` on were written. Throws. */
  writeSync(fd: number, bytes: Uint8Array, offset: number): number;
  /** The same in the background, so that a stuck reader of a pipe holds nobody up. */
  write(
    fd: number,
    bytes: Uint8Array,
    offset: number,
    done: (error: NodeJS.ErrnoException | null, written: number) => void,
  ): void;
}

export const NODE_LOG_FILES: LogFiles = {
  open: (path) => fs.openSync(path, "a"),
  close: (fd) => fs.closeSync(fd),
  writeSync: (fd, bytes, offset) => fs.writeSync(fd, bytes, offset),
  write: (fd, bytes, offset, done) => fs.write(fd, bytes, offset, bytes.length - offset, null, done),
};

/** The descriptor of a standard stream that `path` names, or undefined for a file. Their paths cannot be opened under systemd. */
export function standardStream(path: string, dash: 1 | 2): 1 | 2 | undefined {
  if (path === "-") return dash;
  if (path === "/dev/stdout") return 1;
  return path === "/dev/stderr" ? 2 : undefined;
}

/** A log that cannot be opened: a line for whoever named it. */
export class LogFileError extends Error {
  override readonly name = "LogFileError";
  readonly code: string;

  constructor(path: string, cause: unknown) {
    const code = errorCode(cause);
    super(`cannot open the log file ${path}: ${OPEN_FAULTS[code] ?? code}`, { cause });
    this.code = code;
  }
}

const OPEN_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: "its folder does not exist; make it, or name another file",
  ENOTDIR: "its folder is a file; name another one",
  EISDIR: "it is a folder; name a file in it",
  EACCES: "permission denied; whoever runs the server must be allowed to write there",
  EROFS: "its file system is read-only; name another file, or - for the standard stream",
};

function openFile(path: string, files: LogFiles): number {
  try {
    return files.open(path);
  } catch (error) {
    throw new LogFileError(path, error);
  }
}

/** Throws LogFileError when a log could not be written there. "": there is to be none. */
export function tryLogFile(path: string, dash: 1 | 2, files: LogFiles = NODE_LOG_FILES): void {
  if (path !== "") new LogTarget(path, dash, files).close();
}

/** A place where a log goes: a standard stream, which stays open for good, or a file that can be opened anew. */
export class LogTarget {
  readonly path: string;
  readonly #files: LogFiles;
  readonly #isFile: boolean;
  #fd: number;

  /** Throws LogFileError. */
  constructor(path: string, dash: 1 | 2, files: LogFiles) {
    const stream = standardStream(path, dash);
    this.path = path;
    this.#files = files;
    this.#isFile = stream === undefined;
    this.#fd = stream ?? openFile(path, files);
  }

  get fd(): number {
    return this.#fd;
  }

  /** After a rotation: the path may name another file now. Throws LogFileError, and keeps the old file. */
  reopen(): void {
    if (!this.#isFile) return;
    const fd = openFile(this.path, this.#files);
    this.close();
    this.#fd = fd;
  }

  close(): void {
    if (!this.#isFile || this.#fd < 0) return;
    try {
      this.#files.close(this.#fd);
    } catch {
      // A file that cannot be closed has nothing left to lose: its lines were written or counted as lost.
    }
    this.#fd = -1;
  }
}

/** The code of a system error, or the text of any other. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).code ?? error.message; // code is absent on other errors
}
