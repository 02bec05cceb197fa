// Results that are kept: one JSON file each with every run, and a page with the tables of all.

import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine.ts";
import type { Run } from "./measurement.ts";
import type { Soak } from "./soak.ts";
import type { Verdict } from "./target.ts";

const TITLE =
  "# Kept results\n\nWritten by `npm run bench -- --save`; docs/benchmarks.md says how to read them.\n";

export interface Archive {
  readonly machine: Machine;
  readonly command: string;
  readonly runs: readonly Run[];
  readonly verdicts: readonly Verdict[];
  readonly soaks: readonly Soak[];
}

/** The path of the JSON file. */
export function save(root: string, archive: Archive, tables: string): string {
  const folder = join(root, "bench/results");
  mkdirSync(folder, { recursive: true });
  const { date, commit } = archive.machine;
  const path = freePath(join(folder, `${date.slice(0, 10)}-${commit}`));
  writeFileSync(path, `${JSON.stringify(archive, null, 2)}\n`);
  const page = join(folder, "README.md");
  if (!existsSync(page)) writeFileSync(page, TITLE);
  appendFileSync(page, `\n## ${date.slice(0, 10)}, ${commit}\n\n${describeRun(archive)}\n\n${tables}`);
  return path;
}

/** A second run of a day and commit does not replace the first. */
function freePath(stem: string): string {
  let path = `${stem}.json`;
  for (let nr = 2; existsSync(path); nr++) path = `${stem}-${nr}.json`;
  return path;
}

export function describeRun({ machine: m, command }: Pick<Archive, "machine" | "command">): string {
  const where = `${m.cores} cores of ${m.cpu}, ${m.memoryGb} GB, Linux ${m.kernel}`;
  const what = `Node ${m.node}, Python ${m.python}`;
  return `\`${command}\` on ${where}; ${what}; load before it ${m.loadBefore.toFixed(2)}.`;
}
