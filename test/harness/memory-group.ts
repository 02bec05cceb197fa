// A control group with a limit of memory, for tests in which the kernel kills. Only root has it, and not every machine.

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Owner } from "./temporary.ts";

/** Where groups are made, and the file of the limit: version 1, then version 2. */
const PLACES: readonly (readonly [string, string])[] = [
  ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"],
  ["/sys/fs/cgroup", "memory.max"],
];

/** Why there is none here, or false. */
export const NO_MEMORY_GROUP: string | false = canMake() ? false : "no memory control group can be made here";

function canMake(): boolean {
  try {
    rmdirSync(make("probe", 2 ** 30));
    return true;
  } catch {
    // Not root, no controller, or a container that may not: the tests say so.
    return false;
  }
}

function make(name: string, bytes: number): string {
  const [root, limit] = PLACES.find(([place, file]) => existsSync(join(place, file))) ??
    PLACES[1] ?? ["", ""];
  const folder = join(root, `tunicorn-test-${process.pid}-${name}`);
  mkdirSync(folder);
  try {
    writeFileSync(join(folder, limit), String(bytes));
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
  return folder;
}

/** Words before a command: it and what it starts may hold so many bytes together. */
export function memoryGroup(owner: Owner, bytes: number): readonly string[] {
  const folder = make("limit", bytes);
  owner.after(() => rmdirSync(folder));
  return ["sh", "-c", `echo $$ > ${folder}/cgroup.procs && exec "$@"`, "sh"];
}
