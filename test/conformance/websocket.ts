// RFC 6455 and RFC 7692 as others see them: the Autobahn test suite against tunicorn with an ASGI app that echoes.
//
//   node test/conformance/websocket.ts [CASE…]      such as 1.* 9.1.1; all of them without
//
// The suite wants Python 2.7 (TUNICORN_PYTHON27, else python2.7, else pyenv's) and is installed below .venv-autobahn/ once.
// Passed are OK and INFORMATIONAL; NON-STRICT (a fault is found at the end of a message, not at its byte) and UNIMPLEMENTED (an
// offer of compression is declined, which is our right) are shown, and counted as passed.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { ROOT, startServer } from "../harness/server.ts";
import { type Owner, temporaryFolder } from "../harness/temporary.ts";

const SUITE = "autobahntestsuite==25.10.1";
const FOLDER = join(ROOT, ".venv-autobahn");
const PASSED = new Set(["OK", "INFORMATIONAL", "NON-STRICT", "UNIMPLEMENTED"]);
const RUN = "from autobahntestsuite.wstest import run; run()";

interface Result {
  readonly behavior: string;
  readonly behaviorClose: string;
}

async function main(cases: readonly string[]): Promise<number> {
  const python = findPython();
  install(python);
  const cleanups: (() => void | Promise<void>)[] = [];
  const owner: Owner = { after: (cleanup) => cleanups.push(cleanup) };
  try {
    const server = await startServer(owner, [
      "-w",
      "2",
      "-k",
      "asgi",
      "-b",
      "127.0.0.1:0",
      "web_sockets:app",
    ]);
    await server.logged(/Ready at/);
    const folder = temporaryFolder(owner);
    return report(await runSuite(python, { folder, port: server.port, cases }));
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

function findPython(): string {
  const named = process.env["TUNICORN_PYTHON27"];
  const pyenv = globSync(join(homedir(), ".pyenv/versions/2.7.*/bin/python"));
  const found = [named, "python2.7", ...pyenv].find(
    (python) => python !== undefined && spawnSync(python, ["-c", "import pip"]).status === 0,
  );
  if (found === undefined)
    throw new Error("the Autobahn test suite needs Python 2.7 with pip: set TUNICORN_PYTHON27");
  return found;
}

function install(python: string): void {
  if (existsSync(join(FOLDER, "autobahntestsuite"))) return;
  const { status } = spawnSync(python, ["-m", "pip", "install", "-q", "--target", FOLDER, SUITE], {
    stdio: "inherit",
  });
  if (status !== 0) throw new Error(`${SUITE} could not be installed`);
  // pip's --target leaves out what makes a namespace package of it.
  writeFileSync(join(FOLDER, "zope/__init__.py"), "");
}

interface Order {
  readonly folder: string;
  readonly port: number;
  readonly cases: readonly string[];
}

/** Not synchronously: somebody has to read what the server says meanwhile. */
async function runSuite(
  python: string,
  { folder, port, cases }: Order,
): Promise<Readonly<Record<string, Result>>> {
  const outdir = join(folder, "report");
  mkdirSync(outdir);
  const spec = {
    outdir,
    servers: [{ agent: "tunicorn", url: `ws://127.0.0.1:${port}` }],
    cases: cases.length === 0 ? ["*"] : cases,
    "exclude-cases": [],
    "exclude-agent-cases": {},
  };
  const specFile = join(folder, "spec.json");
  writeFileSync(specFile, JSON.stringify(spec));
  const env = { ...process.env, PYTHONPATH: FOLDER };
  const suite = spawn(python, ["-c", RUN, "-m", "fuzzingclient", "-s", specFile], {
    cwd: folder,
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [status] = await once(suite, "exit");
  if (status !== 0) throw new Error(`the suite ended with status ${status}`);
  return JSON.parse(readFileSync(join(outdir, "index.json"), "utf8")).tunicorn;
}

function report(results: Readonly<Record<string, Result>>): number {
  const counts = new Map<string, number>();
  const failed: string[] = [];
  for (const [name, { behavior, behaviorClose }] of Object.entries(results)) {
    counts.set(behavior, (counts.get(behavior) ?? 0) + 1);
    const isPassed = PASSED.has(behavior) && PASSED.has(behaviorClose);
    if (!isPassed || behavior === "NON-STRICT") console.log(`${name} ${behavior}, close ${behaviorClose}`);
    if (!isPassed) failed.push(name);
  }
  console.log([...counts].map(([behavior, count]) => `${behavior} ${count}`).join(" · "));
  console.log(failed.length === 0 ? "passed" : `FAILED: ${failed.join(" ")}`);
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
