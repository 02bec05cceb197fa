// A program: how often an idle server wakes the CPU, beside gunicorn. Context switches of every thread of each tree over a time
// without requests, both servers at once. Usage: node bench/idle.ts [SECONDS]
// gunicorn is taken from the benchmarks' virtual environment.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readTree } from "./process-tree.ts";

const SETTLE_MS = 10_000;
const ROOT = resolve(import.meta.dirname, "..");
const PYTHON = join(ROOT, ".venv-bench/bin/python");
const APPS = join(ROOT, "bench/apps");
const TREE_MIN = 3;

interface Contender {
  readonly name: string;
  readonly argv: (socket: string) => readonly string[];
}

const COMMON = ["-w", "2", "--chdir", APPS, "plain_wsgi:hello"];

const CONTENDERS: readonly Contender[] = [
  {
    name: "tunicorn, 2 sync workers",
    argv: (socket) => [join(ROOT, "bin/tunicorn"), "--python", PYTHON, "-b", `unix:${socket}`, ...COMMON],
  },
  {
    name: "gunicorn, 2 sync workers",
    argv: (socket) => [PYTHON, "-m", "gunicorn", "-b", `unix:${socket}`, ...COMMON],
  },
];

async function main(): Promise<void> {
  const seconds = Number(process.argv[2] ?? "60");
  const folder = mkdtempSync(join(tmpdir(), "tunicorn-idle-"));
  const children = CONTENDERS.map(({ argv }, index) => start(argv(join(folder, `${index}.sock`))));
  try {
    await sleep(SETTLE_MS);
    const before = children.map(switchesOf);
    await sleep(seconds * 1000);
    const after = children.map(switchesOf);
    for (const [index, { name }] of CONTENDERS.entries()) {
      const count = (after[index] ?? 0) - (before[index] ?? 0);
      console.log(
        `${name}: ${count} context switches in ${seconds} s, ${(count / seconds).toFixed(1)} per second`,
      );
    }
  } finally {
    for (const child of children) child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}

function start(argv: readonly string[]): ChildProcess {
  const [command = "", ...args] = argv;
  return spawn(command, args, { stdio: "ignore" });
}

function switchesOf(child: ChildProcess): number {
  const tree = readTree([child.pid ?? 0]);
  if (tree.length < TREE_MIN) throw new Error(`${child.spawnargs.join(" ")} did not start`);
  return tree.reduce((sum, { pid }) => sum + switchesOfProcess(pid), 0);
}

function switchesOfProcess(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
    const counts = status.matchAll(/^(?:non)?voluntary_ctxt_switches:\s+(\d+)$/gm);
    return sum + [...counts].reduce((all, [, count]) => all + Number(count), 0);
  }, 0);
}

await main();
