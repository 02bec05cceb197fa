// A program: the functions of a V8 CPU profile by the time spent in themselves. Usage: top-functions.ts FILE [count]

import { readFileSync } from "node:fs";
import { basename } from "node:path";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

function selfTimes(profile: Profile): Map<string, number> {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, describe(callFrame)]));
  const times = new Map<string, number>();
  profile.samples.forEach((id, i) => {
    const name = names.get(id) ?? "?";
    times.set(name, (times.get(name) ?? 0) + (profile.timeDeltas[i] ?? 0));
  });
  return times;
}

function describe({ functionName, url, lineNumber }: Profile["nodes"][number]["callFrame"]): string {
  const place = url === "" ? "" : ` ${basename(url)}:${lineNumber + 1}`;
  return `${functionName || "(anonymous)"}${place}`;
}

function main(path: string, count: number): void {
  // Written by `node --cpu-prof`, in the format of the DevTools protocol.
  const times = selfTimes(JSON.parse(readFileSync(path, "utf8")) as Profile);
  times.delete("(idle)");
  const total = [...times.values()].reduce((sum, us) => sum + us, 0);
  const sorted = [...times].sort((a, b) => b[1] - a[1]).slice(0, count);
  for (const [name, us] of sorted) {
    console.log(
      `${((100 * us) / total).toFixed(1).padStart(5)} %  ${(us / 1_000).toFixed(0).padStart(6)} ms  ${name}`,
    );
  }
}

main(process.argv[2] ?? "", Number(process.argv[3] ?? 40));
