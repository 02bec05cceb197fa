// Users and groups by name. Node has no getpwnam(3), and no process is worth starting for it: the two files are read.
// Accounts that only a directory service knows are given by number.

import type { ReadText } from "./read-text.ts";

/** -1 for "", which keeps what is; undefined when nobody has that name. */
export function userId(user: string, read: ReadText): number | undefined {
  return numberOf(user, read("/etc/passwd"));
}

export function groupId(group: string, read: ReadText): number | undefined {
  return numberOf(group, read("/etc/group"));
}

/** `name:password:number:…`, in both files. */
function numberOf(name: string, table: string | undefined): number | undefined {
  if (name === "") return -1;
  if (/^\d+$/.test(name)) return Number(name);
  const row = (table ?? "").split("\n").find((line) => line.startsWith(`${name}:`));
  const id = row?.split(":")[2];
  return id !== undefined && /^\d+$/.test(id) ? Number(id) : undefined;
}
