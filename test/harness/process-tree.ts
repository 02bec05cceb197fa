// Which processes a server consists of, read from /proc. Every server under test gets a mark in its environment, which
// its children inherit: so also a process that lost its parent is found.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

export interface ProcessTree {
  readonly fronts: readonly number[];
  readonly forkservers: readonly number[];
  readonly workers: readonly number[];
}

/** All living processes whose environment holds `mark`. */
export function markedProcesses(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readProc(pid, "environ").includes(mark))
    .map(Number);
}

/** The arbiter's children by role: Node is a front, Python a forkserver, whose children are workers. */
export function processTree(arbiterPid: number, mark: string): ProcessTree {
  const all = markedProcesses(mark).map((pid) => ({ pid, parent: parentOf(pid), isNode: isNode(pid) }));
  const children = all.filter((one) => one.parent === arbiterPid);
  const forkservers = children.filter((one) => !one.isNode).map((one) => one.pid);
  return {
    fronts: children.filter((one) => one.isNode).map((one) => one.pid),
    forkservers,
    workers: all.filter((one) => forkservers.includes(one.parent)).map((one) => one.pid),
  };
}

/** Resident set in KiB that is the process's share: pages shared by n processes count 1/n. */
export function proportionalKib(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readProc(pid, "smaps_rollup"))?.[1] ?? 0);
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readProc(pid, "status"))?.[1] ?? 0);
}

function isNode(pid: number): boolean {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).startsWith("node");
  } catch {
    return false; // it died between two looks
  }
}

function readProc(pid: number | string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return ""; // it died between two looks
  }
}
