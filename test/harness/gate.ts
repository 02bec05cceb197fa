// A request that test/apps/plain.py holds until the test lets it go.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Owner, temporaryFolder } from "./temporary.ts";
import { eventually } from "./wait.ts";

const STARTED_MS = 10_000;

export interface Gate {
  /** The path to ask for. */
  readonly path: string;
  started(): Promise<void>;
  open(): void;
}

export function newGate(owner: Owner): Gate {
  const folder = temporaryFolder(owner);
  const [started, gate] = [join(folder, "started"), join(folder, "gate")];
  return {
    path: `/gated?started=${started}&gate=${gate}`,
    started: async () => void (await eventually(STARTED_MS, "the app starts", () => existsSync(started))),
    open: () => writeFileSync(gate, ""),
  };
}
