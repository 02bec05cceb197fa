// What Linux tells of a process in /proc/<pid>/stat (proc_pid_stat(5)).

import type { ReadText } from "./read-text.ts";

export interface ProcessStat {
  /** By a signal or a debugger. */
  readonly isStopped: boolean;
  /** Used in user and kernel mode since its start. */
  readonly cpuMs: number;
}

/** USER_HZ: what the kernel shows its users is in hundredths of a second everywhere. */
const TICK_MS = 10;
/** Counted behind the name, which may hold blanks and brackets. */
const STATE = 0;
const USER_TICKS = 11;
const KERNEL_TICKS = 12;

/** Undefined where there is no such process, or no /proc. */
export function readProcessStat(readText: ReadText, pid: number): ProcessStat | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const cpuMs = (Number(fields[USER_TICKS]) + Number(fields[KERNEL_TICKS])) * TICK_MS;
  const state = fields[STATE] ?? "";
  return Number.isFinite(cpuMs) ? { isStopped: state === "T" || state === "t", cpuMs } : undefined;
}
