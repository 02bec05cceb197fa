// How much of a process's memory others have too (Linux, proc_pid_smaps(5)): what --preload saves.

import type { ReadText } from "./read-text.ts";

export interface SharedMemory {
  /** KiB. Resident pages that at least one other process has as well. */
  readonly sharedKib: number;
  /** KiB. All resident pages, each divided by how many have it. */
  readonly proportionalKib: number;
}

/** Undefined where there is no such process, nobody says, or it is not ours to look at. */
export function readSharedMemory(readText: ReadText, pid: number): SharedMemory | undefined {
  const text = readText(`/proc/${pid}/smaps_rollup`);
  if (text === undefined) return undefined;
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]);
  const [sharedKib, proportionalKib] = [kib("Shared_Clean") + kib("Shared_Dirty"), kib("Pss")];
  return Number.isNaN(sharedKib + proportionalKib) ? undefined : { sharedKib, proportionalKib };
}
