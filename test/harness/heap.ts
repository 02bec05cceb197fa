// What a test can see of this process's garbage collector.

import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** A full collection: what is alive now is in the old generation, and nothing else is anywhere. */
export function collectAll(): void {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
}

/** What is there, dead or alive. */
export function oldGenerationBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space")?.space_used_size ?? 0;
}
