// `npm test`: every test there is, in both languages. `npm run test:unit`: the part that takes seconds.
//
//   node scripts/test.ts                  all: node:test over test/**, unittest with every Python found
//   node scripts/test.ts unit             without processes: unit, corpus, contract, tidy; one Python
//   node scripts/test.ts FILE…            these TypeScript tests only
//
// TUNICORN_TEST_NODE runs the tests under another Node; TUNICORN_TEST_PYTHONS (a:b:c) names the Pythons to use.

import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { allInterpreters, ensureVenv, type Interpreter } from "./python-env.ts";

const ROOT = join(import.meta.dirname, "..");
const UNIT = ["test/tidy.test.ts", "test/{unit,corpus,contract,examples}/**/*.test.ts"];
const TEST_TIMEOUT_MS = 120_000;
/** What node:test and unittest say at their end; repeated below everything. */
const SUMMARY_LINE = /^(ℹ (tests|pass|fail|cancelled|skipped)|Ran \d+ tests?|OK|FAILED \()/;

interface Outcome {
  readonly title: string;
  readonly ok: boolean;
  readonly summary: readonly string[];
}

async function main(args: readonly string[]): Promise<void> {
  const python = ensureVenv();
  const isUnit = args[0] === "unit";
  const files = args.length === 0 ? ["test/**/*.test.ts"] : isUnit ? UNIT : args;
  const outcomes: Outcome[] = [];
  if (args.length === 0 || isUnit) {
    for (const interpreter of pythons(python, isUnit)) outcomes.push(await runUnittest(interpreter));
  }
  outcomes.push(await runNodeTest(files, python));
  report(outcomes);
}

function pythons(venvPython: string, isUnit: boolean): Interpreter[] {
  const all =
    globSync("test/python/test_*.py", { cwd: ROOT }).length === 0 ? [] : allInterpreters(venvPython);
  return isUnit ? all.slice(0, 1) : all;
}

function runUnittest(interpreter: Interpreter): Promise<Outcome> {
  const title = `unittest, ${interpreter.implementation} 3.${interpreter.minor}`;
  const args = ["-W", "error::ResourceWarning", "-m", "unittest", "discover", "-s", "test/python"];
  return runTool(title, interpreter.path, args, {
    PYTHONPATH: join(ROOT, "python"),
    PYTHONDONTWRITEBYTECODE: "1",
  });
}

function runNodeTest(files: readonly string[], python: string): Promise<Outcome> {
  const node = process.env["TUNICORN_TEST_NODE"] ?? process.execPath;
  const args = [
    "--test",
    "--test-concurrency=2",
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    "--test-reporter=spec",
  ];
  return runTool("node:test", node, [...args, ...files], {
    PATH: `${dirname(node)}:${process.env["PATH"] ?? ""}`,
    TUNICORN_TEST_VENV: dirname(dirname(python)),
  });
}

/** Runs one runner with its output passed on, and keeps its summary lines. */
function runTool(
  title: string,
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Outcome> {
  console.log(`\n── ${title} ──`);
  const summary: string[] = [];
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      console.log(line);
      if (SUMMARY_LINE.test(line)) summary.push(line);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ title, ok: code === 0, summary }));
  });
}

function report(outcomes: readonly Outcome[]): void {
  console.log("\n── summary ──");
  for (const { title, ok, summary } of outcomes) {
    console.log(`${ok ? "passed" : "FAILED"}  ${title}: ${summary.join(" · ")}`);
  }
  if (!outcomes.every((outcome) => outcome.ok)) process.exitCode = 1;
}

await main(process.argv.slice(2));
