// The tests' virtual environment: `.venv-test`, made from scripts/test-requirements.txt and kept while that file is the
// same. Also the list of Pythons on this machine that the worker must run on.

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const VENV = join(ROOT, ".venv-test");
const REQUIREMENTS = join(import.meta.dirname, "test-requirements.txt");
const MINORS = [14, 13, 12, 11, 10, 9, 8];
const PROBE = "import sys; print(sys.implementation.name, *sys.version_info[:2], sys.executable)";

export interface Interpreter {
  readonly path: string;
  readonly implementation: string;
  readonly minor: number;
}

/** The environment's Python. Makes the environment first when it is missing or out of date. */
export function ensureVenv(): string {
  const python = join(VENV, "bin", "python");
  const stamp = join(VENV, "requirements.sha256");
  const wanted = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted && probe(python) !== undefined)
    return python;
  rmSync(VENV, { recursive: true, force: true });
  const base = basePython();
  console.error(`making .venv-test with ${base.path} (3.${base.minor})`);
  run(base.path, ["-m", "venv", VENV], "python3's venv module is needed (Debian: apt install python3-venv)");
  run(python, ["-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], "the test requirements need PyPI");
  writeFileSync(stamp, wanted);
  return python;
}

/** One interpreter of each kind and minor version, the environment's own first. */
export function allInterpreters(venvPython: string): Interpreter[] {
  const named = process.env["TUNICORN_TEST_PYTHONS"];
  const paths = named === undefined ? candidates() : named.split(":").filter((path) => path !== "");
  const found = new Map<string, Interpreter>();
  for (const path of [venvPython, ...paths]) {
    const interpreter = probe(path);
    if (interpreter === undefined || interpreter.minor < 8) continue;
    const key = `${interpreter.implementation} 3.${interpreter.minor}`;
    if (!found.has(key)) found.set(key, interpreter);
  }
  return [...found.values()];
}

function basePython(): Interpreter {
  for (const path of ["python3", ...candidates()]) {
    const interpreter = probe(path);
    if (interpreter?.implementation === "cpython" && interpreter.minor >= 8) return interpreter;
  }
  throw new Error("no Python 3.8 or newer found: install python3");
}

function candidates(): string[] {
  const versions = join(process.env["PYENV_ROOT"] ?? join(homedir(), ".pyenv"), "versions");
  const pyenv = existsSync(versions) ? readdirSync(versions) : [];
  return [
    ...MINORS.map((minor) => `python3.${minor}`),
    "pypy3",
    ...pyenv.map((name) => join(versions, name, "bin", "python3")),
  ];
}

/** undefined when `path` is no Python 3 that starts. */
function probe(path: string): Interpreter | undefined {
  const { status, stdout } = spawnSync(path, ["-c", PROBE], { encoding: "utf8", timeout: 20_000 });
  const [implementation, major, minor, executable] = (stdout ?? "").trim().split(" ");
  if (status !== 0 || implementation === undefined || major !== "3") return undefined;
  return { path: executable ?? path, implementation, minor: Number(minor) };
}

function run(command: string, args: readonly string[], advice: string): void {
  try {
    execFileSync(command, args, { stdio: ["ignore", 2, 2] });
  } catch (cause) {
    throw new Error(`${command} ${args.join(" ")} failed: ${advice}`, { cause });
  }
}

if (import.meta.main) console.log(ensureVenv());
