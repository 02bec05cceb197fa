// curl, as users run it. Tests that need it skip where it is missing, or was built without a coding.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { within } from "./wait.ts";

const DEADLINE_MS = 30_000;

/** undefined: it is there, with these features. */
export function missingCurl(...features: readonly string[]): string | undefined {
  try {
    const text = execFileSync("curl", ["--version"], { encoding: "utf8" });
    const missing = features.filter((feature) => !text.includes(feature));
    return missing.length === 0 ? undefined : `curl has no ${missing.join(", ")}`;
  } catch {
    return "there is no curl";
  }
}

/** What it wrote to stdout. */
export async function curl(...args: readonly string[]): Promise<Buffer> {
  const child = spawn("curl", ["-sS", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const pieces: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => pieces.push(bytes));
  try {
    await within(DEADLINE_MS, `curl ${args.join(" ")}`, once(child, "close"));
    return Buffer.concat(pieces);
  } finally {
    child.kill("SIGKILL");
  }
}
