// Who listens on a port, for the line that says it is in use. Linux tells in /proc: the port's socket has an inode, and
// the process that holds it has a descriptor of that name. Others' descriptors are seen only by root; then it stays unsaid.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const LISTEN = "0A";

/** ` by python3 (pid 4711)`, ` by a process of another user; …`, or "" when nothing is known. */
export function describePortOwner(port: number): string {
  if (port === 0 || process.platform !== "linux") return "";
  const inode = listenerInode(port);
  if (inode === undefined) return "";
  const pid = holderOf(`socket:[${inode}]`);
  if (pid === undefined)
    return ` by a process that this user cannot see (as root: ss -ltnp sport = :${port})`;
  return ` by ${read(`/proc/${pid}/comm`).trim() || "a process"} (pid ${pid})`;
}

/** /proc/net/tcp: `sl local_address rem_address st … uid timeout inode`, the port in hexadecimal. */
function listenerInode(port: number): string | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((path) => read(path).split("\n"))
    .map((line) => line.trim().split(/\s+/))
    .find((columns) => columns[1]?.endsWith(suffix) === true && columns[3] === LISTEN)?.[9];
}

function holderOf(name: string): number | undefined {
  const pids = list("/proc").filter((entry) => /^\d+$/.test(entry));
  const pid = pids.find((entry) =>
    list(`/proc/${entry}/fd`).some((fd) => link(`/proc/${entry}/fd/${fd}`) === name),
  );
  return pid === undefined ? undefined : Number(pid);
}

// What cannot be read belongs to another user, or ended a moment ago: both mean "not known".

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
