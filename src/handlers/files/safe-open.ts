// Opens a file below a folder, and nothing else. The path is judged twice: what it says before (request-path.ts), and where the
// open descriptor really lies after, as the kernel tells: whoever swaps a folder for a link between two looks gains nothing.

import { constants } from "node:fs";
import { readlink, realpath } from "node:fs/promises";
import { platform } from "node:process";
import {
  closeDescriptor,
  type OpenFile,
  openDescriptor,
  READ_FLAGS,
  statOf,
  statPath,
} from "./descriptor.ts";

/** What a path that leads nowhere fails with. */
const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ENXIO", "EINVAL"]);
const FORBIDDEN: ReadonlySet<string> = new Set(["EACCES", "EPERM", "ELOOP"]);

export type SymlinkPolicy = "deny" | "inside" | "follow";

/** What a path below a folder is; `denied`: the machine forbids it, or the policy does. A file's descriptor is the caller's. */
export type Found =
  | { readonly kind: "file"; readonly file: OpenFile }
  | { readonly kind: "folder" }
  | { readonly kind: "absent" }
  | { readonly kind: "denied"; readonly reason: string };

export interface Place {
  /** Absolute, without a slash at its end: "" is the root of all. */
  readonly root: string;
  /** `/folder/name`, checked by pathBelow. */
  readonly path: string;
  readonly symlinks: SymlinkPolicy;
}

/** Throws what the machine cannot do: too many open files, a broken disk. */
export async function openBelow(place: Place): Promise<Found> {
  const flags = place.symlinks === "deny" ? constants.O_NOFOLLOW : 0;
  return await openFile(place.root + place.path, flags, (fd) => strayed(fd, place));
}

/** The file at an absolute path, if it really lies below one of the folders. Throws as openBelow does. */
export async function openWithin(path: string, roots: readonly string[]): Promise<Found> {
  return await openFile(path, 0, async (fd) => {
    const real = await placeOf(fd, path);
    for (const root of roots) if (real.startsWith(await realBelow(root))) return undefined;
    return "it lies in no folder that is allowed";
  });
}

/** `judge`: why the open file must not be used, if so. */
async function openFile(
  path: string,
  flags: number,
  judge: (fd: number) => Promise<string | undefined>,
): Promise<Found> {
  try {
    return await openChecked(path, flags, judge);
  } catch (error) {
    const code = errorCode(error);
    if (ABSENT.has(code)) return { kind: "absent" };
    if (FORBIDDEN.has(code)) return { kind: "denied", reason: code };
    throw error;
  }
}

export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

async function openChecked(
  path: string,
  flags: number,
  judge: (fd: number) => Promise<string | undefined>,
): Promise<Found> {
  // Asked before opening: to open some devices is to do something.
  const before = await statPath(path);
  if (before === "folder") return { kind: "folder" };
  if (before === "other") return { kind: "denied", reason: "it is no regular file" };
  const fd = await openDescriptor(path, READ_FLAGS | flags);
  let isKept = false;
  try {
    const stat = await statOf(fd);
    if (stat === undefined) return { kind: "denied", reason: "it is no regular file" };
    const reason = await judge(fd);
    if (reason !== undefined) return { kind: "denied", reason };
    isKept = true;
    return { kind: "file", file: { fd, stat } };
  } finally {
    if (!isKept) closeDescriptor(fd);
  }
}

/** Why the open file is not one that the policy allows; undefined when it is. */
async function strayed(fd: number, { root, path, symlinks }: Place): Promise<string | undefined> {
  if (symlinks === "follow") return undefined;
  const real = await placeOf(fd, root + path);
  const below = await realBelow(root);
  if (!real.startsWith(below)) return "a symbolic link leads out of the folder";
  if (symlinks === "deny" && real !== below.slice(0, -1) + path) return "a symbolic link is in its path";
  return undefined;
}

/** What the real path of everything below a folder begins with. */
async function realBelow(root: string): Promise<string> {
  const real = await realpath(root === "" ? "/" : root);
  return real === "/" ? "/" : `${real}/`;
}

/** Where the open file lies. Elsewhere than on Linux only its path can tell, and somebody might have changed that meanwhile. */
async function placeOf(fd: number, path: string): Promise<string> {
  return platform === "linux" ? await readlink(`/proc/self/fd/${fd}`) : await realpath(path);
}
