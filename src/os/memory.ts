// Whether memory holds one more worker: what the kernel says is available, and what the control group still grants.

import { readCgroupFree } from "./cgroup.ts";
import type { ReadText } from "./cpus.ts";

const KIB = 1_024;
/** A worker grows after its birth, and others need memory too. */
const MARGIN = 1.5;
/** While no worker can be measured. */
const WORKER_BYTES_ASSUMED: number = 100 * KIB * KIB;

/** Judged by the largest of the workers that there are. True where nothing can be known. */
export function hasRoomForWorker(read: ReadText, pids: readonly number[]): boolean {
  const sizes = pids.map((pid) => residentBytes(read(`/proc/${pid}/status`) ?? ""));
  const largest = Math.max(0, ...sizes);
  const available = Math.min(availableBytes(read("/proc/meminfo") ?? ""), readCgroupFree(read));
  return available >= (largest === 0 ? WORKER_BYTES_ASSUMED : largest) * MARGIN;
}

function residentBytes(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * KIB;
}

function availableBytes(meminfo: string): number {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  return kib === undefined ? Number.POSITIVE_INFINITY : Number(kib) * KIB;
}
