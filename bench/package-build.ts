// tunicorn as users run it: compiled, laid out as its package is. A checkout strips types while it loads, which costs each Node
// process some 25 MB that no installed tunicorn pays.

import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./tool.ts";

const BUILD_TIMEOUT_MS = 60_000;
const SHIPPED = ["bin", "python", "package.json"] as const;

/** The launcher of a fresh build, which lives as long as this process. */
export async function buildTunicorn(root: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "tunicorn-built-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const tsc = join(root, "node_modules/.bin/tsc");
  await run(
    [process.execPath, tsc, "-p", join(root, "tsconfig.build.json"), "--outDir", join(folder, "dist")],
    {
      timeoutMs: BUILD_TIMEOUT_MS,
      cwd: root,
    },
  );
  for (const name of SHIPPED) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return join(folder, "bin/tunicorn");
}
