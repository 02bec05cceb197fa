// A server is a tree of processes: what all of it used and holds, read from /proc. CPU time is milliseconds, memory kilobytes.

import { readdirSync, readFileSync } from "node:fs";

/** Linux reports CPU time to user space in hundredths of a second, whatever the kernel's own tick (proc(5), USER_HZ). */
const MS_PER_TICK = 10;

export interface ProcessStat {
  readonly pid: number;
  readonly ppid: number;
  readonly session: number;
  /** Of the process and of its dead children that have been reaped. */
  readonly cpuMs: number;
  readonly startTicks: number;
}

export interface TreeMemory {
  /** The kernel's PSS: pages shared with strangers (another Node, another Python) count in part. */
  readonly pssKb: number;
  /** PSS as if the tree were alone on the machine: each file page once and whole. Strangers cannot change it. */
  readonly aloneKb: number;
}

/** The roots, their descendants, and orphans that stayed in the roots' sessions. */
export function readTree(roots: readonly number[]): ProcessStat[] {
  const all = readAll();
  const members = new Map<number, ProcessStat>();
  let sizeBefore = -1;
  while (members.size > sizeBefore) {
    sizeBefore = members.size;
    for (const stat of all) if (belongs(stat, roots, members)) members.set(stat.pid, stat);
  }
  return [...members.values()];
}

function belongs(stat: ProcessStat, roots: readonly number[], members: Map<number, ProcessStat>): boolean {
  return roots.includes(stat.pid) || roots.includes(stat.session) || members.has(stat.ppid);
}

/** CPU time of the tree since its birth; children that died meanwhile are counted by who reaped them. */
export function treeCpuMs(roots: readonly number[]): number {
  return readTree(roots).reduce((sum, stat) => sum + stat.cpuMs, 0);
}

export function treeMemory(roots: readonly number[]): TreeMemory {
  const filePages = new Map<string, number>();
  let pssKb = 0;
  let anonymousKb = 0;
  for (const { pid } of readTree(roots)) {
    for (const area of readAreas(pid)) {
      pssKb += area.pssKb;
      anonymousKb += area.pssKb * area.anonymousShare;
      filePages.set(area.file, Math.max(filePages.get(area.file) ?? 0, area.fileKb));
    }
  }
  const fileKb = [...filePages.values()].reduce((sum, kb) => sum + kb, 0);
  return { pssKb, aloneKb: Math.round(anonymousKb + fileKb) };
}

export function isAlive(stat: ProcessStat): boolean {
  return readStat(stat.pid)?.startTicks === stat.startTicks;
}

function readAll(): ProcessStat[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined);
}

function readStat(pid: number): ProcessStat | undefined {
  const text = readProc(pid, "stat");
  // The name may hold spaces and parentheses; the fields that follow it do not.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (text === "" || fields[0] === "Z") return undefined;
  const field = (nr: number): number => Number(fields[nr - 3]);
  const ticks = field(14) + field(15) + field(16) + field(17);
  return { pid, ppid: field(4), session: field(6), cpuMs: ticks * MS_PER_TICK, startTicks: field(22) };
}

interface Area {
  readonly file: string;
  readonly pssKb: number;
  readonly fileKb: number;
  readonly anonymousShare: number;
}

function readAreas(pid: number): Area[] {
  return readProc(pid, "smaps")
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .filter((text) => text !== "")
    .map(parseArea);
}

/** One mapping of proc_pid_smaps(5). Its first line: range, permissions, offset, device, inode, path. */
function parseArea(text: string): Area {
  const [, , offset, device, inode] = text.split(/\s+/, 5);
  const kb = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  const residentKb = kb("Rss");
  const anonymousKb = inode === "0" ? residentKb : kb("Anonymous");
  return {
    file: `${device} ${inode} ${offset}`,
    pssKb: kb("Pss"),
    fileKb: residentKb - anonymousKb,
    anonymousShare: residentKb === 0 ? 0 : anonymousKb / residentKb,
  };
}

/** Empty for a process that ended between being listed and being read. */
function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}
