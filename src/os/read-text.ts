// Small files as text: what the kernel tells in /proc and /sys, and what people write.

import { readFileSync } from "node:fs";

/** Text of a file, or undefined when it is not there or not to be read. */
export type ReadText = (path: string) => string | undefined;

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // absence is an answer: whoever asked has a default, or another source
  }
}
