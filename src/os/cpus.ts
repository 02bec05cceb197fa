// How many workers this machine, or this container, has room for: `--workers auto`. What the kernel grants counts, not what
// the machine has: cgroup quota (v1 and v2), affinity, memory limit. Facts are read through ports; the judgement is pure.

import os from "node:os";
import { type CgroupLimits, readCgroupLimits } from "./cgroup.ts";
import { type ReadText, readText } from "./read-text.ts";

export interface MachineFacts {
  /** CPUs that the process may be scheduled on. */
  readonly cpusAllowed: number;
  /** CPUs' worth of time that the cgroup grants; undefined without a quota. */
  readonly cpuQuota: number | undefined;
  /** Bytes that the cgroup grants; undefined without a limit. */
  readonly memoryLimit: number | undefined;
  readonly memoryTotal: number;
}

/** What a worker of a middling Django or Flask application takes. An assumption, said in the arithmetic. */
export const WORKER_BYTES_ASSUMED: number = 100 * 1024 * 1024;

/** The number of workers and how it came about, in one line. */
export function countWorkers(facts: MachineFacts): { readonly workers: number; readonly arithmetic: string } {
  const quota =
    facts.cpuQuota === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(facts.cpuQuota));
  const cpus = Math.max(1, Math.min(facts.cpusAllowed, quota));
  const memory = Math.min(facts.memoryLimit ?? Number.POSITIVE_INFINITY, facts.memoryTotal);
  const fitting = Math.max(1, Math.floor(memory / WORKER_BYTES_ASSUMED));
  const workers = Math.min(cpus, fitting);
  return { workers, arithmetic: `--workers auto: ${workers} = min(${describe(facts, fitting)})` };
}

function describe(facts: MachineFacts, fitting: number): string {
  const terms = [`${facts.cpusAllowed} CPUs allowed`];
  if (facts.cpuQuota !== undefined) terms.push(`quota of ${round(facts.cpuQuota)} CPUs`);
  const memory = Math.min(facts.memoryLimit ?? Number.POSITIVE_INFINITY, facts.memoryTotal);
  const kind = memory === facts.memoryTotal ? "memory" : "memory limit";
  terms.push(
    `${kind} ${mebibytes(memory)} MiB / ${mebibytes(WORKER_BYTES_ASSUMED)} MiB a worker = ${fitting}`,
  );
  return terms.join(", ");
}

function round(cpus: number): number {
  return Math.round(cpus * 100) / 100;
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 1024 / 1024);
}

/** The facts as the kernel tells them. Outside Linux there are neither cgroups nor /proc, and Node's numbers stand. */
export function readMachineFacts(
  read: ReadText = readText,
  fallback: { readonly cpus: number; readonly memoryTotal: number } = nodeFacts(),
): MachineFacts {
  const limits: CgroupLimits = readCgroupLimits(read);
  return {
    cpusAllowed:
      parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(read("/proc/self/status") ?? "")?.[1]) ??
      fallback.cpus,
    cpuQuota: limits.cpuQuota,
    memoryLimit: limits.memoryBytes,
    memoryTotal: fallback.memoryTotal,
  };
}

/** The number of CPUs in a list such as `0-3,8,10-11`; undefined for anything else. */
export function parseCpuList(list: string | undefined): number | undefined {
  if (list === undefined || !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(list)) return undefined;
  let cpus = 0;
  for (const range of list.split(",")) {
    const [first = "0", last = first] = range.split("-");
    cpus += Math.max(0, Number(last) - Number(first) + 1);
  }
  return cpus > 0 ? cpus : undefined;
}

function nodeFacts(): { readonly cpus: number; readonly memoryTotal: number } {
  return { cpus: os.availableParallelism(), memoryTotal: os.totalmem() };
}
