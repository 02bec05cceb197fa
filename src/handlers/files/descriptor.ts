// Open files as numbers, with promises. Node's own FileHandle closes itself when it is forgotten, and could do so under a reader.

import { type BigIntStats, close, constants, fstat, open, read, stat } from "node:fs";
import { promisify } from "node:util";

/** Neither a FIFO nor a terminal must be able to hold a thread of the pool, or become ours. */
export const READ_FLAGS: number = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

const NANOS_PER_MS = 1_000_000n;

export interface FileStat {
  readonly size: number;
  readonly mtimeMs: number;
  /** Equal texts: the same file with the same content. */
  readonly identity: string;
  /** Of time and length alone, so that machines that were given the same file agree. */
  readonly version: string;
}

export interface OpenFile {
  readonly fd: number;
  readonly stat: FileStat;
}

export const openDescriptor: (path: string, flags: number) => Promise<number> = promisify(open);

/** Undefined when it is no regular file. */
export async function statOf(fd: number): Promise<FileStat | undefined> {
  const stats = await promisify(fstat)(fd, { bigint: true });
  return stats.isFile() ? fileStat(stats) : undefined;
}

/** Of what a path means now. Throws as `stat` does. */
export async function statPath(path: string): Promise<FileStat | "folder" | "other"> {
  const stats = await promisify(stat)(path, { bigint: true });
  if (stats.isFile()) return fileStat(stats);
  return stats.isDirectory() ? "folder" : "other";
}

function fileStat(stats: BigIntStats): FileStat {
  const { size, mtimeNs, ctimeNs, ino, dev } = stats;
  const version = `${mtimeNs.toString(36)}-${size.toString(36)}`;
  return {
    size: Number(size),
    mtimeMs: Number(mtimeNs / NANOS_PER_MS),
    identity: `${dev}:${ino}:${ctimeNs}:${version}`,
    version,
  };
}

/** `length` bytes from `offset` on, fewer where the file ends. */
export async function readFully(fd: number, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let count = 0;
  while (count < length) {
    const { bytesRead } = await promisify(read)(fd, bytes, count, length - count, offset + count);
    if (bytesRead === 0) break;
    count += bytesRead;
  }
  return count === length ? bytes : bytes.subarray(0, count);
}

export function closeDescriptor(fd: number): void {
  close(fd, () => undefined); // nothing was written, so there is nothing to lose
}
