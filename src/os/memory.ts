// What there is memory for: one more worker, by what the kernel says is available and what the control group still grants; and
// what clients may make the fronts hold.

import { readCgroupFree, readCgroupLimits } from "./cgroup.ts";
import type { ReadText } from "./read-text.ts";

const KIB = 1_024;
/** A worker grows after its birth, and others need memory too. */
const MARGIN = 1.5;
/** While no worker can be measured. */
const WORKER_BYTES_ASSUMED: number = 100 * KIB * KIB;
const CLIENT_BYTES_MIN: number = 64 * KIB * KIB;
const CLIENT_BYTES_MAX: number = KIB ** 3;

/** Judged by the largest of the workers that there are. No limit where nothing can be known. */
export function roomForWorkers(read: ReadText, pids: readonly number[]): number {
  const sizes = pids.map((pid) => residentBytes(read(`/proc/${pid}/status`) ?? ""));
  const largest = Math.max(0, ...sizes);
  const available = Math.min(meminfoBytes(read, "MemAvailable"), readCgroupFree(read));
  return Math.floor(available / ((largest === 0 ? WORKER_BYTES_ASSUMED : largest) * MARGIN));
}

/** A quarter of what the machine has, or its control group grants; not beyond what hardly any site needs. */
export function clientMemory(read: ReadText): number {
  const granted = readCgroupLimits(read).memoryBytes ?? Number.POSITIVE_INFINITY;
  const whole = Math.min(granted, meminfoBytes(read, "MemTotal"));
  return Math.min(CLIENT_BYTES_MAX, Math.max(CLIENT_BYTES_MIN, whole / 4));
}

function residentBytes(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * KIB;
}

function meminfoBytes(read: ReadText, name: "MemTotal" | "MemAvailable"): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m");
  const kib = line.exec(read("/proc/meminfo") ?? "")?.[1];
  return kib === undefined ? Number.POSITIVE_INFINITY : Number(kib) * KIB;
}
