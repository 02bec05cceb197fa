// The virtual environment with the servers and frameworks that are compared: made once, made anew when a pin changes.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./tool.ts";

const INSTALL_TIMEOUT_MS = 600_000;
const REQUIREMENTS = ["requirements.txt", "requirements-compiled.txt"] as const;

export interface Venv {
  readonly bin: string;
  readonly python: string;
  /** Requirements that could not be built, each with a reason. */
  readonly missing: readonly string[];
}

interface Stamp {
  readonly digest: string;
  readonly missing: readonly string[];
}

export async function ensureVenv(root: string): Promise<Venv> {
  const folder = join(root, ".venv-bench");
  const bin = join(folder, "bin");
  const stampPath = join(folder, "bench.json");
  const texts = REQUIREMENTS.map((name) => readFileSync(join(root, "bench", name), "utf8"));
  const digest = createHash("sha256").update(texts.join()).digest("hex");
  let stamp = readStamp(stampPath);
  if (stamp?.digest !== digest) {
    process.stderr.write(`making ${folder} (about a minute; delete it to make it anew)\n`);
    stamp = { digest, missing: await makeVenv(folder, root) };
    writeFileSync(stampPath, JSON.stringify(stamp));
  }
  return { bin, python: join(bin, "python"), missing: stamp.missing };
}

async function makeVenv(folder: string, root: string): Promise<string[]> {
  rmSync(folder, { recursive: true, force: true });
  await run([process.env["PYTHON"] ?? "python3", "-m", "venv", folder], { timeoutMs: INSTALL_TIMEOUT_MS });
  const [wheels, compiled] = REQUIREMENTS.map((name) => join(root, "bench", name));
  await install(folder, ["-r", wheels ?? ""]);
  const missing: string[] = [];
  for (const requirement of readRequirements(compiled ?? "")) {
    const problem = await install(folder, [requirement]).catch((error: Error) => error);
    if (problem instanceof Error) missing.push(`${requirement}: ${lastLine(problem.message)}`);
  }
  return missing;
}

async function install(folder: string, what: readonly string[]): Promise<void> {
  const pip = [join(folder, "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  await run([...pip, ...what], { timeoutMs: INSTALL_TIMEOUT_MS });
}

function readRequirements(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

function readStamp(path: string): Stamp | undefined {
  // Written by this file only, in this shape.
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Stamp) : undefined;
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}
