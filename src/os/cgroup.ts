// What the control groups around this process grant it: CPU time and memory. Version 2 (cpu.max, memory.max) and
// version 1 (cpu.cfs_quota_us, memory.limit_in_bytes). The tightest limit of a group and its parents counts.

import type { ReadText } from "./read-text.ts";

export interface CgroupLimits {
  /** CPUs' worth of time; undefined without a quota. */
  readonly cpuQuota: number | undefined;
  readonly memoryBytes: number | undefined;
}

const ROOT = "/sys/fs/cgroup";
/** Levels of nested groups that are looked at; more do not occur. */
const DEPTH_MAX = 32;
/** Version 1 writes the largest multiple of a page for "none"; nobody has an exbibyte. */
const NO_LIMIT_BYTES = 2 ** 60;

export function readCgroupLimits(read: ReadText): CgroupLimits {
  const groups = parseGroups(read("/proc/self/cgroup") ?? "");
  const quotas: number[] = [];
  const memories: number[] = [];
  for (const folder of foldersOf(ROOT, groups.unified)) {
    push(quotas, parseCpuMax(read(`${folder}/cpu.max`)));
    push(memories, parseBytes(read(`${folder}/memory.max`)));
  }
  for (const folder of foldersOf(`${ROOT}/cpu`, groups.cpu)) push(quotas, readCfsQuota(read, folder));
  for (const folder of foldersOf(`${ROOT}/memory`, groups.memory)) {
    push(memories, parseBytes(read(`${folder}/memory.limit_in_bytes`)));
  }
  return { cpuQuota: least(quotas), memoryBytes: least(memories) };
}

/** Bytes that the groups still grant; file pages that the kernel can drop count as free. Infinity without a limit. */
export function readCgroupFree(read: ReadText): number {
  const groups = parseGroups(read("/proc/self/cgroup") ?? "");
  const frees: number[] = [];
  for (const folder of foldersOf(ROOT, groups.unified)) {
    const [max, used] = [`${folder}/memory.max`, `${folder}/memory.current`].map((path) =>
      parseBytes(read(path)),
    );
    push(frees, freeBytes(max, used, read(`${folder}/memory.stat`)));
  }
  for (const folder of foldersOf(`${ROOT}/memory`, groups.memory)) {
    const max = parseBytes(read(`${folder}/memory.limit_in_bytes`));
    const used = parseBytes(read(`${folder}/memory.usage_in_bytes`));
    push(frees, freeBytes(max, used, read(`${folder}/memory.stat`)));
  }
  return least(frees) ?? Number.POSITIVE_INFINITY;
}

function freeBytes(max: number | undefined, used: number | undefined, stat = ""): number | undefined {
  if (max === undefined || used === undefined) return undefined;
  const droppable = /^(?:total_)?inactive_file (\d+)$/m.exec(stat)?.[1] ?? 0;
  return Math.max(0, max - used + Number(droppable));
}

/** How many processes of this group the kernel has killed for memory so far; undefined where that is not told. */
export function readOomKills(read: ReadText): number | undefined {
  const groups = parseGroups(read("/proc/self/cgroup") ?? "");
  const files = [
    ...foldersOf(ROOT, groups.unified).map((folder) => `${folder}/memory.events`),
    ...foldersOf(`${ROOT}/memory`, groups.memory).map((folder) => `${folder}/memory.oom_control`),
  ];
  // The innermost group that tells: its count is of this server alone, as far as can be.
  for (const file of files.reverse()) {
    const count = /^oom_kill (\d+)$/m.exec(read(file) ?? "")?.[1];
    if (count !== undefined) return Number(count);
  }
  return undefined;
}

/** The process's group in each hierarchy; undefined where there is none. Lines are `id:controllers:path`. */
function parseGroups(text: string): Readonly<Record<"unified" | "cpu" | "memory", string | undefined>> {
  const groups: Record<"unified" | "cpu" | "memory", string | undefined> = {
    unified: undefined,
    cpu: undefined,
    memory: undefined,
  };
  for (const line of text.split("\n")) {
    const [id, controllers = "", ...path] = line.split(":");
    const names = controllers.split(",");
    if (id === "0" && controllers === "") groups.unified = path.join(":");
    if (names.includes("cpu")) groups.cpu = path.join(":");
    if (names.includes("memory")) groups.memory = path.join(":");
  }
  return groups;
}

/** The group's folder and its parents' up to the mount. In a container only the mount itself may be visible. */
function foldersOf(mount: string, group: string | undefined): string[] {
  if (group === undefined) return [];
  const names = group.split("/").filter((name) => name !== "" && name !== "..");
  const folders = [mount];
  for (const name of names.slice(0, DEPTH_MAX)) folders.push(`${folders.at(-1)}/${name}`);
  return folders;
}

/** `max 100000` or `150000 100000`: quota and period in microseconds. */
function parseCpuMax(text: string | undefined): number | undefined {
  const match = /^(\d+) (\d+)\s*$/.exec(text ?? "");
  return match === null ? undefined : ratio(Number(match[1]), Number(match[2]));
}

function readCfsQuota(read: ReadText, folder: string): number | undefined {
  const quota = Number.parseInt(read(`${folder}/cpu.cfs_quota_us`) ?? "", 10);
  const period = Number.parseInt(read(`${folder}/cpu.cfs_period_us`) ?? "", 10);
  return ratio(quota, period); // a quota of -1 means none
}

function ratio(quota: number, period: number): number | undefined {
  return quota > 0 && period > 0 ? quota / period : undefined;
}

function parseBytes(text: string | undefined): number | undefined {
  const bytes = /^\d+\s*$/.test(text ?? "") ? Number(text) : Number.NaN; // "max" means none
  return bytes > 0 && bytes < NO_LIMIT_BYTES ? bytes : undefined;
}

function push(values: number[], value: number | undefined): void {
  if (value !== undefined) values.push(value);
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}
