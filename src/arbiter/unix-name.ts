// The name of a Unix socket in the file system: taken only where nobody has it, given back only while it is still ours.

import { existsSync, fstatSync, linkSync, lstatSync, readFileSync, type Stats, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { ListenError } from "./listen-error.ts";

const CONNECT_WAIT_MS = 1_000;
/** sun_path without its final NUL: unix(7), and shorter on the BSDs. */
const PATH_BYTES_MAX: number = process.platform === "linux" ? 107 : 103;

/** Makes the name free, if only a dead socket has it. Rejects with a ListenError and touches nothing else. */
export async function freeName(path: string): Promise<void> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) throw new ListenError("ENAMETOOLONG", `unix:${path}`, 0);
  const found = statPath(path);
  if (found === undefined) return;
  if (!found.isSocket()) throw new ListenError("ENOTSOCK", `unix:${path}`, 0);
  if (await answers(path)) throw new ListenError("EADDRINUSE", `unix:${path}`, 0);
  unlinkQuietly(path);
}

/** Its folder is not there or cannot be looked into: libuv says EACCES for ENOENT, as Windows would. */
export function isWithoutFolder(path: string): boolean {
  return !existsSync(dirname(path));
}

/** A link, not a rename: who else took the name in the meantime keeps it. */
export function giveName(first: string, path: string): void {
  try {
    linkSync(first, path);
  } catch (error) {
    throw ListenError.fromError(error, `unix:${path}`);
  }
}

/** How to remove the file: only if it is still the one that is there now. */
export function remover(path: string): () => void {
  const made = lstatSync(path, { throwIfNoEntry: false });
  if (made === undefined) return () => {};
  return () => {
    const now = lstatSync(path, { throwIfNoEntry: false });
    if (now !== undefined && now.ino === made.ino && now.dev === made.dev) unlinkQuietly(path);
  };
}

export function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already, or not ours to remove: bind will say so, and at the end nothing can be done.
  }
}

/** What a socket that somebody else has bound is called; "" where that cannot be known. Node asks no Unix socket for it. */
export function nameOfSocket(fd: number): string {
  try {
    const inode = String(fstatSync(fd).ino);
    const rows = readFileSync("/proc/net/unix", "utf8").split("\n").map(parseRow);
    return rows.find((row) => row?.inode === inode)?.path ?? "";
  } catch {
    return ""; // no Linux, or no /proc
  }
}

/** Seven columns and the path, which may hold blanks (proc(5)). */
function parseRow(line: string): { readonly inode: string; readonly path: string } | undefined {
  const [, inode, path] = /^(?:\S+ +){6}(\d+) (.+)$/.exec(line) ?? [];
  return inode === undefined || path === undefined ? undefined : { inode, path };
}

function statPath(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw ListenError.fromError(error, `unix:${path}`);
  }
}

/** Only "connection refused" proves that nobody listens: a full backlog or no permission do not. */
function answers(path: string): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(path);
    const finish = (isAlive: boolean): void => {
      socket.destroy();
      settle(isAlive);
    };
    socket.setTimeout(CONNECT_WAIT_MS, () => finish(true));
    socket.once("connect", () => finish(true));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      finish(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}
